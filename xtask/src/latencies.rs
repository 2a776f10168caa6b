//! How long answers took, as the results of load tests hold it. Must never be less exact than what was measured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer as Hdr;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Its written form, apart from the requests that got no answer.
#[derive(Deserialize)]
struct Written {
    hdr_v2_base64: String,
}

/// Nanoseconds, from the form that `loadtest/schema/result.json` describes.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Histogram<u64>, D::Error> {
    let Written { hdr_v2_base64 } = Written::deserialize(deserializer)?;
    let bytes = STANDARD.decode(hdr_v2_base64).map_err(D::Error::custom)?;
    Hdr::new().deserialize(&mut bytes.as_slice()).map_err(D::Error::custom)
}
