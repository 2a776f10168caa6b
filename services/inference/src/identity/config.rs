//! The settings of identity: which proofs are accepted, each default with its reason. Reads no file.

use std::path::PathBuf;
use std::time::Duration;

use super::{JwksLocation, KeyRefreshConfig, Policy, SigningAlgorithm};

/// What is accepted as a proof.
#[derive(Debug, Clone, clap::Args)]
pub struct IdentityConfig {
    /// The proofs that a caller has to bring
    #[arg(long, env = "INFERENCE_POLICY", value_enum, default_value_t = Policy::Jwt)]
    pub policy: Policy,
    /// PEM file with the issuer's public key (RSA: RS256, PS256; P-256: ES256; P-384: ES384; Ed25519: EdDSA)
    #[arg(long, env = "INFERENCE_JWT_PUBLIC_KEY", value_name = "FILE", conflicts_with_all = ["jwt_secret", "jwks"])]
    pub jwt_public_key: Option<PathBuf>,
    /// File with the secret that issuer and service share (HS256): at least 32 bytes, made at random
    #[arg(long, env = "INFERENCE_JWT_SECRET", value_name = "FILE", conflicts_with = "jwks")]
    pub jwt_secret: Option<PathBuf>,
    /// The issuer's public keys as a JWK Set, in a file or at an https:// URL (http:// on loopback only); a token names
    /// the one it was signed with by its `kid`
    #[arg(long, env = "INFERENCE_JWKS", value_name = "FILE-or-URL")]
    pub jwks: Option<JwksLocation>,
    /// How keys are kept up to date.
    #[command(flatten)]
    pub refresh: KeyRefreshConfig,
    /// The algorithms that tokens may be signed with; of these each key is used with its own only
    #[arg(
        long,
        env = "INFERENCE_JWT_ALGORITHMS",
        value_name = "ALGORITHM",
        value_enum,
        value_delimiter = ',',
        ignore_case = true,
        default_value = "RS256,PS256,ES256,ES384,EdDSA,HS256"
    )]
    pub jwt_algorithms: Vec<SigningAlgorithm>,
    /// The `iss` that tokens must have
    #[arg(long, env = "INFERENCE_JWT_ISSUER", value_name = "ISSUER", default_value = "puntual-development")]
    pub jwt_issuer: String,
    /// The `aud` that tokens must have
    #[arg(long, env = "INFERENCE_JWT_AUDIENCE", value_name = "AUDIENCE", default_value = "puntual")]
    pub jwt_audience: String,
    /// How far the clocks of issuer and service may be apart, for `exp` and `nbf`
    #[arg(long, env = "INFERENCE_JWT_LEEWAY", value_name = "DURATION", default_value = "30s",
          value_parser = humantime::parse_duration)]
    pub jwt_leeway: Duration,
    /// Most verified tokens remembered; a signature costs more than all the rest of a request
    #[arg(long, env = "INFERENCE_TOKEN_CACHE_ENTRIES", value_name = "TOKENS", default_value_t = 10_000)]
    pub token_cache_entries: usize,
    /// How long a verified token is remembered at most
    #[arg(long, env = "INFERENCE_TOKEN_CACHE_AGE", value_name = "DURATION", default_value = "60s",
          value_parser = humantime::parse_duration)]
    pub token_cache_age: Duration,
}
