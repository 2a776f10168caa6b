//! `cargo xtask bench profile`: where the processor's time goes while authenticated requests are answered, as a flame graph
//! and as shares of what the time is spent in.
//!
//! Samples by the clock, which virtual machines have as well; the build that ships, but with names and frame pointers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use comfy_table::{Table, presets};
use inferno::collapse::{Collapse as _, perf};
use inferno::flamegraph;
use serde::Serialize;
use xshell::{Shell, cmd};

use super::spread::{figure, rounded};
use super::{Bench, wrk};
use crate::artifact;
use crate::golden;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::service::Service;
use crate::workspace::Workspace;

const RESULT: &str = "services/inference/benches/results/profile.json";
const PICTURE: &str = "runbooks/data/request-path.svg";

/// How long requests are sent while samples are taken.
const SECONDS: u32 = 15;

/// Samples a second; no divisor of any timer's rate.
const RATE: u32 = 997;

/// What no crate's path begins with.
const NO_CRATE: &str = "C: allocator, libc, cryptography";

/// What has less of the time than this stands together as the rest.
const LEAST: f64 = 0.01;

pub(super) const BENCH: Bench = Bench {
    name: "profile",
    summary: "where the time goes on the path of a request: a flame graph, and shares by what it is spent in",
    needs: &["wrk", "perf"],
    run,
};

#[derive(Debug, Serialize)]
struct Results {
    command: &'static str,
    machine: Machine,
    client: String,
    requests: u64,
    /// What the samples stand for, all threads together.
    processor_seconds: f64,
    /// The crate of the innermost frame, or the kernel, and its share of that time; most first.
    shares: Vec<Share>,
}

#[derive(Debug, Serialize)]
struct Share {
    of: String,
    share: f64,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let shell = workspace.shell()?;
    let binary = artifact::profiled(workspace)?;
    let golden = golden::load(workspace)?;
    let row = golden.first().context("no golden row")?;
    let folder = tempfile::tempdir()?;
    let samples = folder.path().join("perf.data");
    let service = Service::start(&binary, &[])?;
    let ask = || wrk::run(&shell, service.ready().api, &service.ready().token, &row.body, SECONDS);
    // Once without samples: pages, caches, connections of the kernel.
    ask()?;
    // Ends by itself, with the requests.
    let mut recorder = Command::new("perf")
        .args(["record", "--quiet", "--event", "cpu-clock", "--call-graph", "fp"])
        .args(["--freq", &RATE.to_string(), "--pid", &service.id().to_string(), "--output"])
        .arg(&samples)
        .args(["--", "sleep", &SECONDS.to_string()])
        .spawn()
        .context("cannot start perf")?;
    let counts = ask()?;
    let recorded = recorder.wait()?;
    ensure!(recorded.success(), "perf record: {recorded}");
    service.stop()?;

    let folded = folded(&shell, &samples)?;
    let (nanoseconds, shares) = shares(&folded)?;
    show(&shares);
    let results = Results {
        command: "cargo xtask bench profile",
        machine: Machine::read(workspace)?,
        client: format!("wrk, 1 thread, {} keep-alive connections, on the same machine", wrk::CONNECTIONS),
        requests: counts.requests,
        processor_seconds: rounded(figure(nanoseconds) / 1e9),
        shares,
    };
    draw(&folded, &workspace.path(PICTURE))?;
    fs::write(workspace.path(RESULT), serde_json::to_string_pretty(&results)? + "\n").context(RESULT)?;
    println!("written to {RESULT} and {PICTURE}");
    Ok(Outcome::Passed)
}

/// Stacks, outermost frame first, and for how many nanoseconds each was seen.
fn folded(shell: &Shell, samples: &Path) -> anyhow::Result<String> {
    // Inlined calls would have to be looked up one by one, for hours.
    let script = cmd!(shell, "perf script --no-inline --input {samples}").quiet().ignore_stderr().read()?;
    let mut folded = Vec::new();
    let mut options = perf::Options::default();
    options.annotate_kernel = true;
    perf::Folder::from(options).collapse(script.as_bytes(), &mut folded)?;
    Ok(String::from_utf8(folded)?)
}

/// The nanoseconds of all samples, and what they are spent in.
fn shares(folded: &str) -> anyhow::Result<(u64, Vec<Share>)> {
    let mut spent: BTreeMap<&str, u64> = BTreeMap::new();
    for line in folded.lines() {
        let (stack, seen) = line.rsplit_once(' ').with_context(|| format!("no stack: {line}"))?;
        let innermost = stack.rsplit(';').next().unwrap_or_default();
        *spent.entry(owner(innermost)).or_default() += seen.parse::<u64>()?;
    }
    let all: u64 = spent.values().sum();
    ensure!(all > 0, "perf took no sample");
    let mut shares: Vec<_> = spent.into_iter().map(|(of, seen)| (of, figure(seen) / figure(all))).collect();
    shares.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let (large, small): (Vec<_>, Vec<_>) = shares.into_iter().partition(|(_, share)| *share >= LEAST);
    let rest = ("the rest", small.iter().map(|(_, share)| share).sum());
    let shares = large.into_iter().chain([rest]);
    Ok((all, shares.map(|(of, share)| Share { of: of.to_owned(), share: rounded(share) }).collect()))
}

/// The crate of a function such as `<hyper::Body as http_body::Body>::poll_frame_[k]`, or who else it is of.
fn owner(function: &str) -> &str {
    if function.ends_with("_[k]") {
        return "the kernel";
    }
    let path = function
        .trim_start_matches(['<', '&', '(', '*'])
        .trim_start_matches("mut ")
        .trim_start_matches("dyn ");
    match path.split_once("::") {
        Some((owner, _)) if owner.chars().all(|letter| letter.is_alphanumeric() || letter == '_') => owner,
        _ => NO_CRATE,
    }
}

fn draw(folded: &str, file: &Path) -> anyhow::Result<()> {
    let mut options = flamegraph::Options::default();
    options.title = "The path of a request: where the processor's time goes".to_owned();
    options.count_name = "ns".to_owned();
    options.min_width = 0.1;
    // The same picture from the same samples.
    options.deterministic = true;
    flamegraph::from_lines(&mut options, folded.lines(), fs::File::create(file)?).context("cannot draw")
}

fn show(shares: &[Share]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["time is spent in", "share"]);
    for Share { of, share } in shares {
        table.add_row([of.clone(), share.to_string()]);
    }
    println!("{table}");
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("do_syscall_64_[k]", "the kernel")]
    #[case("<hyper::proto::h1::conn::Conn<I,B,T> as core::fmt::Debug>::fmt", "hyper")]
    #[case("inference::api::predict::{{closure}}", "inference")]
    #[case("__memmove_avx_unaligned_erms", NO_CRATE)]
    fn the_innermost_frame_says_whose_time_it_is(#[case] function: &str, #[case] of: &str) {
        assert_eq!(owner(function), of);
    }

    #[test]
    fn what_is_small_stands_together_and_all_shares_are_one() {
        let (nanoseconds, shares) = shares("a;b::x 150\na;c::y_[k] 49\na;d::z 1\n").unwrap();
        assert_eq!(nanoseconds, 200);
        let found: Vec<_> = shares.iter().map(|share| (share.of.as_str(), share.share)).collect();
        assert_eq!(found, [("b", 0.75), ("the kernel", 0.245), ("the rest", 0.005)]);
    }
}
