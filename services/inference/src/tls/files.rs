//! The files of TLS as they were at one moment, and what PEM they hold. Judges none of it.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::{TlsConfig, TlsError, TlsProblem};

/// A file's content, and where it comes from.
#[derive(Debug)]
pub(super) struct File {
    setting: &'static str,
    path: PathBuf,
    content: Vec<u8>,
}

/// All of them. Read before any is looked at: what is built from them belongs together.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) certificate: File,
    pub(super) key: File,
    pub(super) client_ca: Option<File>,
    pub(super) crls: Vec<File>,
}

impl Files {
    /// `None` where no TLS is asked for.
    pub(super) fn read(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let TlsConfig { tls_certificate, tls_key, tls_client_ca, tls_crl, .. } = config;
        let (Some(certificate), Some(key)) = (tls_certificate, tls_key) else { return Ok(None) };
        Ok(Some(Self {
            certificate: File::read("--tls-certificate", certificate)?,
            key: File::read("--tls-key", key)?,
            client_ca: tls_client_ca.as_ref().map(|path| File::read("--tls-client-ca", path)).transpose()?,
            crls: tls_crl.iter().map(|path| File::read("--tls-crl", path)).collect::<Result<_, _>>()?,
        }))
    }

    /// Tells these contents from others. Contents and not times of change: the files are small, and two changes may
    /// fall within what a file system calls the same moment.
    pub(super) fn digest(&self) -> [u8; 32] {
        let Self { certificate, key, client_ca, crls } = self;
        let mut digest = Sha256::new();
        for file in [certificate, key].into_iter().chain(client_ca).chain(crls) {
            digest.update(Sha256::digest(&file.content));
        }
        digest.finalize().into()
    }
}

impl File {
    fn read(setting: &'static str, path: &Path) -> Result<Self, TlsError> {
        match std::fs::read(path) {
            Ok(content) => Ok(Self { setting, path: path.to_owned(), content }),
            Err(error) => {
                Err(TlsError { setting, path: path.to_owned(), problem: TlsProblem::Unreadable(error) })
            }
        }
    }

    /// What is wrong, and that it is this file in which it is.
    pub(super) fn is_wrong(&self, problem: TlsProblem) -> TlsError {
        TlsError { setting: self.setting, path: self.path.clone(), problem }
    }

    /// Every section of this kind, of which there has to be one.
    pub(super) fn sections<T: PemObject>(
        &self,
        expected: &'static str,
        label: &'static str,
    ) -> Result<Vec<T>, TlsError> {
        let sections: Result<Vec<T>, _> = T::pem_slice_iter(&self.content).collect();
        match sections.map_err(|error| self.is_wrong(TlsProblem::NotPem(error)))? {
            none if none.is_empty() => Err(self.is_wrong(TlsProblem::Nothing { expected, label })),
            sections => Ok(sections),
        }
    }
}
