//! The container image: built from the binary that ships, in a context that holds nothing else.
//!
//! The image is removed when its owner lets go of it. Must never pull anything: `FROM scratch` needs nothing.

use std::path::Path;

use anyhow::Context as _;
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// What the image is made by.
const DOCKERFILE: &str = "services/inference/Dockerfile";

/// The ceiling for the whole image.
pub(crate) const MAX_BYTES: u64 = 20_000_000;

/// An image in this machine's local storage.
#[derive(Debug)]
pub(crate) struct Image {
    /// What `podman run` calls it.
    pub(crate) name: String,
    shell: Shell,
}

impl Image {
    /// Builds the image of the service.
    pub(crate) fn build(workspace: &Workspace, binary: &Path) -> anyhow::Result<Self> {
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
        let content = std::fs::read_to_string(workspace.path(DOCKERFILE)).context(DOCKERFILE)?;
        Self::from_content(shell, "puntual-inference-e2e", &content, binary, &arguments)
    }

    /// Builds the least image that can be: whether this machine can build and run any.
    pub(crate) fn probe(workspace: &Workspace, binary: &Path) -> anyhow::Result<Self> {
        let content = "FROM scratch\nCOPY inference /inference\nENTRYPOINT [\"/inference\"]\n";
        Self::from_content(workspace.shell()?, "puntual-probe-e2e", content, binary, &[])
    }

    fn from_content(
        shell: Shell,
        name: &str,
        content: &str,
        binary: &Path,
        arguments: &[String],
    ) -> anyhow::Result<Self> {
        let context = TempDir::new()?;
        std::fs::write(context.path().join("Dockerfile"), content)?;
        std::fs::copy(binary, context.path().join("inference"))?;
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
