//! Owns the histogram buckets. It must never hold a bucket that no objective or dashboard asks for: each bucket of
//! each label set is one more series.

/// Upper bounds in seconds of `http_server_request_duration_seconds`.
///
/// The objectives' latency thresholds are among them, because a threshold that is not a boundary can't be measured
/// from a histogram. The last bound is half of what a load balancer waits.
pub const REQUEST_SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Upper bounds in seconds of `inference_phase_duration_seconds`: from a token found in the cache (below 1 µs) to
/// a signature verified on a busy machine (milliseconds).
pub const PHASE_SECONDS: [f64; 9] =
    [0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.001, 0.01];

/// Upper bounds in seconds of `probe_duration_seconds`: from a probe beside the service to the prober's time-out.
pub const PROBE_SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
