//! `cargo xtask image`: the image as a file, with its digest and its bill of materials. Needs no network and no right.
//!
//! Must never name a registry: who may publish is another job's question.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use xshell::cmd;

use crate::image::{Image, Program};
use crate::workspace::Workspace;
use crate::{artifact, tools};

/// Where to write it.
#[derive(Debug, Args)]
pub(crate) struct ImageOptions {
    /// The program that it holds
    #[arg(long, value_enum, default_value_t = Program::Inference)]
    of: Program,
    /// The image, as an OCI archive
    #[arg(long, value_name = "FILE")]
    archive: PathBuf,
    /// Its bill of materials, in CycloneDX, of what the binary says that it is made of
    #[arg(long, value_name = "FILE")]
    sbom: PathBuf,
    /// Add `digest=sha256:…` to this file, as GitHub reads a step's outputs
    #[arg(long, env = "GITHUB_OUTPUT", value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Builds the image, and writes it down.
pub(crate) fn image(workspace: &Workspace, options: &ImageOptions) -> anyhow::Result<()> {
    let ImageOptions { of, archive, sbom, output } = options;
    tools::ensure(workspace, &["auditable2cdx", "buildah"])?;
    let binary = artifact::built(workspace, of.package())?;
    let shell = workspace.shell()?;
    let materials = cmd!(shell, "auditable2cdx {binary}").quiet().read()?;
    std::fs::write(sbom, materials).with_context(|| sbom.display().to_string())?;
    let digest = Image::build(workspace, *of, &binary)?.archive(archive)?;
    println!("{digest}");
    if let Some(file) = output {
        let before = if file.exists() { std::fs::read_to_string(file)? } else { String::new() };
        std::fs::write(file, format!("{before}digest={digest}\n")).context("GitHub's file of outputs")?;
    }
    Ok(())
}
