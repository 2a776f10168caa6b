//! A throw-away certificate authority and a client of TLS, both by the `openssl` command line: neither shares a line of
//! code with the service. Must never be given a key that is used elsewhere.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::process;

/// What `openssl ca` has to be told beside its arguments. Relative to the authority's folder, where it runs.
const CONFIG: &str = "\
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 2
default_crl_days = 2
unique_subject = no
policy = any
copy_extensions = copy
[any]
commonName = supplied
";

/// The authority, in a folder of its own.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: TempDir,
    shell: Shell,
}

impl Authority {
    /// Makes its key and its certificate.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let (folder, shell) = (tempfile::tempdir()?, Shell::new()?);
        shell.change_dir(folder.path());
        for (name, content) in
            [("openssl.cnf", CONFIG), ("index.txt", ""), ("serial", "01\n"), ("crlnumber", "01\n")]
        {
            shell.write_file(name, content)?;
        }
        cmd!(
            shell,
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem
             -days 2 -subj /CN=authority -addext keyUsage=critical,keyCertSign,cRLSign"
        )
        .quiet()
        .ignore_stderr()
        .run()?;
        Ok(Self { folder, shell })
    }

    /// Makes `NAME.pem` with `NAME.key`: with this subject alternative name, for this use.
    pub(crate) fn issue(&self, name: &str, alternative_name: &str, usage: &str) -> anyhow::Result<()> {
        let shell = &self.shell;
        let names = format!("subjectAltName={alternative_name}");
        let usage = format!("extendedKeyUsage={usage}");
        cmd!(
            shell,
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr
             -subj /CN={name} -addext {names} -addext {usage}"
        )
        .quiet()
        .ignore_stderr()
        .run()?;
        cmd!(shell, "openssl ca -batch -config openssl.cnf -notext -in {name}.csr -out {name}.pem")
            .quiet()
            .ignore_stderr()
            .run()?;
        Ok(())
    }

    /// Revokes what was issued under this name; nobody knows before there is another CRL.
    pub(crate) fn revoke(&self, name: &str) -> anyhow::Result<()> {
        let shell = &self.shell;
        Ok(cmd!(shell, "openssl ca -config openssl.cnf -revoke {name}.pem").quiet().ignore_stderr().run()?)
    }

    /// Writes `ca.crl`, whole or not at all.
    pub(crate) fn publish_crl(&self) -> anyhow::Result<()> {
        let shell = &self.shell;
        cmd!(shell, "openssl ca -config openssl.cnf -gencrl -out next.crl").quiet().ignore_stderr().run()?;
        Ok(std::fs::rename(self.path("next.crl"), self.path("ca.crl"))?)
    }

    /// One of its files.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The same, as text for a command line.
    pub(crate) fn file(&self, file: &str) -> anyhow::Result<String> {
        Ok(process::text(&self.path(file))?.to_owned())
    }

    /// `openssl s_client`, connected, with these options; killed with what is returned.
    pub(crate) fn connect(&self, to: SocketAddr, options: &[&str]) -> anyhow::Result<Client> {
        let mut process = Command::new("openssl")
            .args(["s_client", "-connect", &to.to_string(), "-CAfile", "ca.pem", "-verify_return_error"])
            .args(options)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start openssl")?;
        let input = process.stdin.take().context("a pipe")?;
        Ok(Client { process, input })
    }

    /// Sends a request and returns all that `openssl s_client` shows until the server closes.
    pub(crate) fn ask(&self, to: SocketAddr, options: &[&str], request: &str) -> anyhow::Result<String> {
        let mut client = self.connect(to, &[&["-ign_eof"], options].concat())?;
        // Where the handshake fails nobody reads it.
        let _sent = client.send(request);
        client.shown()
    }
}

/// A running `openssl s_client`.
#[derive(Debug)]
pub(crate) struct Client {
    process: Child,
    input: ChildStdin,
}

impl Client {
    /// Sends this through the connection.
    pub(crate) fn send(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.input.write_all(text.as_bytes()).and_then(|()| self.input.flush())?)
    }

    /// Reads what it shows until this is in it.
    pub(crate) fn wait_for(&mut self, text: &str) -> anyhow::Result<()> {
        let (mut shown, mut piece) = (Vec::new(), [0; 4096]);
        let output = self.process.stdout.as_mut().context("a pipe")?;
        while !String::from_utf8_lossy(&shown).contains(text) {
            let count = output.read(&mut piece)?;
            ensure!(count > 0, "openssl ended before {text:?}: {}", String::from_utf8_lossy(&shown));
            shown.extend(piece.iter().take(count));
        }
        Ok(())
    }

    /// Whether it has ended, because the connection has.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }

    /// Everything that it shows, to its end.
    fn shown(mut self) -> anyhow::Result<String> {
        let mut shown = String::new();
        for pipe in [
            self.process.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>),
            self.process.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>),
        ] {
            let mut bytes = Vec::new();
            pipe.context("a pipe")?.read_to_end(&mut bytes)?;
            shown += &String::from_utf8_lossy(&bytes);
        }
        Ok(shown)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Already gone is what one wishes here.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
