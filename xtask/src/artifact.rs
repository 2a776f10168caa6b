//! The binary that ships: fat LTO, statically linked, with the list of all that it is made of in it; the one that the image
//! holds and that end-to-end tests run.
//!
//! Must never hand out another build than that one, except to a profiler.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use xshell::cmd;

use crate::tools;
use crate::workspace::Workspace;

/// What writes the list of crates into the binary.
pub(crate) const NEEDS: [&str; 1] = ["cargo-auditable"];

/// Builds the service with the `dist` profile, as one static file, and returns where it is. Quick when nothing changed.
pub(crate) fn service(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    built(workspace, "inference")
}

/// Builds another program of the workspace, whose package is named like it, just as the service is built: what the
/// service is compared with.
pub(crate) fn built(workspace: &Workspace, name: &str) -> anyhow::Result<PathBuf> {
    build(workspace, &["--package", name], name)
}

/// Builds an example of the service in the same way.
pub(crate) fn example(workspace: &Workspace, name: &str) -> anyhow::Result<PathBuf> {
    build(workspace, &["--package", "inference", "--example", name], &format!("examples/{name}"))
}

/// The service as it ships, but with the names of its functions and with frame pointers, for a profiler.
pub(crate) fn profiled(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let (shell, target) = (workspace.shell()?, host_target()?);
    let _named = shell.push_env("CARGO_PROFILE_DIST_STRIP", "none");
    let _frames = shell.push_env("RUSTFLAGS", format!("{} -C force-frame-pointers=yes", flags()));
    // Beside the others: what cargo keeps must not be built anew in turns.
    let folder = workspace.path("target/profiled");
    cmd!(shell, "cargo build --quiet --locked --profile dist --package inference --target {target} --target-dir {folder}").run()?;
    Ok(folder.join(target).join("dist/inference"))
}

fn build(workspace: &Workspace, what: &[&str], file: &str) -> anyhow::Result<PathBuf> {
    tools::ensure(workspace, &NEEDS)?;
    let shell = workspace.shell()?;
    let target = host_target()?;
    // With an explicit target the flags are for the program alone, not for build scripts and macros, which can't be
    // linked statically.
    let _static = shell.push_env("RUSTFLAGS", flags());
    cmd!(shell, "cargo auditable build --quiet --locked --profile dist {what...} --target {target}").run()?;
    let binary = workspace.path("target").join(target).join("dist").join(file);
    if !binary.is_file() {
        bail!("cargo built {file}, but {} is not there", binary.display());
    }
    Ok(binary)
}

/// Linked statically; where Rust links with lld, relocations are packed and equal functions become one (a tenth of the
/// file): nothing here compares the addresses of functions.
fn flags() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => concat!(
            "-C target-feature=+crt-static",
            " -C link-arg=-Wl,-z,pack-relative-relocs",
            " -C link-arg=-Wl,--icf=all"
        ),
        _ => "-C target-feature=+crt-static",
    }
}

/// The target triple of this machine. The C library is the one that Rust's own toolchain links, so that no other has
/// to be installed.
pub(crate) fn host_target() -> anyhow::Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64-unknown-linux-gnu"),
        "aarch64" => Ok("aarch64-unknown-linux-gnu"),
        other => Err(anyhow::anyhow!("{other}"))
            .context("the image is built for x86_64 and aarch64 Linux; this machine is"),
    }
}
