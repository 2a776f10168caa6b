//! The image as a platform runs it: nobody's user, no capabilities, a read-only root; and it still does its work.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use super::{E2e, curl};
use crate::image::{self, Image, Program};
use crate::keep_alive;
use crate::outcome::Outcome;
use crate::process::free_address;
use crate::service::status_number;
use crate::workspace::Workspace;
use crate::{artifact, wait};

/// The user and group of the image.
const NOBODY: u64 = 65532;

/// How a platform that trusts nothing runs it. No `/dev/shm`, no writable `/tmp`; limits on files and processes, because
/// the service must live within some.
const CONFINED: &[&str] = &[
    "--network=host",
    "--read-only",
    "--read-only-tmpfs=false",
    "--ipc=none",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1000:1000",
];

/// podman's own exit codes for "podman failed" and "the runtime could not start the program".
const NOT_THE_PROGRAMS: [i32; 2] = [125, 126];

const START_LIMIT: Duration = Duration::from_secs(20);

/// `cargo xtask e2e container`
pub(crate) const TEST: E2e = E2e {
    name: "container",
    summary: "the image is at most 20 MB and runs read-only, as nobody, without capabilities; the curl works",
    needs: &["podman", "buildah", "runc", "curl"],
    run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let binary = artifact::service(workspace)?;
    if let Some(reason) = cannot_run_containers(workspace, &binary)? {
        return Ok(Outcome::Skipped(reason));
    }
    says_what_it_is_made_of(&binary)?;
    let image = Image::build(workspace, Program::Inference, &binary)?;
    is_small_and_labelled(&image)?;

    let container = Container::start(workspace.shell()?, &image)?;
    container.answers()?;
    container.runs_as_nobody()?;
    container.can_write_nothing()?;
    container.stops()?;
    Ok(Outcome::Passed)
}

