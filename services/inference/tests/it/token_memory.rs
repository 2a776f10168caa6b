//! What the service remembers of tokens. Whether it asked its memory or its keys is seen by giving it a verifier with
//! another key of the same number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use inference::dev::DevKey;
use inference::identity::{Clock, Refusal, TokenCache, Verifier};
use jsonwebtoken::{Algorithm, Header};
use serde_json::json;

use crate::service::{NOW, defaults};

struct Memory {
    cache: TokenCache,
    ours: Verifier,
    theirs: Verifier,
    key: DevKey,
    clock: Arc<AtomicU64>,
}

impl Memory {
    fn new() -> Self {
        inference::crypto::install_provider();
        let config = defaults().identity;
        let clock = Arc::new(AtomicU64::new(NOW));
        let verifier =
            |key: &DevKey| Verifier::new(key.verification(), &config, Clock::Manual(clock.clone()));
        let key = DevKey::generate().unwrap();
        let (ours, theirs) = (verifier(&key), verifier(&DevKey::generate().unwrap()));
        Self { cache: TokenCache::new(100, 60).unwrap(), ours, theirs, key, clock }
    }

    fn token(&self, subject: &str) -> String {
        let claims =
            json!({"iss": "puntual-development", "aud": "puntual", "sub": subject, "exp": NOW + 100});
        self.key.sign(&Header::new(Algorithm::EdDSA), &claims).unwrap()
    }

    fn ours(&self, token: &str) -> Result<(), Refusal> {
        self.cache.verify(token.as_bytes(), &self.ours).map(|_verified| ())
    }

    fn theirs(&self, token: &str) -> Result<(), Refusal> {
        self.cache.verify(token.as_bytes(), &self.theirs).map(|_verified| ())
    }

    fn advance(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[test]
fn a_right_token_is_remembered_for_its_time() {
    let memory = Memory::new();
    let token = memory.token("someone");
    assert_eq!(memory.ours(&token), Ok(()));
    memory.advance(59);
    assert_eq!(memory.theirs(&token), Ok(()));
    memory.advance(1);
    assert_eq!(memory.theirs(&token), Err(Refusal::BadSignature));
}

#[test]
fn a_refusal_is_remembered_for_ten_seconds() {
    let memory = Memory::new();
    let token = memory.token("someone");
    assert_eq!(memory.theirs(&token), Err(Refusal::BadSignature));
    memory.advance(9);
    assert_eq!(memory.ours(&token), Err(Refusal::BadSignature));
    memory.advance(1);
    assert_eq!(memory.ours(&token), Ok(()));
}

#[test]
fn what_was_noted_while_the_clock_was_ahead_is_forgotten_when_it_is_right_again() {
    const DAY: u64 = 24 * 60 * 60;
    let memory = Memory::new();
    let claims =
        |end: u64| json!({"iss": "puntual-development", "aud": "puntual", "sub": "someone", "exp": end});
    let token = |end| memory.key.sign(&Header::new(Algorithm::EdDSA), &claims(end)).unwrap();
    let (today, next_week) = (token(NOW + 100), token(NOW + 7 * DAY));
    memory.advance(2 * DAY);
    assert_eq!(memory.ours(&today), Err(Refusal::Expired));
    assert_eq!(memory.ours(&next_week), Ok(()));
    memory.clock.store(NOW, Ordering::Relaxed);
    assert_eq!(memory.ours(&today), Ok(()));
    assert_eq!(memory.theirs(&next_week), Err(Refusal::BadSignature), "looked at anew");
}

#[test]
fn a_token_that_is_not_valid_yet_is_looked_at_again() {
    let memory = Memory::new();
    let claims = json!({
        "iss": "puntual-development", "aud": "puntual", "sub": "early", "exp": NOW + 100, "nbf": NOW + 31
    });
    let token = memory.key.sign(&Header::new(Algorithm::EdDSA), &claims).unwrap();
    assert_eq!(memory.ours(&token), Err(Refusal::NotYetValid));
    memory.advance(1);
    assert_eq!(memory.ours(&token), Ok(()));
}

#[test]
fn a_flood_of_wrong_tokens_pushes_out_no_right_one() {
    let memory = Memory::new();
    let right: Vec<_> = (0..50).map(|caller| memory.token(&format!("caller {caller}"))).collect();
    for token in &right {
        assert_eq!(memory.ours(token), Ok(()));
    }
    let (signed, signature) = right[0].rsplit_once('.').unwrap();
    for wrong in 0..5000 {
        // Each another token: the first symbols of the signature count up.
        let wrong = format!("{signed}.{wrong:04}{}", &signature[4..]);
        assert_eq!(memory.ours(&wrong), Err(Refusal::BadSignature));
    }
    for token in &right {
        assert_eq!(memory.theirs(token), Ok(()), "still remembered");
    }
}
