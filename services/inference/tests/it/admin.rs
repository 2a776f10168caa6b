//! Probes and scrapes: they tell the truth, also when the API has no thread left.

use std::net::SocketAddr;
use std::sync::{Arc, Barrier};

use axum::Router;
use axum::routing::get;
use inference::admin::{self, Admin, AdminConfig, Probes};
use inference::drain::Drain;
use inference::telemetry::MetricsPage;
use rstest::rstest;

use crate::service::{Service, one_row};
use crate::startup::{inference, stderr};
use crate::wire::{GET, Server, Wire, patient, slow_end, within};

fn start(drain: &Drain) -> (Admin, Probes) {
    let probes = Probes::new(drain);
    let config = AdminConfig { admin_listen: SocketAddr::from(([127, 0, 0, 1], 0)) };
    let page = MetricsPage::detached().unwrap();
    (admin::serve(&config, probes.clone(), page).unwrap(), probes)
}

async fn ask(admin: &Admin, method: &str, path: &str) -> crate::wire::Answer {
    let mut wire = Wire::connect(admin.local_addr()).await.unwrap();
    wire.ask(GET.replace("GET / ", &format!("{method} {path} "))).await
}

#[tokio::test]
async fn readiness_follows_the_model_and_the_drain() {
    let drain = Drain::manual(&slow_end());
    let (admin, probes) = start(&drain);
    let ready = async || {
        let answer = ask(&admin, "GET", "/readyz").await;
        (answer.status().to_owned(), answer.body)
    };
    let body = |ready: bool, model: &str, serving: &str| {
        format!(r#"{{"ready":{ready},"checks":{{"model":"{model}","keys":"loaded","serving":"{serving}"}}}}"#)
    };
    assert_eq!(ready().await, ("503".to_owned(), body(false, "not checked yet", "yes")));
    probes.set_ready(true);
    assert_eq!(ready().await, ("200".to_owned(), body(true, "checked", "yes")));
    drain.begin();
    assert_eq!(ready().await, ("503".to_owned(), body(false, "checked", "draining")));
    assert_eq!(ask(&admin, "GET", "/livez").await.status(), "200");
}

#[test]
fn a_taken_port_is_said_and_ends_the_service() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = inference(&["--admin-listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let says = format!("error: cannot listen on {address}");
    assert!(stderr(&output).contains(&says), "{}", stderr(&output));
}

#[rstest]
#[case("GET", "/livez", "200")]
#[case("GET", "/metrics", "200")]
#[case("GET", "/", "404")]
#[case("POST", "/livez", "405")]
#[case("DELETE", "/metrics", "405")]
#[cfg_attr(not(feature = "faults"), case::faults_are_for_builds_of_tests("PUT", "/fault", "404"))]
#[tokio::test]
async fn answers_what_it_knows_and_nothing_else(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: &str,
) {
    let (admin, _probes) = start(&Drain::manual(&slow_end()));
    assert_eq!(ask(&admin, method, path).await.status(), status);
}

/// Requests that hold all places, and connections that take all others.
#[tokio::test]
async fn answers_while_places_and_connections_are_all_taken() {
    let service = Service::start_with(|config| {
        config.admission.in_flight = 2;
        config.listen.max_connections = 5;
    })
    .await;
    let (admin, _probes) = start(&Drain::manual(&slow_end()));
    let body = one_row().to_string();
    let mut holders = vec![service.connect().await, service.connect().await];
    for holder in &mut holders {
        holder.send(format!("{}expect: 100-continue\r\n\r\n", service.head("/api", body.len()))).await;
        assert_eq!(holder.answer().await.status(), "100");
    }
    let mut idle = vec![service.connect().await, service.connect().await, service.connect().await];
    for connection in &mut idle {
        let request = format!("{}\r\n{body}", service.head("/api", body.len()));
        connection.ask(request).await.is_problem(503, "overloaded");
    }
    let turned_away = service.connect().await.answer().await;
    assert_eq!(turned_away.status(), "503");
    for path in ["/livez", "/metrics"] {
        assert_eq!(within(ask(&admin, "GET", path)).await.status(), "200");
    }
    for holder in &mut holders {
        assert_eq!(holder.ask(&body).await.status(), "200");
    }
}

#[test]
fn answers_while_every_thread_of_the_api_is_busy() {
    const WORKERS: usize = 2;
    let api =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().unwrap();
    let handler = async || "done";
    let (server, admin) = api.block_on(async {
        let server = Server::start(patient(), Router::new().route("/", get(handler))).await;
        (server, start(&Drain::manual(&slow_end())).0)
    });
    let held = Arc::new(Barrier::new(WORKERS + 1));
    let release = Arc::new(Barrier::new(WORKERS + 1));
    for _ in 0..WORKERS {
        let (holds, waits) = (held.clone(), release.clone());
        // Blocks the thread and not only the task, as a handler that computes would.
        api.spawn(async move {
            holds.wait();
            waits.wait();
        });
    }
    held.wait();
    let asker = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    asker.block_on(async {
        let mut client = server.connect().await;
        client.send(GET).await;
        for path in ["/livez", "/metrics"] {
            assert_eq!(within(ask(&admin, "GET", path)).await.status(), "200");
        }
        release.wait();
        assert_eq!(client.answer().await.body, "done");
    });
}
