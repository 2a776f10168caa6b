//! Servers on loopback, each wrong in one way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::post;
use loadtest::payload::Route;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, Semaphore};

/// How a server answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Server {
    /// As the model does; 422 for what it can't read.
    Right,
    /// With the other class.
    Wrong,
    /// With an error, at once.
    Broken,
    /// Long after the client has gone.
    TooLate,
    /// Not at all: it reads and keeps the connection.
    Silent,
    /// So many at a time, each for ten milliseconds; the others wait.
    Queues(usize),
    /// So many at a time, each for ten milliseconds; the others are refused at once.
    Sheds(usize),
    /// As the model does for so many requests of a connection; then with errors.
    TiresAfter(u64),
    /// As the model does until so many were answered; then nobody listens any more.
    DiesAfter(u64),
    /// As the model does until so many were answered; then the credentials have expired.
    RefusesAfter(u64),
}

/// How long an answer takes that takes a place.
const WORK: Duration = Duration::from_millis(10);

/// A server that runs; gone with its owner.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    _runtime: Runtime,
}

impl Running {
    /// How often it was asked.
    pub(crate) fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct State {
    server: Server,
    answers: HashMap<String, String>,
    asked: AtomicU64,
    asked_by: Mutex<HashMap<SocketAddr, u64>>,
    places: Semaphore,
    end: Notify,
}

impl Server {
    const fn places(self) -> usize {
        match self {
            Self::Queues(places) | Self::Sheds(places) => places,
            _ => 0,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "nobody but this test asks it")]
    pub(crate) fn start(self) -> Running {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let own = Route::Api.rows("array", None).unwrap().into_iter().map(|row| (row.body, row.answer));
        let of_the_protocol = Route::Infer.rows("array", None).unwrap().into_iter().map(|row| {
            (row.body, format!(r#"{{"model_version":"1","outputs":[{{"data":{}}}]}}"#, row.answer))
        });
        let state = Arc::new(State {
            server: self,
            answers: own.chain(of_the_protocol).collect(),
            asked: AtomicU64::new(0),
            asked_by: Mutex::default(),
            places: Semaphore::new(self.places()),
            end: Notify::new(),
        });
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, asked) = (Arc::clone(&state), Arc::clone(&state));
        let predict = post(move |ConnectInfo(peer): ConnectInfo<SocketAddr>, body: String| {
            answer(Arc::clone(&asked), peer, body)
        });
        let app = Router::new()
            .route("/api", predict.clone())
            .route("/v2/models/flights/infer", predict)
            .into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move {
            tokio::select! {
                served = axum::serve(listener, app) => served.unwrap(),
                () = ended.end.notified() => {}
            }
        });
        Running { address, state, _runtime: runtime }
    }
}

/// A status, headers if there are some, a body.
type Answer = (StatusCode, Option<[(&'static str, &'static str); 1]>, String);

async fn answer(state: Arc<State>, peer: SocketAddr, body: String) -> Answer {
    let asked = state.asked.fetch_add(1, Ordering::Relaxed);
    let right = match state.answers.get(&body) {
        Some(answer) => (StatusCode::OK, answer.clone()),
        None => (StatusCode::UNPROCESSABLE_ENTITY, r#"{"code":"missing-field"}"#.to_owned()),
    };
    let (status, body) = match state.server {
        Server::Right => right,
        Server::Wrong => (right.0, right.1.replace("[0]", "[2]").replace("[1]", "[0]").replace("[2]", "[1]")),
        Server::Broken => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        Server::TooLate => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            right
        }
        Server::Silent => std::future::pending().await,
        Server::Queues(_) => {
            let _place = state.places.acquire().await.unwrap();
            tokio::time::sleep(WORK).await;
            right
        }
        Server::Sheds(_) => match state.places.try_acquire() {
            Ok(_place) => {
                tokio::time::sleep(WORK).await;
                right
            }
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        },
        Server::TiresAfter(answers) if state.asked_by(peer) > answers => {
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
        Server::TiresAfter(_) => right,
        Server::DiesAfter(answers) if asked >= answers => {
            state.end.notify_one();
            std::future::pending().await
        }
        Server::RefusesAfter(answers) if asked >= answers => (StatusCode::UNAUTHORIZED, String::new()),
        Server::DiesAfter(_) | Server::RefusesAfter(_) => right,
    };
    (status, (status == StatusCode::SERVICE_UNAVAILABLE).then_some([("retry-after", "1")]), body)
}

impl State {
    /// Requests of that connection so far, with this one.
    fn asked_by(&self, peer: SocketAddr) -> u64 {
        let mut asked_by = self.asked_by.lock().unwrap();
        let asked = asked_by.entry(peer).or_default();
        *asked += 1;
        *asked
    }
}
