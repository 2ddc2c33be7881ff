//! JSON Web Tokens signed with RS256. Envoy checks the signature (its foreign function `verify_signature`); a token that
//! passed is remembered, so that only its times are checked when it comes again.

use crate::config::{Config, Jwk};
use crate::tensor::field;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use hashbrown::HashMap;
use proxy_wasm::hostcalls::call_foreign_function;
use serde::Deserialize;
use std::rc::Rc;

/// What a token that passed says.
#[derive(Clone)]
struct Verified {
    subject: Rc<str>,
    not_before: u64,
    expires: u64,
}

struct Key {
    kid: Option<String>,
    /// SubjectPublicKeyInfo in DER.
    der: Vec<u8>,
}

pub struct Verifier {
    issuer: String,
    audiences: Vec<String>,
    keys: Vec<Key>,
    recent: HashMap<Vec<u8>, Verified>,
    older: HashMap<Vec<u8>, Verified>,
    generation: usize,
}

#[derive(Deserialize)]
struct Header<'a> {
    alg: &'a str,
    kid: Option<&'a str>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    sub: String,
    aud: Audience,
    exp: u64,
    #[serde(default)]
    nbf: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Verifier {
    pub fn new(config: &Config) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audiences: config.audiences.clone(),
            keys: config.jwks.keys.iter().filter_map(Key::of).collect(),
            recent: HashMap::new(),
            older: HashMap::new(),
            generation: config.token_cache / 2,
        }
    }

    /// The subject of a token that is valid now (seconds since 1970), or why it is refused.
    pub fn verify(&mut self, token: &[u8], now: u64) -> Result<Rc<str>, &'static str> {
        let verified = match self.recent.get(token).or_else(|| self.older.get(token)) {
            Some(verified) => verified.clone(),
            None => {
                let verified = self.check(token).ok_or("token_invalid")?;
                self.remember(token, verified.clone());
                verified
            }
        };
        if now >= verified.expires {
            return Err("token_expired");
        }
        if now < verified.not_before {
            return Err("token_not_yet_valid");
        }
        Ok(verified.subject)
    }

    /// Keeps between half of the tokens that the cache may hold and all of them.
    fn remember(&mut self, token: &[u8], verified: Verified) {
        if self.generation == 0 {
            return;
        }
        if self.recent.len() >= self.generation {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(token.to_vec(), verified);
    }

    fn check(&self, token: &[u8]) -> Option<Verified> {
        let dot = token.iter().rposition(|&byte| byte == b'.')?;
        let (text, signature) = (&token[..dot], &token[dot + 1..]);
        let mut parts = text.splitn(2, |&byte| byte == b'.');
        let header = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let audience = match &claims.aud {
            Audience::One(audience) => self.audiences.contains(audience),
            Audience::Many(audiences) => audiences.iter().any(|each| self.audiences.contains(each)),
        };
        if header.alg != "RS256" || claims.iss != self.issuer || !audience {
            return None;
        }
        let named = |key: &&Key| header.kid.is_none() || key.kid.as_deref() == header.kid;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !self.keys.iter().filter(named).any(|key| key.signed(text, &signature)) {
            return None;
        }
        Some(Verified { subject: claims.sub.into(), not_before: claims.nbf, expires: claims.exp })
    }
}

/// Fields of envoy.source.extensions.common.wasm.VerifySignatureArguments.
const HASH_FUNCTION: u64 = 1;
const PUBLIC_KEY: u64 = 2;
const SIGNATURE: u64 = 3;
const TEXT: u64 = 4;
/// VerifySignatureResult with `result` true and nothing else.
const VERIFIED: &[u8] = &[0x08, 0x01];

impl Key {
    fn of(jwk: &Jwk) -> Option<Self> {
        if jwk.kty != "RSA" || jwk.alg.as_deref().unwrap_or("RS256") != "RS256" {
            return None;
        }
        let modulus = URL_SAFE_NO_PAD.decode(&jwk.n).ok()?;
        let exponent = URL_SAFE_NO_PAD.decode(&jwk.e).ok()?;
        Some(Self { kid: jwk.kid.clone(), der: rsa_public_key(&modulus, &exponent) })
    }

    fn signed(&self, text: &[u8], signature: &[u8]) -> bool {
        let mut arguments = Vec::with_capacity(self.der.len() + signature.len() + text.len() + 32);
        field(&mut arguments, HASH_FUNCTION, b"sha256");
        field(&mut arguments, PUBLIC_KEY, &self.der);
        field(&mut arguments, SIGNATURE, signature);
        field(&mut arguments, TEXT, text);
        matches!(call_foreign_function("verify_signature", Some(&arguments)), Ok(Some(result)) if result == VERIFIED)
    }
}

/// AlgorithmIdentifier rsaEncryption with NULL parameters (RFC 3279).
const RSA_ENCRYPTION: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// SubjectPublicKeyInfo in DER (RFC 5280).
fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [integer(modulus), integer(exponent)].concat();
    let bits = [&[0][..], &der(0x30, &numbers)].concat();
    der(0x30, &[RSA_ENCRYPTION, &der(0x03, &bits)].concat())
}

fn integer(big_endian: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if big_endian.first().map_or(true, |&byte| byte >= 0x80) { &[0] } else { &[] };
    der(0x02, &[sign, big_endian].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [&header[..], content].concat()
}
