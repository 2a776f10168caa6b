//! Man pages and shell completions of `inference`, `slo` and `loadtest`, from their command lines: apart from the
//! programs, none of which has to carry what is made once.
//!
//! Must never say anything of its own: a page that lacks something lacks it in `--help` too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _, Parser, ValueEnum as _};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  cargo run -p manual -- ~/.local/share
  man inference-probe
  source ~/.local/share/completions/slo.bash";

/// Writes man pages and shell completions of the programs.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
struct Options {
    /// Where to write man/man1/ and completions/
    folder: PathBuf,
}

fn main() -> io::Result<()> {
    write(&Options::parse().folder)
}

fn programs() -> [Command; 3] {
    [inference::cli::CommandLine::command(), loadtest::cli::Options::command(), slo::cli::Options::command()]
}

fn write(folder: &Path) -> io::Result<()> {
    let (pages, completions) = (folder.join("man/man1"), folder.join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    for mut program in programs() {
        let name = program.get_name().to_owned();
        for shell in Shell::value_variants() {
            clap_complete::generate_to(*shell, &mut program, &name, &completions)?;
        }
        clap_mangen::generate_to(program, &pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_is_shown_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        for program in programs() {
            let name = program.get_name();
            let page = |page: String| fs::read_to_string(folder.path().join("man/man1").join(page)).unwrap();
            assert!(page(format!("{name}.1")).contains("Examples:"), "{name} teaches nothing by examples");
            for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
                let about = page(format!("{name}-{}.1", command.get_name()));
                assert!(about.contains("SYNOPSIS"), "{name} {}: {about}", command.get_name());
            }
            for file in [format!("{name}.bash"), format!("_{name}"), format!("{name}.fish")] {
                assert!(folder.path().join("completions").join(&file).is_file(), "{file}");
            }
        }
    }
}
