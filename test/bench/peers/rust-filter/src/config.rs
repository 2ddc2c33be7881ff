//! The plug-in configuration: `ChainConfig` of chain-config.ts.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    pub issuer: String,
    pub audiences: Vec<String>,
    pub jwks: Jwks,
    pub tasks: Vec<Task>,
    #[serde(default)]
    pub log: bool,
    /// Tokens that are remembered as verified.
    #[serde(default = "default_token_cache")]
    pub token_cache: usize,
}

fn default_token_cache() -> usize {
    1000
}

#[derive(Deserialize)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

#[derive(Deserialize)]
pub struct Jwk {
    pub kty: String,
    pub kid: Option<String>,
    pub alg: Option<String>,
    #[serde(default)]
    pub n: String,
    #[serde(default)]
    pub e: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub taskid: String,
    pub requests_per_second: f64,
}
