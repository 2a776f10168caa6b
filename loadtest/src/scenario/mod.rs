//! What a scenario's file may say, from which the published JSON Schema is made. Owns shapes and words; what makes sense
//! is decided in `check`. Must never hold a threshold of the service.

mod check;
mod service;

use std::time::Duration;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use slo::document::{Document, Faults};

use self::service::ServiceDefinition;
pub use self::service::{Quota, Service};
use crate::objectives::Objectives;
use crate::payload::{Route, Row};
use crate::verdict::Expectation;

/// A load test: what is sent, and what is expected to come back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A load test", extend("$comment" = "made by `cargo xtask generate`"))]
struct Definition {
    /// Its name, the value of the label `scenario`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"))]
    name: String,
    /// What a pass shows, in a sentence.
    shows: String,
    /// How requests prove who sends them.
    credentials: Credentials,
    /// How long an answer may take before the request counts as failed, such as `2s`.
    timeout: String,
    /// Threads of the generator.
    #[schemars(range(min = 1, max = 64))]
    threads: u16,
    /// The field of a body of the service's own call that holds the row, if it is another: to see a wrong client refused.
    #[serde(default)]
    body_field: Option<String>,
    /// The only class whose rows are sent: a target that answers a constant is right about these.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    only_class: Option<u8>,
    /// How the service that is started for the run differs from one that ships; without it, not at all.
    #[serde(default)]
    service: Option<ServiceDefinition>,
    /// One after the other.
    #[schemars(length(min = 1))]
    phases: Vec<PhaseDefinition>,
    /// What has to come back.
    expect: ExpectDefinition,
}

/// A stretch of time with one kind of load.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PhaseDefinition {
    /// What it is called in results.
    name: String,
    /// The route that is asked.
    #[serde(default)]
    route: Route,
    /// Who decides when the next request is sent.
    load: LoadName,
    /// Requests a second, for an open load.
    #[serde(default)]
    #[schemars(range(min = 1))]
    rate: Option<u32>,
    /// Connections, each with one request under way at a time.
    #[schemars(range(min = 1, max = 20_000))]
    connections: u32,
    /// So many clients send it, each with a token of its own, a share of the rate and of the connections, and a generator;
    /// without it, one.
    #[serde(default)]
    #[schemars(range(min = 2, max = 64))]
    identities: Option<u16>,
    /// How long the same is sent before anything counts, such as `5s`.
    warm_up: String,
    /// How long it counts, such as `45s`.
    duration: String,
    /// It asks for more than can be done: refusals (429, 503) may be answered, `expect.overload` judges it and the
    /// objectives do not.
    #[serde(default)]
    overload: bool,
    /// Clients that take their time meanwhile, each on a connection of its own.
    #[serde(default)]
    slow_clients: Option<SlowClients>,
    /// Meanwhile each instance of the service is told to end and started again, one after the other.
    #[serde(default)]
    restarts: bool,
    /// Another client, which asks for more than its quota meanwhile; `expect.neighbour` judges what it gets.
    #[serde(default)]
    neighbour: Option<Neighbour>,
}

/// Another client, known by a token of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Requests a second, as an open load.
    #[schemars(range(min = 1))]
    pub rate: u32,
    /// Connections, each with one request under way at a time.
    #[schemars(range(min = 1, max = 20_000))]
    pub connections: u32,
}

/// How many connections of each kind are held at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlowClients {
    /// On which the head of a request comes a byte a second.
    pub heads: u32,
    /// On which the body does, after its head: it may hold a place of the service.
    pub bodies: u32,
    /// On which an answer is read so.
    pub answers: u32,
}

/// Who decides when the next request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LoadName {
    /// A schedule, as it is with many independent clients: who is slow finds more requests waiting.
    Open,
    /// The answers: each connection waits for its own, so a slow target is asked less. It finds the ceiling and can't
    /// judge latency.
    Closed,
}

/// How requests prove who sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Credentials {
    /// Not at all.
    None,
    /// By a bearer token: the one that is given, or the one that a service prints that is started for the run.
    Bearer,
    /// By a bearer token that is signed with HS256.
    Hs256,
    /// The same, and the service remembers no token: it verifies each signature.
    Hs256Anew,
    /// By a bearer token that is signed with RS256.
    Rs256,
    /// The same, and the service remembers no token: it verifies each signature.
    Rs256Anew,
    /// By a bearer token that is signed with ES256.
    Es256,
    /// The same, and the service remembers no token: it verifies each signature.
    Es256Anew,
    /// By a bearer token that is signed with EdDSA.
    Eddsa,
    /// The same, and the service remembers no token: it verifies each signature.
    EddsaAnew,
    /// Not at all, on connections that are encrypted.
    Tls,
    /// The same, on a connection of its own for each request.
    TlsAnew,
    /// By a client certificate.
    Mtls,
    /// The same, on a connection of its own for each request.
    MtlsAnew,
    /// By a client certificate and a bearer token that is signed with ES256.
    Both,
    /// The same, and the token is bound to the certificate.
    Bound,
}

impl Credentials {
    pub(crate) const fn wants_token(self) -> bool {
        !matches!(self, Self::None | Self::Tls | Self::TlsAnew | Self::Mtls | Self::MtlsAnew)
    }

    /// Whether another token is known to a service that was started for the run: development makes one.
    pub(crate) const fn has_tokens(self) -> bool {
        self.wants_token() && !matches!(self, Self::Bearer)
    }

