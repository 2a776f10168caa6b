//! Container images: each built from a binary that ships, in a context that holds nothing else that it does not need.
//!
//! An image is removed when its owner lets go of it. Must never pull anything: `FROM scratch` needs nothing.

use std::path::Path;

use anyhow::Context as _;
use clap::ValueEnum;
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// What an image holds, by the name of its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    /// The service
    Inference,
    /// What sends a share of a load, as the chart's Job does
    Loadtest,
}

/// The authorities that this machine trusts, as Debian and its kin keep them.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Program {
    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Loadtest => "loadtest",
        }
    }

    /// What its image is made by.
    const fn dockerfile(self) -> &'static str {
        match self {
            Self::Inference => "services/inference/Dockerfile",
            Self::Loadtest => "loadtest/Dockerfile",
        }
    }

    /// What the image needs beside the binary.
    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Inference => &[],
            Self::Loadtest => &[AUTHORITIES],
        }
    }
}

/// The ceiling for the whole image of the service.
pub(crate) const MAX_BYTES: u64 = 20_000_000;

/// An image in this machine's local storage.
#[derive(Debug)]
pub(crate) struct Image {
    /// What `podman run` calls it.
    pub(crate) name: String,
    shell: Shell,
}

impl Image {
    /// Builds the image of a program.
    pub(crate) fn build(workspace: &Workspace, program: Program, binary: &Path) -> anyhow::Result<Self> {
        let shell = workspace.shell()?;
        let revision = cmd!(shell, "git rev-parse HEAD").quiet().read()?;
        // The commit's time for every date in the image: the same commit gives the same image.
        let time = cmd!(shell, "git show --no-patch --format=%ct HEAD").quiet().read()?;
        let version = env!("CARGO_PKG_VERSION");
        let arguments = [
            format!("--build-arg=VERSION={version}"),
            format!("--build-arg=REVISION={revision}"),
            format!("--timestamp={time}"),
        ];
        let (dockerfile, name) = (program.dockerfile(), format!("puntual-{}", program.package()));
        let content = std::fs::read_to_string(workspace.path(dockerfile)).context(dockerfile)?;
        let files: Vec<_> = program.files().iter().map(Path::new).chain([binary]).collect();
        Self::from_content(shell, &name, &content, &files, &arguments)
    }

    /// Builds the least image that can be: whether this machine can build and run any.
    pub(crate) fn probe(workspace: &Workspace, binary: &Path) -> anyhow::Result<Self> {
        let content = "FROM scratch\nCOPY inference /inference\nENTRYPOINT [\"/inference\"]\n";
        Self::from_content(workspace.shell()?, "puntual-probe-e2e", content, &[binary], &[])
    }

    fn from_content(
        shell: Shell,
        name: &str,
        content: &str,
        files: &[&Path],
        arguments: &[String],
    ) -> anyhow::Result<Self> {
        let context = TempDir::new()?;
        std::fs::write(context.path().join("Dockerfile"), content)?;
        for file in files {
            let name = file.file_name().context("a file without a name")?;
            std::fs::copy(file, context.path().join(name)).with_context(|| file.display().to_string())?;
        }
        let path = context.path();
        // Other runs on this machine have their own.
        let name = format!("localhost/{name}:{}", std::process::id());
        cmd!(shell, "buildah bud --quiet --isolation chroot {arguments...} --tag {name} {path}")
            .quiet()
            .ignore_stdout()
            .run()
            .context("cannot build the image")?;
        Ok(Self { name, shell })
    }

    /// Writes it into a file, as an OCI archive, and returns its digest.
    pub(crate) fn archive(&self, file: &Path) -> anyhow::Result<String> {
        let Self { name, shell } = self;
        let folder = TempDir::new()?;
        let digest = folder.path().join("digest");
        let archive = format!("oci-archive:{}", file.display());
        cmd!(shell, "buildah push --quiet --digestfile {digest} {name} {archive}")
            .quiet()
            .ignore_stdout()
            .run()
            .context("cannot write the image down")?;
        Ok(std::fs::read_to_string(&digest).context("buildah names no digest")?.trim().to_owned())
    }

    /// What `podman image inspect` shows, by a Go template.
    pub(crate) fn inspect(&self, template: &str) -> anyhow::Result<String> {
        let Self { name, shell } = self;
        Ok(cmd!(shell, "podman image inspect --format {template} {name}").quiet().read()?)
    }

    /// Its size, in bytes.
    pub(crate) fn bytes(&self) -> anyhow::Result<u64> {
        let size = self.inspect("{{.Size}}")?;
        size.parse().with_context(|| format!("podman says that the image's size is {size:?}"))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let Self { name, shell } = self;
        let removed =
            cmd!(shell, "podman image rm --force {name}").quiet().ignore_stdout().ignore_stderr().run();
        if let Err(error) = removed {
            eprintln!("{name} is left in the local storage: {error}");
        }
    }
}
