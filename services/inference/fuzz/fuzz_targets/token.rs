//! Whatever arrives as an `Authorization` header is refused without a panic: nobody guesses a signature.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use inference::dev::DevKey;
use inference::identity::{
    Clock, IdentityConfig, KeyRefreshConfig, Policy, SigningAlgorithm, TokenCache, Verifier, bearer_token,
};
use libfuzzer_sys::fuzz_target;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    inference::crypto::install_provider();
    let config = IdentityConfig {
        policy: Policy::Jwt,
        jwt_public_key: None,
        jwt_secret: None,
        jwks: None,
        refresh: KeyRefreshConfig {
            jwks_ca: None,
            jwks_refresh: Duration::ZERO,
            jwks_cooldown: Duration::ZERO,
            jwks_max_age: Duration::ZERO,
            jwks_timeout: Duration::ZERO,
            keys_poll: Duration::ZERO,
        },
        jwt_algorithms: vec![SigningAlgorithm::EdDsa],
        jwt_issuer: "puntual-development".to_owned(),
        jwt_audience: "puntual".to_owned(),
        jwt_leeway: Duration::from_secs(30),
        token_cache_entries: 1,
        token_cache_age: Duration::from_secs(60),
    };
    Verifier::new(DevKey::generate().expect("randomness").verification(), &config, Clock::System)
});

static CACHE: LazyLock<TokenCache> = LazyLock::new(|| TokenCache::new(1, 60).expect("randomness"));

fuzz_target!(|value: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
    if let Ok(token) = bearer_token(&headers) {
        assert!(CACHE.verify(token, &VERIFIER).is_err());
    }
});