/// Why not even the least container runs on this machine; none when it does. What fails after this is ours.
fn cannot_run_containers(workspace: &Workspace, binary: &Path) -> anyhow::Result<Option<String>> {
    let probe = match Image::probe(workspace, binary) {
        Ok(probe) => probe,
        Err(error) => return Ok(Some(format!("{error:#}"))),
    };
    let (shell, name) = (workspace.shell()?, &probe.name);
    let output = cmd!(shell, "podman --runtime runc run --rm {CONFINED...} {name} --version")
        .quiet()
        .ignore_status()
        .output()?;
    let own = output.status.code().is_none_or(|code| NOT_THE_PROGRAMS.contains(&code));
    Ok(own.then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// The bill of materials is made of what the binary says, so it has to say it.
fn says_what_it_is_made_of(binary: &Path) -> anyhow::Result<()> {
    let made_of = auditable_info::audit_info_from_file(binary, auditable_info::Limits::default())
        .context("the binary does not say what it is made of")?;
    let names = |name: &str| made_of.packages.iter().any(|package| package.name == name);
    ensure!(names("inference") && names("tract-onnx"), "the binary names {} crates", made_of.packages.len());
    println!("the binary names the {} crates that it is made of", made_of.packages.len());
    Ok(())
}

fn is_small_and_labelled(image: &Image) -> anyhow::Result<()> {
    let bytes = image.bytes()?;
    println!("the image has {bytes} bytes");
    ensure!(bytes <= image::MAX_BYTES, "{bytes} bytes are more than {}", image::MAX_BYTES);
    ensure!(image.inspect("{{.User}}")? == format!("{NOBODY}:{NOBODY}"), "another user");
    for label in ["title", "description", "source", "version", "revision", "licenses"] {
        let value = image.inspect(&format!("{{{{index .Labels \"org.opencontainers.image.{label}\"}}}}"))?;
        ensure!(!value.trim().is_empty(), "the label {label} is empty");
    }
    Ok(())
}

/// A running container; removed when dropped.
#[derive(Debug)]
struct Container {
    shell: Shell,
    name: String,
    admin: SocketAddr,
}

impl Container {
    fn start(shell: Shell, image: &Image) -> anyhow::Result<Self> {
        let (api, admin) = (free_address()?, free_address()?);
        let name = format!("puntual-inference-e2e-{}", std::process::id());
        let container = Self { shell, name, admin };
        let Self { shell, name, .. } = &container;
        let settings = [
            format!("--env=INFERENCE_LISTEN={api}"),
            format!("--env=INFERENCE_ADMIN_LISTEN={admin}"),
            "--env=INFERENCE_DRAIN_GRACE=100ms".to_owned(),
        ];
        let image = &image.name;
        cmd!(shell, "podman --runtime runc run --detach --name {name} {CONFINED...} {settings...} {image}")
            .quiet()
            .ignore_stdout()
            .run()?;
        wait::until("the container to be ready", START_LIMIT, || {
            let state = container.inspect("{{.State.Status}}")?;
            ensure!(state == "running", "the container is {state}:\n{}", container.log()?);
            Ok(keep_alive::get(admin, "/readyz").ok().filter(|answer| answer.status == 200))
        })?;
        Ok(container)
    }

    /// The command that it printed works.
    fn answers(&self) -> anyhow::Result<()> {
        let banner = wait::until("the banner", START_LIMIT, || {
            let log = self.log()?;
            Ok(crate::service::printed_curl(&log).is_ok().then_some(log))
        })?;
        curl::paste(&self.shell, &banner)
    }

    fn runs_as_nobody(&self) -> anyhow::Result<()> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let (user, group) = (status_number(&status, "Uid:")?, status_number(&status, "Gid:")?);
        ensure!((user, group) == (NOBODY, NOBODY), "the process runs as {user}:{group}");
        for name in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:"] {
            // Hexadecimal; all zeros is the number 0 all the same.
            ensure!(
                status_number(&status, name).ok() == Some(0),
                "the process has capabilities: {name}\n{status}"
            );
        }
        ensure!(status_number(&status, "NoNewPrivs:")? == 1, "the process may gain privileges");
        Ok(())
    }

    /// The same user, in the same file system, finds nothing that it could write.
    fn can_write_nothing(&self) -> anyhow::Result<()> {
        let Self { shell, .. } = self;
        let root = format!("/proc/{}/root", self.pid()?);
        // The kernel's own views, and message queues, which hold no files.
        let kernels = ["proc", "sys", "dev/mqueue"].map(|path| format!("{root}/{path}"));
        let [proc, sys, mqueue] = &kernels;
        let user = NOBODY.to_string();
        let writable = cmd!(shell, "setpriv --reuid {user} --regid {user} --clear-groups find {root}/")
            .args(["(", "-path", proc, "-o", "-path", sys, "-o", "-path", mqueue, ")", "-prune", "-o"])
            .args(["-writable", "!", "-type", "l", "!", "-type", "c", "-print"])
            .quiet()
            .read()
            .context("cannot look into the container as its own user; this part needs root")?;
        ensure!(writable.is_empty(), "the process can write:\n{writable}");
        Ok(())
    }

    /// SIGTERM is enough, and the end is a good one.
    fn stops(self) -> anyhow::Result<()> {
        let Self { shell, name, .. } = &self;
        cmd!(shell, "podman stop --time 20 {name}").quiet().ignore_stdout().run()?;
        let code = self.inspect("{{.State.ExitCode}}")?;
        ensure!(code == "0", "after SIGTERM the container ended with {code}:\n{}", self.log()?);
        Ok(())
    }

    fn pid(&self) -> anyhow::Result<String> {
        self.inspect("{{.State.Pid}}")
    }

    fn inspect(&self, template: &str) -> anyhow::Result<String> {
        let Self { shell, name, .. } = self;
        Ok(cmd!(shell, "podman container inspect --format {template} {name}").quiet().read()?)
    }

    /// What it wrote, to both.
    fn log(&self) -> anyhow::Result<String> {
        let Self { shell, name, .. } = self;
        let output = cmd!(shell, "podman logs {name}").quiet().output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Self { shell, name, admin } = self;
        let removed = cmd!(shell, "podman rm --force --ignore --time 0 {name}")
            .quiet()
            .ignore_stdout()
            .ignore_stderr()
            .run();
        if let Err(error) = removed {
            eprintln!("the container {name} (admin on {admin}) is left: {error}");
        }
    }
}
