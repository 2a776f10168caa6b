//! A service that is started for a run and ends with it: one instance, or several behind a balancer. Owns their lives; must
//! never know what is asked of them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use super::balancer::{Addresses, Balancer};
use super::cores::Apart;
use super::instance::{Instance, Launch};
use super::proof::Made;
use super::{Lacking, Target};
use crate::scenario::{Credentials, Quota, Service};

/// A service that was started here; it ends when its owner lets go of it.
#[derive(Debug)]
pub struct Started {
    balancer: Option<Balancer>,
    instances: Mutex<Vec<Instance>>,
    launch: Launch,
    apart: Apart,
    _folder: TempDir,
    target: Target,
}

/// A service that does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or a process.
    #[error("the service can't be started: {0}")]
    System(#[from] io::Error),
    /// One that ended.
    #[error("the service ended with {status}:\n{said}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// What it wrote.
        said: String,
    },
    /// One that does not take longer for its answers.
    #[error("the service that was started was asked to take longer for its answers: {0}")]
    NotSlow(#[from] ureq::Error),
    /// One that said nothing of what it has to be shown.
    #[error("the service that was started: {0}")]
    Lacking(#[from] Lacking),
}

impl Started {
    /// Builds the service, starts it on loopback so that it accepts these credentials of so many clients, and waits until it
    /// is ready.
    ///
    /// # Errors
    ///
    /// When it does not build or ends.
    pub fn start(credentials: Credentials, clients: u16, service: &Service) -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let mut made = Made::for_credentials(credentials, folder.path())?;
        made.sign_for(clients)?;
        let neighbour = service.quota.map(|_| made.neighbour()).transpose()?.flatten();
        let Made { is_open, mut settings, mut proof, .. } = made;
        settings.extend(service.options.iter().cloned());
        if let Some(quota) = service.quota {
            settings.extend(["--quota-classes".to_owned(), classes(folder.path(), quota)?]);
        }
        let mut program = if is_open { vec!["--example", "open"] } else { Vec::new() };
        let answers_take = service.answers_take();
        if answers_take.is_some() {
            program.extend(["--features", "faults"]);
        }
        let launch = Launch { program, settings, answers_take, folder: folder.path().to_owned() };
        launch.build()?;
        let apart = Apart::new()?;
        let first = launch.start(&apart)?;
        if proof.tokens.is_empty() && !first.ready.token.is_empty() {
            proof.tokens.push(first.ready.token.clone());
        }
        let scheme = if proof.authorities.is_some() { "https" } else { "http" };
        let Addresses { api, admin } = first.ready.addresses();
        let process = first.pid();
        let mut instances = vec![first];
        for _ in 1..service.instances {
            instances.push(launch.start(&apart)?);
        }
        let balancer = (instances.len() > 1)
            .then(|| Balancer::before(instances.iter().map(|instance| instance.ready.addresses()).collect()))
            .transpose()?;
        let address = balancer.as_ref().map_or(api, Balancer::address);
        let mut target = Target::new(&format!("{scheme}://{address}"), credentials, clients, proof)?;
        if balancer.is_none() {
            target.process = Some(process);
            target.metrics = Some(format!("http://{admin}/metrics"));
        }
        target.neighbour = neighbour;
        Ok(Self { balancer, instances: Mutex::new(instances), launch, apart, _folder: folder, target })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Tells each instance to end and starts another in its place, one after the other, as a rollout does.
    ///
    /// # Errors
    ///
    /// When one does not end well or the next does not start.
    pub fn restart_in_turn(&self) -> Result<(), StartError> {
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        for place in 0..instances.len() {
            // The oldest is always the first.
            instances.remove(0).end()?;
            let next = self.launch.start(&self.apart)?;
            if let Some(balancer) = &self.balancer {
                balancer.replace(place, next.ready.addresses());
            }
            instances.push(next);
        }
        Ok(())
    }
}

/// A file in which everybody has that quota.
fn classes(folder: &Path, Quota { rate, burst }: Quota) -> io::Result<String> {
    let file = folder.join("quota-classes");
    fs::write(&file, format!("everybody rate={rate}/s burst={burst}\n"))?;
    Ok(file.display().to_string())
}
