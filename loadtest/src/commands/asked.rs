//! Whom a command asks: the service that its options name, or one that is started for it.

use std::path::Path;

use super::{CommandError, read};
use crate::cli::Against;
use crate::scenario::{Credentials, Service};
use crate::target::{Proof, Started, Target};

/// Whom a command asks. One that was started ends with this.
#[derive(Debug)]
pub(super) enum Asked {
    There(Target),
    Started(Box<Started>),
}

impl Asked {
    pub(super) fn by(
        against: &Against,
        credentials: Credentials,
        clients: u16,
        service: &Service,
    ) -> Result<Self, CommandError> {
        let Some(url) = &against.target else {
            return Ok(Self::Started(Started::start(credentials, clients, service)?.into()));
        };
        if !service.is_as_shipped() {
            return Err(CommandError::OwnService);
        }
        let tokens = against.token_file.as_deref().map_or_else(|| Ok(Vec::new()), tokens)?;
        let proof = Proof {
            tokens,
            certificate: against.cert.clone().zip(against.key.clone()),
            authorities: against.ca.clone(),
        };
        Ok(Self::There(Target::new(url, credentials, clients, proof)?))
    }

    /// The service, if it was started for the command.
    pub(super) fn started(&self) -> Option<&Started> {
        match self {
            Self::There(_) => None,
            Self::Started(started) => Some(started),
        }
    }

    pub(super) fn target(&self) -> &Target {
        match self {
            Self::There(target) => target,
            Self::Started(started) => started.target(),
        }
    }
}

/// One a line.
fn tokens(file: &Path) -> Result<Vec<String>, CommandError> {
    Ok(read(file)?.split_whitespace().map(str::to_owned).collect())
}
