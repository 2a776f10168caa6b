//! Deliveries to the cluster, by the command that workflows call: a good canary stays, and any other goes.
//!
//! Helm, the chart, the API server, the gate, Prometheus and the load test are the real ones. No pod here answers a
//! request: services on this machine's loopback stand for those of the stable version and of the canary, and Prometheus
//! gives their series the labels that the chart's monitor would. An hour of objectives is a minute.

use std::io::Write as _;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use xshell::cmd;

use super::cluster::{As, Cluster};
use super::life::{image, of_track, ready, upgrade};
use crate::delivery::ImageByDigest;
use crate::e2e::shown::Line;
use crate::service::Service;
use crate::stack::{Calls, Http, Kind, Ports, Serving, Setup, Stack};
use crate::wait;
use crate::workspace::Workspace;

/// What a delivery meets, and how it should end.
struct Case {
    what: &'static str,
    /// The digest's one digit: each delivery is of another version.
    digit: &'static str,
    /// Whether the namespace takes one more pod.
    room: bool,
    /// The share of its answers that fail.
    fails: f64,
    /// Whether anybody asks the canary anything.
    load: bool,
    /// The command's exit code, what it says first, and in the table's words.
    ends: (i32, &'static str, &'static str),
}

/// What is burnt is burnt for all that come after, so that the last is refused by what the one before it did.
const CASES: [Case; 5] = [
    Case {
        what: "never ready",
        digit: "3",
        room: false,
        fails: 0.0,
        load: true,
        ends: (1, "rolled back, all is as before: the canary did not get ready", "rolled back"),
    },
    Case {
        what: "without data",
        digit: "4",
        room: true,
        fails: 0.0,
        load: false,
        ends: (1, "rolled back, all is as before: the canary's gate could not say", "rolled back"),
    },
    Case {
        what: "good",
        digit: "5",
        room: true,
        fails: 0.0,
        load: true,
        ends: (0, "promoted: it is the only version", "promoted"),
    },
    Case {
        what: "burning",
        digit: "6",
        room: true,
        fails: 0.5,
        load: true,
        ends: (1, "rolled back, all is as before: the canary's gate said no", "rolled back"),
    },
    Case {
        what: "no budget left",
        digit: "7",
        room: true,
        fails: 0.0,
        load: true,
        ends: (1, "refused, nothing was touched: the budgets said no", "refused"),
    },
];

const SETUP: Setup = Setup {
    features: &["faults"],
    compression: 60,
    probe_interval: Duration::from_millis(250),
    ..Setup::real_time(Ports::Free)
};

/// Requests a second to the stable version, on each route: it has a budget as long as somebody asks it.
const RATE: f64 = 20.0;

/// For Prometheus to know what it is told, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// As many pods as the release has: the prober and three that serve.
const FULL: &str = "pods=4";

/// What the deploy sends to the canary.
const LOAD: &str = "infra/tests/kubernetes/load.yaml";

pub(super) fn end_as_they_should(workspace: &Workspace, cluster: &Cluster) -> anyhow::Result<Line> {
    let begun = Instant::now();
    // Not while a canary is watched.
    let shell = workspace.shell()?;
    for package in ["loadtest", "slo"] {
        // Each by itself, as `cargo run` has it: together they may need other features of what they share.
        cmd!(shell, "cargo build --quiet --locked --package {package}").run()?;
    }
    let serving = Serving::start(workspace, SETUP)?;
    let _clients =
        serving.call(workspace, &[Calls::of(Kind::Predict, RATE), Calls::of(Kind::Infer, RATE)])?;
    let samples = Stack::data(&serving);
    let place = Place { workspace, cluster, stack: Stack::watch(workspace, serving, SETUP, &samples)? };
    upgrade(cluster, &["--values", super::VALUES])?;
    let pods = ready(cluster, "stable", 3)?;
    let mut stable = pods.first().and_then(image).context("a pod without an image")?.to_owned();
    place.is_known("a budget of each objective", BUDGETS)?;

    let mut ended = Vec::new();
    for case in &CASES {
        let image = case.image()?;
        place.meets(case, &image).with_context(|| case.what.to_owned())?;
        if case.ends.0 == 0 {
            stable = image.to_string();
        }
        place.runs_only(&stable).with_context(|| case.what.to_owned())?;
        if case.fails > 0.0 {
            place.is_known("the budget that is gone", SPENT)?;
        }
        ended.push(format!("{}: {}", case.what, case.ends.2));
    }
    Ok(Line::new(WHAT, ended.join("; "), begun))
}

