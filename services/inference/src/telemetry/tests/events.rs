//! Every event moves its metric, and every series that an objective reads is there from the start.

use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_sdk::trace::Sampler;
use rstest::rstest;

use super::Local;
use crate::telemetry::events::{self, Phase};
use crate::telemetry::metrics::{Declared, declare};
use crate::telemetry::series::{self, Kind};

fn declared() -> Local {
    let local = Local::start(Sampler::AlwaysOff);
    declare(&Declared {
        routes: &[("POST", "/api"), ("POST", "/v2/models/{model}/infer")],
        model: "flights",
        classes: &[0, 1],
        feature_groups: &["OPERA", "MES"],
        auth_methods: &["jwt"],
        auth_refusals: &["expired"],
        certificate_refusals: &["revoked"],
        quota_classes: &["default"],
        connection_refusals: &["limit"],
    });
    local
}

#[rstest]
#[case::requests(r#"http_server_request_duration_seconds_count{http_route="/api",http_request_method="POST",http_response_status_code="200",error_source=""}"#)]
#[case::request_buckets(r#"http_server_request_duration_seconds_bucket{http_route="/api",http_request_method="POST",http_response_status_code="200",error_source="",le="0.025"}"#)]
#[case::failures(r#"http_server_request_duration_seconds_count{http_route="/v2/models/{model}/infer",http_request_method="POST",http_response_status_code="500",error_source="server"}"#)]
#[case::active("http_server_active_requests")]
#[case::active_limit("http_server_active_requests_limit")]
#[case::predictions(r#"inference_predictions_total{model="flights",class="1"}"#)]
#[case::phase_auth(r#"inference_phase_duration_seconds_count{phase="auth"}"#)]
#[case::phase_admission(r#"inference_phase_duration_seconds_count{phase="admission"}"#)]
#[case::phase_decode(r#"inference_phase_duration_seconds_count{phase="decode"}"#)]
#[case::phase_model(r#"inference_phase_duration_seconds_bucket{phase="model",le="0.000001"}"#)]
#[case::out_of_domain(r#"inference_rows_out_of_domain_total{model="flights",feature_group="MES"}"#)]
#[case::reloads(r#"inference_model_reloads_total{outcome="refused"}"#)]
#[case::auth_allow(r#"auth_decisions_total{method="jwt",outcome="allow"}"#)]
#[case::auth_refused(r#"auth_decisions_total{method="jwt",outcome="expired"}"#)]
#[case::certificate_refused(r#"auth_decisions_total{method="mtls",outcome="revoked"}"#)]
#[case::tls_reloads(r#"tls_reloads_total{outcome="refused"}"#)]
#[case::crl_next_update("tls_client_crl_next_update_timestamp_seconds")]
#[case::cache_hit(r#"auth_token_cache_lookups_total{result="hit"}"#)]
#[case::cache_miss(r#"auth_token_cache_lookups_total{result="miss"}"#)]
#[case::cache_entries("auth_token_cache_entries")]
#[case::cache_limit("auth_token_cache_entries_limit")]
#[case::keys("auth_jwks_keys")]
#[case::keys_refreshed("auth_jwks_last_refresh_timestamp_seconds")]
#[case::keys_changed(r#"auth_jwks_refreshes_total{outcome="changed"}"#)]
#[case::keys_failed(r#"auth_jwks_refreshes_total{outcome="failed"}"#)]
#[case::failures_of_a_dependency(r#"http_server_request_duration_seconds_count{http_route="/api",http_request_method="POST",http_response_status_code="503",error_source="dependency"}"#)]
#[case::quota_admitted(r#"quota_decisions_total{class="default",outcome="admitted"}"#)]
#[case::quota_limited(r#"quota_decisions_total{class="default",outcome="limited"}"#)]
#[case::quota_keys("quota_keys")]
#[case::quota_keys_limit("quota_keys_limit")]
#[case::connections("connections")]
#[case::connections_limit("connections_limit")]
#[case::connections_refused(r#"connections_refused_total{reason="limit"}"#)]
fn is_zero_before_the_first_request(#[case] series: &str) {
    assert_eq!(declared().value(series), Some(0.0), "{series}");
}

#[test]
fn every_metric_has_a_type_and_a_help_text() {
    let local = declared();
    events::ModelLoaded { model: "flights", sha256: "00", opset: 15 }.emit();
    let page = local.page.render();
    for series in series::SERVICE.iter().chain(series::PROCESS) {
        let name = series.name;
        let kind = match series.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert!(page.contains(&format!("# TYPE {name} {kind}\n")), "type of {name}");
        assert!(page.contains(&format!("# HELP {name} {}", series.help)), "help of {name}");
    }
    let named: Vec<_> = series::SERVICE.iter().chain(series::PROCESS).map(|series| series.name).collect();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(named.contains(&name), "{name} is exported but in no table");
    }
}

#[test]
fn the_process_is_told_of_as_it_is_when_somebody_looks() {
    let local = declared();
    let value = |series| local.value(series).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let began = value("process_start_time_seconds");
    // The system counts from its start, in whole seconds.
    assert!((now - 86_400.0..now + 2.0).contains(&began), "began at {began}, and it is {now}");
    let before = value("process_open_fds");
    // More than tests beside this one close meanwhile.
    let files: Vec<_> = (0..200).map(|_| File::open("/dev/null").unwrap()).collect();
    assert!(value("process_open_fds") > before, "{} more files are not seen", files.len());
    assert!(value("process_open_fds") < value("process_max_fds"));
    assert!(value("process_resident_memory_bytes") > 1_000_000.0);
}

