//! The prober's token, in a file that somebody else renews. Never printed.

use std::path::{Path, PathBuf};

use http::HeaderValue;

use crate::telemetry::events;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("--token-file {}: {reason}", path.display())]
pub struct TokenFileError {
    path: PathBuf,
    reason: String,
}

/// A file with a token, and what it held last.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    last: HeaderValue,
    refused: bool,
}

impl TokenFile {
    /// # Errors
    /// [`TokenFileError`] where there is no token in it.
    pub(super) async fn open(path: &Path) -> Result<Self, TokenFileError> {
        Ok(Self { path: path.to_owned(), last: read(path).await?, refused: false })
    }

    /// The value of the header `Authorization`. A file that is unreadable for a moment, as one is that is being
    /// replaced, takes nothing away: the token before may still be good, and if not, the target says so.
    pub(super) async fn authorization(&mut self) -> &HeaderValue {
        match read(&self.path).await {
            Ok(value) => (self.last, self.refused) = (value, false),
            Err(error) => {
                events::TokenFileRefused { error: &error.to_string(), again: self.refused }.emit();
                self.refused = true;
            }
        }
        &self.last
    }
}

async fn read(path: &Path) -> Result<HeaderValue, TokenFileError> {
    let wrong = |reason: String| TokenFileError { path: path.to_owned(), reason };
    let text = tokio::fs::read_to_string(path).await.map_err(|error| wrong(error.to_string()))?;
    let token = text.trim();
    let expected = || wrong("expected one token of visible ASCII, without the word Bearer".to_owned());
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(expected());
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| expected())?;
    value.set_sensitive(true);
    Ok(value)
}
