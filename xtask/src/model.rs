//! `cargo xtask model SCRIPT ARGS…`: a script of the model's folder in the locked Python environment.
//!
//! Must never know what a script does: its own `--help` says that.

use clap::{Args, ValueEnum};
use xshell::cmd;

use crate::tools;
use crate::workspace::Workspace;

/// Which script, and what it is given.
#[derive(Debug, Args)]
pub(crate) struct ModelOptions {
    /// The script
    script: Script,
    /// What the script is given; `cargo xtask model train --help` shows the script's own help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Script {
    /// Train flights.onnx, its golden answers and its card from flights.csv
    Train,
    /// Turn a pickled scikit-learn classifier into an ONNX file that the service runs
    Convert,
    /// Make flights.csv from the full data set
    Tally,
}

impl Script {
    const fn file(self) -> &'static str {
        match self {
            Self::Train => "services/inference/model/train.py",
            Self::Convert => "services/inference/model/convert.py",
            Self::Tally => "services/inference/model/tally.py",
        }
    }
}

pub(crate) fn run(workspace: &Workspace, options: &ModelOptions) -> anyhow::Result<()> {
    tools::ensure(workspace, &["python"])?;
    let (python, script, args) = (workspace.python(), options.script.file(), &options.args);
    let shell = workspace.shell()?;
    Ok(cmd!(shell, "{python} {script} {args...}").quiet().run()?)
}
