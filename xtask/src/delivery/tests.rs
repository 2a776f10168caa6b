//! Whole deliveries, with programs in the places of Helm and the gate that note how they are called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;

use rstest::rstest;
use tempfile::TempDir;

use super::*;

const IMAGE: &str =
    "registry/inference@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A checkout in which `helm` and `cargo` only write down what they are asked.
struct Checkout(TempDir);

impl Checkout {
    /// `fails`: part of the command line of Helm that fails; `gate`: exit codes for the budget and for the canary.
    fn new(fails: &str, gate: [u8; 2]) -> Self {
        let checkout = Self(tempfile::tempdir().unwrap());
        let [budget, canary] = gate;
        checkout.program(
            "helm",
            &format!(
                r#"case "$*" in
                history*) echo '[{{"revision":6,"status":"superseded"}},{{"revision":7,"status":"deployed"}}]';;
                {fails}) exit 1;;
                esac"#
            ),
        );
        checkout
            .program("cargo", &format!("case \"$*\" in *canary*) exit {canary};; *) exit {budget};; esac"));
        checkout
    }

    fn program(&self, name: &str, does: &str) {
        let bin = self.0.path().join(".tools/bin");
        fs::create_dir_all(&bin).unwrap();
        let log = self.0.path().join("log");
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\necho {name} \"$*\" >> {}\n{does}\n", log.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn target() -> Target {
        let kubeconfig = Some(PathBuf::from("cluster.yaml"));
        Target { image: ImageByDigest::parse(IMAGE).unwrap(), kubeconfig }
    }

    fn deploy(&self) -> ExitCode {
        let options = DeployOptions {
            target: Self::target(),
            prometheus: "http://127.0.0.1:1".to_owned(),
            delivers: Delivers::Fix,
            watch: Duration::ZERO,
            load: vec![],
        };
        deploy(&Workspace::at(self.0.path()), &options).unwrap()
    }

    /// What was called, short: without the parts that every call has.
    fn called(&self) -> Vec<String> {
        let log = fs::read_to_string(self.0.path().join("log")).unwrap();
        let short = |line: &str| {
            line.replace(IMAGE, "IMAGE")
                .replace(" --namespace=inference --kubeconfig=cluster.yaml", "")
                .replace(" --wait --timeout=15m", "")
                .replace(
                    "cargo run --quiet --locked --package slo -- gate --prometheus http://127.0.0.1:1",
                    "gate",
                )
        };
        log.lines().map(short).collect()
    }
}

const FOUND: &str = "helm history inference --output=json";
const BUDGET: &str = "gate --delivers fix";
const CANARY: &str =
    "helm upgrade inference infra/charts/inference --reset-then-reuse-values --set-string canary.image=IMAGE";
const GATE: &str = "gate --canary track=\"canary\"";
const PROMOTED: &str = "helm upgrade inference infra/charts/inference --reset-then-reuse-values \
                        --set-string image=IMAGE --set-string canary.image=";
const RESTORED: &str = "helm rollback inference 7";

#[rstest]
#[case::good("nothing", [0, 0], ExitCode::SUCCESS, &[FOUND, BUDGET, CANARY, GATE, PROMOTED])]
#[case::no_budget("nothing", [1, 0], ExitCode::FAILURE, &[FOUND, BUDGET])]
#[case::burning("nothing", [0, 1], ExitCode::FAILURE, &[FOUND, BUDGET, CANARY, GATE, RESTORED])]
#[case::no_data("nothing", [0, 2], ExitCode::FAILURE, &[FOUND, BUDGET, CANARY, GATE, RESTORED])]
#[case::never_ready("*canary.image=registry*", [0, 0], ExitCode::FAILURE, &[FOUND, BUDGET, CANARY, RESTORED])]
#[case::not_everywhere("*canary.image=", [0, 0], ExitCode::FAILURE, &[FOUND, BUDGET, CANARY, GATE, PROMOTED, RESTORED])]
#[case::no_way_back("rollback*", [0, 1], ExitCode::from(2), &[FOUND, BUDGET, CANARY, GATE, RESTORED])]
fn a_delivery_calls_these(
    #[case] fails: &str,
    #[case] gate: [u8; 2],
    #[case] ends: ExitCode,
    #[case] calls: &[&str],
) {
    let checkout = Checkout::new(fails, gate);
    assert_eq!(checkout.deploy(), ends);
    assert_eq!(checkout.called(), calls);
}

#[test]
fn a_rollback_asks_nobody_and_takes_the_canary_away() {
    let checkout = Checkout::new("nothing", [1, 1]);
    let options = RollbackOptions { target: Checkout::target() };
    rollback(&Workspace::at(checkout.0.path()), &options).unwrap();
    assert_eq!(checkout.called(), [FOUND, PROMOTED]);
}

#[test]
fn without_a_release_nothing_is_delivered() {
    let checkout = Checkout::new("nothing", [0, 0]);
    checkout.program("helm", "exit 1");
    let options = RollbackOptions { target: Checkout::target() };
    let error = rollback(&Workspace::at(checkout.0.path()), &options).unwrap_err();
    assert!(error.to_string().contains("terraform/platform makes the first"), "{error}");
    assert_eq!(checkout.called(), [FOUND]);
}
