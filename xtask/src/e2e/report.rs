//! A load test's report, as a browser draws it. Owns what a reader must find on the page; what is in it is tested where it
//! is made.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::E2e;
use crate::development;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// `cargo xtask e2e report`
pub(crate) const TEST: E2e = E2e {
    name: "report",
    summary: "a browser draws the load tests' reports: each plot has its lines, no text is cut off, nothing is fetched",
    needs: &["chromium-headless-shell"],
    run,
};

/// Runs of one phase and of several, with and without errors.
const RESULTS: [&str; 3] = ["brief-50k", "overload", "soak"];

/// Plots of a phase of a service that the harness started.
const PLOTS: usize = 5;

/// A reader's window.
const WINDOW: &str = "--window-size=1280,1024";

/// Asked in the page; the answer becomes a part of it, which is all that the browser tells.
const QUESTION: &str = "<script>addEventListener('load', () => {
  const within = (text, picture) => {
    const [a, b] = [text.getBoundingClientRect(), picture.getBoundingClientRect()];
    return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  };
  // Axes are black, and the legend's lines short.
  const drawn = line => line.getAttribute('stroke') !== '#000000' && line.getBoundingClientRect().width > 100;
  const pictures = [...document.querySelectorAll('svg')].map(picture => ({
    lines: [...picture.querySelectorAll('polyline')].filter(drawn).length,
    cut_off: [...picture.querySelectorAll('text')].filter(text => !within(text, picture)).map(text => text.textContent),
  }));
  const seen = document.createElement('pre');
  seen.id = 'seen';
  seen.textContent = JSON.stringify({
    heading: document.querySelector('h1').textContent,
    pictures,
    fetched: performance.getEntriesByType('resource').length,
    too_wide: document.documentElement.scrollWidth - innerWidth,
  });
  document.body.append(seen);
})</script>";

/// What the browser answers.
#[derive(Debug, Deserialize)]
struct Seen {
    heading: String,
    /// One for each phase, with all of its plots.
    pictures: Vec<Picture>,
    fetched: u32,
    /// Pixels beyond the window.
    too_wide: i32,
}

#[derive(Debug, Deserialize)]
struct Picture {
    lines: usize,
    cut_off: Vec<String>,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let shell = workspace.shell()?;
    let loadtest = development::load_test(workspace)?;
    for name in RESULTS {
        look(workspace, &shell, &loadtest, name).with_context(|| format!("the report of {name}"))?;
    }
    Ok(Outcome::Passed)
}

fn look(workspace: &Workspace, shell: &Shell, loadtest: &Path, name: &str) -> anyhow::Result<()> {
    let result = format!("loadtest/results/{name}.json");
    let page = cmd!(shell, "{loadtest} report {result} --html -").quiet().read()?;
    let asked = workspace.path(&format!("target/e2e-report-{name}.html"));
    std::fs::write(&asked, page.clone() + QUESTION)?;
    // As root there is no sandbox; a page that was just made here needs none.
    let options =
        ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND", WINDOW, "--dump-dom"];
    let dom =
        cmd!(shell, "chromium-headless-shell {options...} file://{asked}").quiet().ignore_stderr().read()?;
    let seen = dom.split_once("<pre id=\"seen\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (seen, _) = seen.context("the browser ran nothing")?;
    let Seen { heading, pictures, fetched, too_wide } =
        serde_json::from_str(seen).with_context(|| seen.to_owned())?;
    ensure!(heading.starts_with(&format!("{name}: ")), "it is headed {heading:?}");
    let phases = page.matches("<h2>").count();
    ensure!(pictures.len() == phases, "{} pictures of {phases} phases", pictures.len());
    println!("    {heading}: {phases} phases");
    for Picture { lines, cut_off } in pictures {
        ensure!(lines >= PLOTS, "a picture of {PLOTS} plots has {lines} lines");
        ensure!(cut_off.is_empty(), "cut off: {cut_off:?}");
    }
    ensure!(fetched == 0, "it fetched {fetched} files");
    ensure!(too_wide <= 0, "it is {too_wide} pixels wider than the window");
    Ok(())
}
