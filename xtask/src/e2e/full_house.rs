//! The most memory that the bounds of the service allow, held against what its chart lets it have: each place taken by the
//! largest batch, of which the last byte is missing.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::E2e;
use crate::figures::VALUES;
use crate::keep_alive::{self, KeepAlive};
use crate::outcome::Outcome;
use crate::service::{Ready, Service};
use crate::workspace::Workspace;
use crate::{artifact, metrics_page, wait};

/// The default of `--body-bytes`, which the chart leaves as it is: one byte more is refused.
const BODY_BYTES: usize = 512 << 10;

/// What the service remembers and what is not here, also at its bounds: 10,000 tokens, 100,000 identities of 117 bytes, TLS
/// on 900 connections.
const BESIDE_KIB: u64 = 64 << 10;

/// Far longer than so many bodies take on loopback.
const LIMIT: Duration = Duration::from_secs(30);

/// `cargo xtask e2e full-house`
pub(crate) const TEST: E2e = E2e {
    name: "full-house",
    summary: "with each place held by the largest batch the service takes less memory than its chart gives it",
    needs: &[],
    run,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Values {
    resources: Resources,
    in_flight: u32,
}

#[derive(Debug, Deserialize)]
struct Resources {
    limits: Limits,
}

#[derive(Debug, Deserialize)]
struct Limits {
    memory: String,
}

fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let values = std::fs::read_to_string(workspace.path(VALUES)).context(VALUES)?;
    let Values { resources, in_flight } = serde_saphyr::from_str(&values).context(VALUES)?;
    let limit = kib(&resources.limits.memory).context("resources.limits.memory").context(VALUES)?;

    let in_flight_option = format!("--in-flight={in_flight}");
    let options = [in_flight_option.as_str(), "--max-connections=2000", "--body-timeout=60s"];
    let service = Service::start(&artifact::service(workspace)?, &options)?;
    let ready = service.ready();
    ensure!(is_refused(ready, BODY_BYTES + 1)?, "{BODY_BYTES} bytes are not the most that is taken");
    let request = batch(ready);
    let (last, all_but_one) = request.split_last().context("an empty request")?;
    let mut places = Vec::new();
    for _ in 0..in_flight {
        let mut place = KeepAlive::open(ready.api)?;
        place.write(all_but_one)?;
        places.push(place);
    }
    wait::until("every place to be taken", LIMIT, || {
        let taken = metrics_page::value(ready.admin, "http_server_active_requests")?;
        Ok((taken >= f64::from(in_flight)).then_some(()))
    })?;
    for place in &mut places {
        place.write(std::slice::from_ref(last))?;
    }
    for place in &mut places {
        let answer = place.read()?;
        ensure!(answer.status == 200, "a full batch was answered by {answer:?}");
    }
    let most = service.most_resident_kib()?;
    println!("    {in_flight} places taken; at most {most} KiB were resident, of {limit} KiB");
    ensure!(
        most + BESIDE_KIB <= limit,
        "{VALUES}: resources.limits.memory is {limit} KiB; {in_flight} batches of {BODY_BYTES} bytes take {most} KiB, and \
         {BESIDE_KIB} KiB are for the rest"
    );
    service.stop()?;
    Ok(Outcome::Passed)
}

/// Whether a body that announces so many bytes is refused as too large.
fn is_refused(ready: &Ready, bytes: usize) -> anyhow::Result<bool> {
    let mut request = keep_alive::post(ready, "/api", &[], &" ".repeat(bytes));
    request.truncate(request.len().saturating_sub(bytes));
    Ok(KeepAlive::open(ready.api)?.send(&request)?.status == 413)
}

/// As many rows as are taken, in as many bytes as are taken.
fn batch(ready: &Ready) -> Vec<u8> {
    let row = format!("[{}]", vec!["0"; 37].join(","));
    let mut body = format!("{{\"array\":[{}]}}", vec![row; 1024].join(","));
    let filling = BODY_BYTES.saturating_sub(body.len());
    body.insert_str(1, &" ".repeat(filling));
    keep_alive::post(ready, "/api", &[], &body)
}

/// Of a quantity of Kubernetes, as the chart writes it.
fn kib(quantity: &str) -> anyhow::Result<u64> {
    let number = quantity.strip_suffix("Mi").with_context(|| format!("{quantity:?} is not so many Mi"))?;
    Ok(number.parse::<u64>()? << 10)
}
