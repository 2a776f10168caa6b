//! Whole deliveries, with programs in the places of Helm and the gate that note how they are called.

use std::process::ExitCode;

use rstest::rstest;

use super::fixture::Checkout;
use super::*;

const IMAGE: &str =
    "registry/inference@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A cluster that Helm and the gate speak of. `fails`: the command line of Helm that fails; `gate`: exit codes for the
/// budget and for the canary.
fn checkout(fails: &str, gate: [u8; 2]) -> Checkout {
    let checkout = Checkout::default();
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
    checkout.program("cargo", &format!("case \"$*\" in *canary*) exit {canary};; *) exit {budget};; esac"));
    checkout
}

fn image() -> ImageByDigest {
    ImageByDigest::parse(IMAGE).unwrap()
}

fn target() -> Target {
    let kubeconfig = Some(PathBuf::from("cluster.yaml"));
    Target {
        environment: None,
        signed_by: None,
        aws_region: None,
        kubeconfig,
        ready_within: Duration::from_secs(900),
    }
}

/// What was called, without the parts that every call has.
fn called(checkout: &Checkout) -> Vec<String> {
    let gate = "cargo run --quiet --locked --package slo -- gate --prometheus http://127.0.0.1:1";
    let short = |line: String| {
        line.replace(IMAGE, "IMAGE")
            .replace(" --namespace=inference --kubeconfig=cluster.yaml", "")
            .replace(" --wait --timeout=900s", "")
            .replace(gate, "gate")
    };
    checkout.called().into_iter().map(short).collect()
}

const FOUND: &str = "helm history inference --output=json";
const BUDGET: &str = "gate --delivers fix";
const CANARY: &str =
    "helm upgrade inference infra/charts/inference --reset-then-reuse-values --set-string canary.image=IMAGE";
const GATE: &str = "gate --canary track=\"canary\",version=\"0123456789ab\"";
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
    let checkout = checkout(fails, gate);
    let options = DeployOptions {
        image: image(),
        target: target(),
        prometheus: Some("http://127.0.0.1:1".to_owned()),
        delivers: Delivers::Fix,
        watch: Duration::ZERO,
        load: vec![],
    };
    assert_eq!(deploy(&checkout.workspace(), &options).unwrap(), ends);
    assert_eq!(called(&checkout), calls);
}

#[test]
fn a_rollback_asks_nobody_and_takes_the_canary_away() {
    let checkout = checkout("nothing", [1, 1]);
    let options = RollbackOptions { image: Some(image()), target: target() };
    rollback(&checkout.workspace(), &options).unwrap();
    assert_eq!(called(&checkout), [FOUND, PROMOTED]);
}

#[test]
fn a_canary_that_was_left_alone_is_taken_away_and_nothing_else_changes() {
    let checkout = checkout("nothing", [1, 1]);
    let options = RollbackOptions { image: None, target: target() };
    rollback(&checkout.workspace(), &options).unwrap();
    let ended =
        "helm upgrade inference infra/charts/inference --reset-then-reuse-values --set-string canary.image=";
    assert_eq!(called(&checkout), [FOUND, ended]);
}

#[test]
fn without_a_release_nothing_is_delivered() {
    let checkout = checkout("nothing", [0, 0]);
    checkout.program("helm", "exit 1");
    let options = RollbackOptions { image: Some(image()), target: target() };
    let error = rollback(&checkout.workspace(), &options).unwrap_err();
    assert!(error.to_string().contains("terraform/platform makes the first"), "{error}");
    assert_eq!(called(&checkout), [FOUND]);
}

#[test]
fn an_environment_takes_only_what_is_signed() {
    let checkout = checkout("nothing", [0, 0]);
    checkout.program("aws", "echo secret");
    checkout.program("skopeo", "");
    checkout.program("cosign", "[ $1 != verify ]");
    let target = Target {
        environment: Some("staging".to_owned()),
        signed_by: Some("puntual/puntual".to_owned()),
        aws_region: Some("us-east-1".to_owned()),
        ..target()
    };
    let error = rollback(&checkout.workspace(), &RollbackOptions { image: Some(image()), target })
        .unwrap_err()
        .to_string();
    assert!(error.contains("is not signed by"), "{error}");
    assert!(!called(&checkout).iter().any(|call| call.starts_with("helm")));
}