#[test]
fn predictions_are_counted_by_class_also_beyond_the_tally() {
    let local = Local::start(Sampler::AlwaysOff);
    let classes: Vec<i64> = (0..20).flat_map(|class| [class, 0]).collect();
    events::Predicted { model: "m", classes: &classes }.emit();
    events::Predicted { model: "m", classes: &[7, -1] }.emit();
    for (class, rows) in [(0, 21.0), (7, 2.0), (-1, 1.0), (19, 1.0)] {
        let series = format!(r#"inference_predictions_total{{model="m",class="{class}"}}"#);
        assert_eq!(local.value(&series), Some(rows), "{series}");
    }
}

#[test]
fn counters_and_gauges_follow_their_events() {
    let local = declared();
    events::CallerAccepted { method: "jwt" }.emit();
    events::CallerRefused { method: "jwt", reason: "expired" }.emit();
    events::CallerRefused { method: "jwt", reason: "not declared" }.emit();
    events::TokenCacheLookup { result: events::TokenCacheResult::Hit }.emit();
    events::TokenCacheLookup { result: events::TokenCacheResult::Refused }.emit();
    events::TokenCacheFilled { entries: 3 }.emit();
    events::InFlightLimitSet { limit: 256 }.emit();
    events::ConnectionOpened.emit();
    events::ConnectionOpened.emit();
    events::ConnectionClosed.emit();
    events::ConnectionRefused { reason: "limit" }.emit();
    events::RowOutOfDomain { model: "flights", group: "MES" }.emit();
    events::ModelRefused { error: &"not a model" }.emit();
    events::PhaseTimed { phase: Phase::Model, took: Duration::from_micros(3) }.emit();
    for (series, value) in [
        (r#"auth_decisions_total{method="jwt",outcome="allow"}"#, 1.0),
        (r#"auth_decisions_total{method="jwt",outcome="expired"}"#, 1.0),
        (r#"auth_decisions_total{method="jwt",outcome="not declared"}"#, 1.0),
        (r#"auth_token_cache_lookups_total{result="hit"}"#, 1.0),
        (r#"auth_token_cache_lookups_total{result="refused"}"#, 1.0),
        (r#"auth_token_cache_lookups_total{result="miss"}"#, 0.0),
        ("auth_token_cache_entries", 3.0),
        ("http_server_active_requests_limit", 256.0),
        ("connections", 1.0),
        (r#"connections_refused_total{reason="limit"}"#, 1.0),
        (r#"inference_rows_out_of_domain_total{model="flights",feature_group="MES"}"#, 1.0),
        (r#"inference_model_reloads_total{outcome="refused"}"#, 1.0),
        (r#"inference_phase_duration_seconds_bucket{phase="model",le="0.0000025"}"#, 0.0),
        (r#"inference_phase_duration_seconds_bucket{phase="model",le="0.000005"}"#, 1.0),
    ] {
        assert_eq!(local.value(series), Some(value), "{series}");
    }
}

#[test]
fn keys_that_cannot_be_had_again_stay_as_old_as_they_are() {
    let local = declared();
    events::KeysChanged { keys: 2, at: 1_800_000_000 }.emit();
    events::KeysUnchanged { at: 1_800_000_300 }.emit();
    events::KeysRefused { error: "away", again: false }.emit();
    events::KeysRefused { error: "away", again: true }.emit();
    for (series, value) in [
        ("auth_jwks_keys", 2.0),
        ("auth_jwks_last_refresh_timestamp_seconds", 1_800_000_300.0),
        (r#"auth_jwks_refreshes_total{outcome="changed"}"#, 1.0),
        (r#"auth_jwks_refreshes_total{outcome="unchanged"}"#, 1.0),
        (r#"auth_jwks_refreshes_total{outcome="failed"}"#, 2.0),
    ] {
        assert_eq!(local.value(series), Some(value), "{series}");
    }
}

#[test]
fn one_model_has_the_value_1_after_a_reload() {
    let local = Local::start(Sampler::AlwaysOff);
    let info = |sha256| format!(r#"inference_model_info{{model="flights",sha256="{sha256}",opset="15"}}"#);
    let load = |sha256| events::ModelLoaded { model: "flights", sha256, opset: 15 }.emit();
    load("aa");
    assert_eq!(local.value(r#"inference_model_reloads_total{outcome="applied"}"#), Some(0.0));
    load("bb");
    assert_eq!((local.value(&info("aa")), local.value(&info("bb"))), (Some(0.0), Some(1.0)));
    load("aa");
    assert_eq!((local.value(&info("aa")), local.value(&info("bb"))), (Some(1.0), Some(0.0)));
    assert_eq!(local.value(r#"inference_model_reloads_total{outcome="applied"}"#), Some(2.0));
}

#[test]
fn a_handle_from_the_table_is_the_metric_of_a_fresh_one() {
    let local = declared();
    let series = r#"inference_predictions_total{model="flights",class="5"}"#;
    events::Predicted { model: "flights", classes: &[5] }.emit();
    assert_eq!(local.value(series), Some(1.0));
    events::Predicted { model: "flights", classes: &[5] }.emit();
    assert_eq!(local.value(series), Some(2.0));
}

#[test]
fn upkeep_keeps_what_was_recorded() {
    let local = declared();
    for _ in 0..1000 {
        events::PhaseTimed { phase: Phase::Auth, took: Duration::from_nanos(700) }.emit();
    }
    local.page.upkeep();
    local.page.upkeep();
    assert_eq!(local.value(r#"inference_phase_duration_seconds_count{phase="auth"}"#), Some(1000.0));
}
