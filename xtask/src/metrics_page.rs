//! Values on the service's page of metrics.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::keep_alive;

/// The value of one series, written as the page writes it.
///
/// # Errors
/// Where the page does not have it.
pub(crate) fn value(admin: SocketAddr, series: &str) -> anyhow::Result<f64> {
    let page = keep_alive::get(admin, "/metrics")?.body;
    let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    Ok(value.with_context(|| format!("no {series} in:\n{page}"))?.parse()?)
}
