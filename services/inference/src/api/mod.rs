//! The API listener's routes and the stack that every request passes. Owns what is sent and what is answered; never
//! decides who may call or how much.

mod body;
mod forwarded_for;
mod oip;
mod openapi;
mod predict;
mod problem;
mod problem_document;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

pub use body::{BodyLimits, parse_size};
pub use oip::{HEALTH_PATHS, INFER, InferenceRequest};
pub use openapi::document as openapi_document;
pub use problem::{ApiError, Facts, ProblemKind};
pub use problem_document::{PROBLEM_JSON, Problem};
pub use rows::{RowShape, Rows};

use crate::admin::Probes;
use crate::admission::Admission;
use crate::config::some_time;
use crate::identity::{Authenticator, Identity, Refusal};
use crate::listen::{ListenConfig, Peer};
use crate::model::ModelStore;
use crate::telemetry::events::{Laps, Phase};
use crate::telemetry::observe::observe;

/// The bounds of what one request may send.
#[derive(Debug, Clone, clap::Args)]
pub struct ApiConfig {
    /// Largest body accepted, in bytes: a full batch of 1,024 one-hot rows is 78 kB, written as decimals about 500 kB
    #[arg(long, env = "INFERENCE_BODY_BYTES", value_name = "BYTES", default_value = "512KiB", value_parser = parse_size)]
    pub body_bytes: usize,
    /// How long a body may take to arrive
    #[arg(long, env = "INFERENCE_BODY_TIMEOUT", value_name = "DURATION", default_value = "5s",
          value_parser = some_time)]
    pub body_timeout: Duration,
    /// Most rows accepted in one request
    #[arg(long, env = "INFERENCE_BATCH_ROWS", value_name = "ROWS", default_value_t = 1024)]
    pub batch_rows: usize,
}

/// What the handlers share.
#[derive(Debug, Clone)]
struct Api {
    model: ModelStore,
    limits: BodyLimits,
    batch_rows: usize,
    probes: Probes,
}

/// The path of the service's own call.
pub const PREDICT: &str = "/api";
/// Method and path of the calls that predict: what objectives are about.
pub const PREDICTION_ROUTES: &[(&str, &str)] =
    &[("POST", PREDICT), ("POST", INFER), ("POST", oip::INFER_VERSION)];
/// The path of the API's description.
pub const OPENAPI_PATH: &str = "/openapi.json";
/// What is answered without credentials.
pub const PUBLIC_PATHS: [&[&str]; 2] = [&[OPENAPI_PATH], HEALTH_PATHS];

/// The API behind everything that a request has to pass; the first line of the builder runs first.
pub fn stack(
    config: &ApiConfig,
    listen: &ListenConfig,
    model: ModelStore,
    probes: Probes,
    identity: Authenticator,
    admission: Arc<Admission>,
) -> Router {
    let limits = BodyLimits { bytes: config.body_bytes, timeout: config.body_timeout };
    let api = Api { model, limits, batch_rows: config.batch_rows, probes };
    let gate =
        Arc::new(Gate { header_bytes: listen.header_bytes, body_bytes: limits.bytes, identity, admission });
    let layers = ServiceBuilder::new()
        // Sees the refusals of every layer below, gives each request its id and its span.
        .layer(middleware::from_fn(observe))
        // A handler that panics answers 500; the connection and the process live on.
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(gate, pass));
    let routes = routes(api);
    #[cfg(feature = "faults")]
    let routes = routes.layer(middleware::from_fn(crate::faults::inject));
    let stack = routes.layer(layers);
    if !listen.proxies.forwarded_for {
        return stack;
    }
    // Before all others, so that they see the client where the connection's other end is a proxy.
    let proxies = Arc::new(listen.proxies.clone());
    stack.layer(middleware::map_request_with_state(proxies, forwarded_for::believe))
}

/// What [`pass`] asks. One layer for all of it: a layer costs more than most of the questions.
#[derive(Debug)]
struct Gate {
    header_bytes: usize,
    body_bytes: usize,
    identity: Authenticator,
    admission: Arc<Admission>,
}

/// Lets a request through to its handler, or refuses it; the first line runs first.
async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    // Cheaper to look at than a token.
    body::check_headers(&request, gate.header_bytes)?;
    // Nobody unknown makes us read more than this.
    body::check_announced(request.headers(), gate.body_bytes)?;
    // Before anything that costs more than a header.
    let mut laps = Laps::begin();
    let identity = authenticate(&gate, &mut request).await;
    laps.end(Phase::Auth);
    // Last: only what will be worked on takes from a quota and holds a place.
    let identity = identity?;
    let admitted = gate.admission.admit(identity.as_ref());
    laps.end(Phase::Admission);
    let admitted = admitted?;
    let mut answer = next.run(request).await;
    admitted.tell(answer.headers_mut());
    Ok(answer)
}

/// Who is calling; who guesses too often is not asked.
async fn authenticate(gate: &Gate, request: &mut Request) -> Result<Option<Identity>, ApiError> {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address);
    let peers = gate.admission.peers();
    peer.map_or(Ok(()), |peer| peers.check(peer))?;
    gate.identity.authenticate(request).await.inspect_err(|error| {
        if let (Some(peer), ApiError::Unauthenticated(refusal)) = (peer, error)
            && *refusal != Refusal::Missing
        {
            peers.refused(peer);
        }
    })
}

fn routes(api: Api) -> Router {
    Router::new()
        .route(PREDICT, post(predict::predict))
        .route(OPENAPI_PATH, get(openapi::serve))
        .merge(oip::routes())
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|request: Request| async move {
            ApiError::MethodNotAllowed { method: request.method().to_string() }
        })
        .with_state(Arc::new(api))
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let reason = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a text".to_owned());
    ApiError::Internal { reason }.into_response()
}
