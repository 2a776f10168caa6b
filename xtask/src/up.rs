//! `cargo xtask up`: the service and everything that watches it, for a person, without Docker, until Ctrl-C.
//!
//! The configuration is the one of `observability/`; nothing of it is left when it ends.

use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::runbooks::Variables;
use crate::stack::{self, Calls, Grafana, Kind, Ports, Serving, Setup, Stack};
use crate::tools;
use crate::workspace::Workspace;

/// How much of everything else comes with a thousand predictions.
const BESIDE: [(Kind, f64); 4] =
    [(Kind::Infer, 200.0), (Kind::Odd, 10.0), (Kind::Stranger, 5.0), (Kind::Careless, 5.0)];

/// A guest may ask once a second.
const OF_A_GUEST: f64 = 1.5;

/// What is wanted besides.
#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// Send so many predictions a second, and some of every other kind of request
    #[arg(long, value_name = "RPS", value_parser = clap::value_parser!(u32).range(1..=2000))]
    traffic: Option<u32>,
}

pub(crate) fn run(workspace: &Workspace, options: &UpOptions) -> anyhow::Result<()> {
    tools::ensure(workspace, stack::NEEDS)?;
    // From here on Ctrl-C is a wish to end, not the end.
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("signals")?;
    let setup = Setup::real_time(Ports::Usual);
    let serving = Serving::start(workspace, setup)?;
    let traffic = options.traffic.map(|rate| serving.call(workspace, &calls(f64::from(rate)))).transpose()?;
    let samples = Stack::data(&serving);
    let stack = Stack::watch(workspace, serving, setup, &samples)?;
    let grafana = stack.grafana(workspace, setup.ports)?;
    let variables = Variables::write(workspace, &stack.serving, &stack.prometheus.samples)?;
    println!("{}", banner(workspace, &stack, &variables, grafana.as_ref())?);

    signals.forever().next();
    println!("ending");
    drop(traffic);
    drop(grafana);
    stack.serving.stop()
}

/// Predictions at this rate, and the rest.
fn calls(rate: f64) -> Vec<Calls> {
    let mut calls = vec![Calls::of(Kind::Predict, rate), Calls::of(Kind::Guest, OF_A_GUEST)];
    calls.extend(BESIDE.map(|(kind, of_a_thousand)| Calls::of(kind, rate * of_a_thousand / 1000.0)));
    calls
}

fn banner(
    workspace: &Workspace,
    stack: &Stack,
    variables: &Variables,
    grafana: Option<&Grafana>,
) -> anyhow::Result<String> {
    let Stack { serving, .. } = stack;
    let addresses = serving.addresses;
    let body = crate::golden::load(workspace)?.first().context("no golden row")?.body.clone();
    let grafana = grafana.map_or_else(
        || "no `grafana` on the PATH; dashboards are in observability/grafana/dashboards".to_owned(),
        |grafana| format!("http://{}", grafana.address),
    );
    let otlp = serving.otlp().map_or_else(String::new, |address| format!("http://{address}"));
    Ok(format!(
        "\n\
         the service      https://{api}\n\
         its metrics      http://{admin}/metrics\n\
         the prober's     http://{probe}/metrics\n\
         Prometheus       http://{prometheus}/api/v1/query?query=slo:current_burn_rate:ratio\n\
         Alertmanager     http://{alertmanager}\n\
         OTLP over HTTP   {otlp}\n\
         Grafana          {grafana}\n\
         what they write  {folder}\n\
         for runbooks     . {variables}\n\n\
         token            {token}\n\n  \
         curl --cacert {authority} --oauth2-bearer {token} \\\n    \
         --json '{body}' https://{api}/api\n\n\
         Ctrl-C ends all of it.",
        api = addresses.api,
        admin = addresses.admin,
        probe = addresses.probe,
        prometheus = addresses.prometheus,
        alertmanager = addresses.alertmanager,
        folder = Path::new(serving.folder()).display(),
        variables = variables.file.display(),
        token = serving.token,
        authority = serving.authority()?,
    ))
}