    pub(crate) const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::TlsAnew) || self.wants_certificate()
    }

    pub(crate) const fn wants_certificate(self) -> bool {
        matches!(self, Self::Mtls | Self::MtlsAnew | Self::Both | Self::Bound)
    }

    /// Whether each request has a connection of its own.
    pub(crate) const fn has_connection_each(self) -> bool {
        matches!(self, Self::TlsAnew | Self::MtlsAnew)
    }
}

/// What has to come back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExpectDefinition {
    /// Statuses that may be answered.
    #[schemars(length(min = 1))]
    statuses: Vec<StatusDefinition>,
    /// Names of objectives in `loadtest/objectives.json`.
    objectives: Vec<String>,
    /// What has to hold in the phases that ask for more than can be done.
    #[serde(default)]
    overload: Option<OverloadDefinition>,
    /// What must not grow from the beginning of a phase to its end.
    #[serde(default)]
    steady: Option<SteadyDefinition>,
    /// What the neighbour gets of its quota.
    #[serde(default)]
    neighbour: Option<NeighbourDefinition>,
    /// So long at most the service puts up with a request that comes a byte a second, such as `4s`.
    #[serde(default)]
    slow_clients_ended_within: Option<String>,
}

/// What has to hold while more is asked than can be done, and after it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OverloadDefinition {
    /// Good answers a second: at least this share of the most that any phase had, such as `"0.95"`.
    #[schemars(regex(pattern = SHARE))]
    goodput_at_least: String,
    /// The service may have so much more memory resident than in the other phases, such as `"0.1"` for a tenth more;
    /// without it, nobody looks.
    #[serde(default)]
    #[schemars(regex(pattern = SHARE))]
    memory_growth_at_most: Option<String>,
    /// So soon after it the next phase has to begin to count, such as `2s`: from then on the objectives hold again.
    recovery: String,
}

/// What a client gets that asks for more than its quota: the quota and no more, and fast refusals for the rest.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NeighbourDefinition {
    /// At least this share of its quota is answered, such as `"0.95"`.
    #[schemars(regex(pattern = SHARE))]
    quota_at_least: String,
}

/// How much may grow from the beginning of a phase to its end, by the line through the values of all seconds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SteadyDefinition {
    /// The service's resident memory: at most by this share of its median, such as `"0.05"`.
    #[schemars(regex(pattern = SHARE))]
    memory_growth_at_most: String,
    /// The 99th percentile of latency in a second: likewise.
    #[schemars(regex(pattern = SHARE))]
    p99_growth_at_most: String,
}

/// A share of a whole.
const SHARE: &str = r"^0?\.[0-9]+$";

/// A status that may be answered.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StatusDefinition {
    /// Such as 200.
    #[schemars(range(min = 200, max = 599))]
    status: u16,
    /// No more than this share of the answers, such as `"0.05"`; without it, as many as there are.
    #[serde(default)]
    #[schemars(regex(pattern = SHARE))]
    at_most: Option<String>,
}

/// A scenario that makes sense.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What a pass shows.
    pub shows: String,
    /// How requests prove who sends them.
    pub credentials: Credentials,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Threads of the generator.
    pub threads: u16,
    /// The body's field.
    pub body_field: String,
    /// The only class whose rows are sent.
    pub only_class: Option<u8>,
    /// How the service that is started for the run differs from one that ships.
    pub service: Service,
    /// One after the other.
    pub phases: Vec<Phase>,
    /// What has to come back.
    pub expectation: Expectation,
}

/// A stretch of time with one kind of load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// What it is called.
    pub name: String,
    /// The route that is asked.
    #[serde(default)]
    pub route: Route,
    /// Requests a second of an open load; a closed one has none.
    pub rate: Option<u32>,
    /// Connections, each with one request under way at a time.
    pub connections: u32,
    /// So many clients send it, each with a share of it and a token of its own; without a value, one.
    #[serde(default)]
    pub identities: Option<u16>,
    /// How long the same is sent before anything counts, in seconds.
    pub warm_up_seconds: f64,
    /// How long it counts, in seconds.
    pub seconds: f64,
    /// Whether it asks for more than can be done.
    #[serde(default)]
    pub overload: bool,
    /// Clients that take their time meanwhile.
    #[serde(default)]
    pub slow_clients: Option<SlowClients>,
    /// Whether each instance of the service is told to end meanwhile and started again, one after the other.
    #[serde(default)]
    pub restarts: bool,
    /// Another client, which asks for more than its quota meanwhile.
    #[serde(default)]
    pub neighbour: Option<Neighbour>,
}

impl Phase {
    pub(crate) fn identities(&self) -> u16 {
        self.identities.unwrap_or(1)
    }
}

/// The JSON Schema of scenario files, as editors use it.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Definition).to_value()
}

impl Scenario {
    /// As many clients as any phase has: each needs a token.
    #[must_use]
    pub fn identities(&self) -> u16 {
        self.phases.iter().map(Phase::identities).max().unwrap_or(1)
    }

    /// What is sent to a route, and what has to come back.
    ///
    /// # Errors
    ///
    /// When the golden answers are not of the form that training writes.
    pub fn rows(&self, route: Route) -> serde_json::Result<Vec<Row>> {
        route.rows(&self.body_field, self.only_class)
    }

    /// Reads and checks a file's text. `name` is what messages call the file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn read(name: &str, text: &str, objectives: &Objectives) -> Result<Self, Faults> {
        check::scenario(&Document::read(name, text)?, objectives)
    }
}

#[cfg(test)]
mod tests;
