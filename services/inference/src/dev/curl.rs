//! The request that development mode prints. Sends nothing.

use std::net::SocketAddr;
use std::path::Path;

use crate::model::{GoldenAnswers, GoldenRow};

/// A request to paste into a shell: a flight that will be late, if the model knows one. With TLS the service's own
/// certificate, in a file, is what the request trusts.
#[must_use]
pub fn curl(api: SocketAddr, certificate: Option<&Path>, token: &str, golden: &GoldenAnswers) -> String {
    let late = golden.rows().iter().find(|row| row.class == 1).or_else(|| golden.rows().first());
    let array = late.map(|GoldenRow { array, .. }| array.as_slice()).unwrap_or_default();
    let array = array.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
    let url = match certificate {
        None => format!("http://{api}/api"),
        Some(file) => {
            format!("--cacert '{}' https://{api}/api", file.display().to_string().replace('\'', r"'\''"))
        }
    };
    format!(
        "curl --silent --show-error {url} \\\n  \
         --header 'Authorization: Bearer {token}' \\\n  \
         --header 'Content-Type: application/json' \\\n  \
         --data '{{\"array\":[{array}]}}'"
    )
}