/// The row's name.
const WHAT: &str = "`cargo xtask deploy`, with the rights of a deploy, a real Prometheus and services that stand for the pods";

/// All but those of files, which have nothing to watch or were fresh from the beginning.
const BUDGETS: &str = "count(slo:period_error_budget_remaining:ratio{slo!~\".*-freshness\"}) == 6";

/// On both routes.
const SPENT: &str =
    "count(slo:period_error_budget_remaining:ratio{slo=~\"(api|infer)-availability\"} < 0) == 2";

impl Case {
    fn image(&self) -> anyhow::Result<ImageByDigest> {
        let image = format!("registry.example/inference@sha256:{}", self.digit.repeat(64));
        ImageByDigest::parse(&image).map_err(anyhow::Error::msg)
    }
}

/// Where deliveries go, and who watches.
struct Place<'a> {
    workspace: &'a Workspace,
    cluster: &'a Cluster,
    stack: Stack,
}

impl Place<'_> {
    /// Delivers the image, and looks how that ends.
    fn meets(&self, case: &Case, image: &ImageByDigest) -> anyhow::Result<()> {
        let canary = self.canary(case, image)?;
        let quota = |change: &[&str]| {
            let args = [change, &["--namespace=inference"]].concat();
            if case.room { Ok(()) } else { self.cluster.kubectl(As::Admin, &args, "").map(drop) }
        };
        quota(&["create", "quota", "full", "--hard", FULL])?;
        let output = self.deploy(case, image, &canary)?;
        quota(&["delete", "quota", "full"])?;
        let (code, says, _) = case.ends;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.code() == Some(code) && told.lines().any(|line| line.starts_with(says)),
            "{} instead of {code} and `{says}`: {told}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// A service that stands for the pod of this version, from before its first request on.
    fn canary(&self, case: &Case, image: &ImageByDigest) -> anyhow::Result<Service> {
        let serving = &self.stack.serving;
        let canary = Service::start(&serving.binary_folder()?.join("inference"), &[])?;
        Http::to(canary.ready().admin).put("/fault", &json!({ "fail": case.fails }))?;
        let version = image.version();
        self.stack.configuration.set_groups(
            "inference",
            &json!([
                { "targets": [serving.addresses.admin], "labels": { "track": "stable", "version": "of-before" } },
                { "targets": [canary.ready().admin], "labels": { "track": "canary", "version": version } },
            ]),
        )?;
        self.is_known("the canary", &format!("up{{track=\"canary\",version=\"{version}\"}} == 1"))?;
        Ok(canary)
    }

    fn deploy(&self, case: &Case, image: &ImageByDigest, canary: &Service) -> anyhow::Result<Output> {
        let mut token = NamedTempFile::new()?;
        token.write_all(canary.ready().token.as_bytes())?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["deploy", "--image", &image.to_string()])
            .arg(if case.room { "--ready-within=60s" } else { "--ready-within=20s" })
            // Longer than the load takes, even on a busy machine.
            .arg(if case.load { "--watch=20s" } else { "--watch=0s" })
            .arg(format!("--prometheus=http://{}", self.stack.serving.addresses.prometheus))
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig(As::Deploy))
            .current_dir(self.workspace.root());
        if case.load {
            command
                .args(["--", "cargo", "run", "--quiet", "--locked", "--package", "loadtest", "--"])
                .args(["run", LOAD, "--target", &canary.api(""), "--token-file"])
                .arg(token.path());
        }
        command.output().context("cannot deliver")
    }

    /// All pods but those that are about to end are of this image, and none is a canary's.
    fn runs_only(&self, stable: &str) -> anyhow::Result<()> {
        let of = |track| -> anyhow::Result<Vec<Value>> {
            let pods = of_track(self.cluster, track)?;
            Ok(pods.into_iter().filter(|pod| pod.pointer("/metadata/deletionTimestamp").is_none()).collect())
        };
        ensure!(of("canary")?.is_empty(), "the canary is left");
        let pods = of("stable")?;
        let images: Vec<_> = pods.iter().map(image).collect();
        ensure!(
            images.len() == 3 && images.iter().all(|image| *image == Some(stable)),
            "pods are of {images:?}"
        );
        Ok(())
    }

    fn is_known(&self, what: &str, query: &str) -> anyhow::Result<()> {
        wait::until(what, LIMIT, || Ok(self.stack.prometheus.value(query)?.map(drop)))
    }
}
