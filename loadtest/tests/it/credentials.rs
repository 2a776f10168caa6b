//! Each way of proving who sends a request, against the service itself: one that the harness starts, and one that is there.

use loadtest::scenario::{Credentials, Service};
use loadtest::target::{Proof, Started};
use rstest::rstest;

use crate::harness::Scenario;

fn by(credentials: &'static str) -> Scenario {
    Scenario { credentials, ..Scenario::gentle(1) }
}

#[rstest]
#[case("none")]
#[case("bearer")]
#[case("hs256")]
#[case("eddsa")]
#[case("mtls")]
#[case("mtls_anew")]
#[case("both")]
#[case("bound")]
fn a_service_that_is_started_for_a_run_accepts_its_credentials_and_is_measured(
    #[case] credentials: &'static str,
) {
    let ran = by(credentials).run_with(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let measured = ran.result.as_ref().unwrap().measurement();
    assert!(measured.service.unwrap().resident_bytes > 1 << 20, "{measured:?}");
    assert!(ran.said.contains(" MiB resident at most"), "{ran:?}");
    let result = ran.result.unwrap();
    let has_connection_each = result.phases[0].flags.contains(&"--disable-keepalive".to_owned());
    assert_eq!(has_connection_each, credentials == "mtls_anew", "{:?}", result.phases[0].flags);
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(result.machine.cores, cores, "those of the machine, not of the harness");
}

/// A service that is there, and the options by which a run reaches it.
fn there() -> (Started, Vec<String>) {
    let service = Started::start(Credentials::Mtls, 1, &Service::default()).unwrap();
    let Proof { authorities, certificate, .. } = service.target().proof().clone();
    let (certificate, key) = certificate.unwrap();
    let mut options = vec!["--target".to_owned(), service.target().url().to_owned()];
    for (option, file) in [("--ca", authorities.unwrap()), ("--cert", certificate), ("--key", key)] {
        options.extend([option.to_owned(), file.to_str().unwrap().to_owned()]);
    }
    (service, options)
}

#[test]
fn a_target_that_wants_a_certificate_is_shown_the_one_that_is_given_and_what_it_takes_is_not_measured() {
    let (_service, options) = there();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let ran = by("mtls").run_with(&options);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.said.contains("service: not measured"), "{ran:?}");
    let folder = std::env::temp_dir();
    assert!(!ran.kept.contains(folder.to_str().unwrap()), "{}", ran.kept);

    let unknown = by("none").run_with(&options[..2]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.said.contains("UnknownIssuer"), "{unknown:?}");
}

#[rstest]
#[case("bearer", "by a bearer token; give its file with --token-file")]
#[case("mtls", "by a client certificate; give it with --cert and --key")]
fn credentials_that_are_not_given_are_asked_for(#[case] credentials: &'static str, #[case] sentence: &str) {
    let ran = by(credentials).run_with(&["--target", "https://127.0.0.1:1"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.said.contains(sentence), "{ran:?}");
}
