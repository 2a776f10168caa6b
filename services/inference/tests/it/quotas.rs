//! How much each identity may ask, and what it is told when that is used up.

use std::io::Write as _;
use std::sync::Arc;

use inference::config::Config;
use inference::identity::{ClientCertificate, Policy};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::running::Running;
use crate::service::{Service, one_row};
use crate::wire::Answer;

/// A file of classes with these lines.
fn classes(lines: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    file
}

/// A service whose file of classes holds `lines`.
async fn start(lines: &str) -> (Service, NamedTempFile) {
    let file = classes(lines);
    let path = file.path().to_owned();
    (Service::start_with(|config| config.admission.quota_classes = Some(path)).await, file)
}

/// What `subject` with the claim `tier` is answered.
async fn ask(service: &Service, subject: &str, tier: &str) -> Answer {
    let mut claims = service.claims();
    claims["sub"] = json!(subject);
    claims["tier"] = json!(tier);
    service.post_with_token(&format!("authorization: Bearer {}\r\n", service.sign(&claims))).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn an_identity_that_waits_as_long_as_it_is_told_is_admitted() {
    let (service, _file) = start("default rate=30/min burst=2").await;
    for left in [r#""default";r=1;t=2"#, r#""default";r=0;t=2"#] {
        let admitted = ask(&service, "a", "").await;
        assert_eq!(admitted.status(), "200");
        assert_eq!(header(&admitted, "ratelimit-policy"), Some(r#""default";q=2;w=4"#));
        assert_eq!(header(&admitted, "ratelimit"), Some(left));
    }
    let refused = ask(&service, "a", "").await;
    let detail = refused.is_problem(429, "quota-exceeded");
    assert!(detail.contains("class `default`") && detail.contains("retry after 2 s"), "{detail}");
    assert_eq!(header(&refused, "retry-after"), Some("2"));
    assert_eq!(header(&refused, "ratelimit-policy"), Some(r#""default";q=2;w=4"#));
    assert_eq!(header(&refused, "ratelimit"), Some(r#""default";r=0;t=2"#));
    assert_eq!(ask(&service, "b", "").await.status(), "200", "each identity for itself");

    service.advance(1);
    ask(&service, "a", "").await.is_problem(429, "quota-exceeded");
    service.advance(1);
    assert_eq!(ask(&service, "a", "").await.status(), "200");
    ask(&service, "a", "").await.is_problem(429, "quota-exceeded");
}

#[tokio::test]
async fn a_class_says_how_much() {
    let lines = "default rate=1/h burst=1\ngold rate=1/h burst=3 claim:tier=gold\nfree sub=operator";
    let (service, _file) = start(lines).await;
    for (subject, tier, most) in [("a", "", 1), ("b", "gold", 3), ("operator", "", 10)] {
        let mut admitted = 0;
        while admitted < 10 && ask(&service, subject, tier).await.status() == "200" {
            admitted += 1;
        }
        let told = header(&ask(&service, subject, tier).await, "ratelimit").is_some();
        assert_eq!(told, most < 10, "who has no quota is told of none");
        assert_eq!(admitted, most, "{subject}");
    }
}

#[tokio::test]
async fn a_certificate_has_the_quota_of_its_name() {
    let lines = "default rate=1/h burst=1\npartners rate=1/h burst=3 sub=spiffe://example.org/partner";
    for (name, most) in [("spiffe://example.org/partner", 3), ("spiffe://example.org/other", 1)] {
        let file = classes(lines);
        let certificate = ClientCertificate { subject: Some(Arc::from(name)), thumbprint: [7; 32] };
        let mtls = |config: &mut Config| {
            config.identity.policy = Policy::Mtls;
            config.admission.quota_classes = Some(file.path().to_owned());
        };
        let service = Service::start_behind_tls(mtls, Some(certificate)).await;
        let mut admitted = 0;
        while admitted < 10 && service.post_with_token("").await.status() == "200" {
            admitted += 1;
        }
        assert_eq!(admitted, most, "{name}");
    }
}

#[tokio::test]
async fn each_decision_is_counted_by_class() {
    let file = classes("default rate=1/h burst=2\nabsent rate=1/h burst=1 sub=nobody");
    let service = Running::start(&["--quota-classes", file.path().to_str().unwrap()]).await;
    let head = format!("GET /v2 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {}\r\n\r\n", service.token);
    for status in ["200", "200", "429"] {
        assert_eq!(service.connect().await.ask(&head).await.status(), status);
    }
    for (class, outcome, decisions) in [
        ("default", "admitted", 2),
        ("default", "limited", 1),
        ("absent", "admitted", 0),
        ("absent", "limited", 0),
    ] {
        let series = format!("quota_decisions_total{{class=\"{class}\",outcome=\"{outcome}\"}}");
        service.counts(&series, decisions).await;
    }
    service.counts("quota_keys", 1).await;
    service.counts("quota_keys_limit", 100_000).await;
}

#[tokio::test]
async fn a_full_house_is_not_a_quota_and_sheds_the_least_entitled_first() {
    let file = classes("default places=50%\ngold claim:tier=gold");
    let path = file.path().to_owned();
    let service = Service::start_with(|config| {
        config.admission.quota_classes = Some(path);
        config.admission.in_flight = 2;
    })
    .await;
    // Holds a place until its body comes.
    let mut holder = service.connect().await;
    let body = one_row().to_string();
    let head = service.head("/api", body.len());
    holder.send(format!("{head}expect: 100-continue\r\n\r\n")).await;
    // Said by the server when the handler begins to read.
    assert_eq!(holder.answer().await.status(), "100");

    let shed = ask(&service, "a", "").await;
    shed.is_problem(503, "overloaded");
    assert_eq!((header(&shed, "retry-after"), header(&shed, "ratelimit")), (Some("1"), None));
    assert_eq!(ask(&service, "b", "gold").await.status(), "200");
    assert_eq!(holder.ask(body).await.status(), "200");
    assert_eq!(ask(&service, "a", "").await.status(), "200");
}

#[tokio::test]
async fn an_address_that_guesses_is_slowed_and_those_with_credentials_are_not_counted() {
    let service = Service::start_with(|config| {
        config.admission.refusals_per_address = "1/s".parse().unwrap();
        config.admission.refusals_burst = "3".parse().unwrap();
    })
    .await;
    for _ in 0..10 {
        assert_eq!(ask(&service, "a", "").await.status(), "200");
        service.post_with_token("").await.is_problem(401, "unauthenticated");
    }
    // Whatever address a guesser writes into a header.
    let guess = "authorization: Bearer guess\r\nx-forwarded-for: 192.0.2.9\r\n";
    for _ in 0..3 {
        service.post_with_token(guess).await.is_problem(401, "unauthenticated");
    }
    let slowed = service.post_with_token(guess).await;
    slowed.is_problem(429, "too-many-refusals");
    assert_eq!(header(&slowed, "retry-after"), Some("1"));
    ask(&service, "a", "").await.is_problem(429, "too-many-refusals");
    service.advance(1);
    assert_eq!(ask(&service, "a", "").await.status(), "200");
}
