//! Tells whom a token, or in open mode a name, speaks for ([CN5], [CN6]).
//!
//! Promises: the configured key alone fixes the algorithm; a token signed in any other way, or not at all, is nobody's.
//! Must never: let a token, or a part of one, into a log or a message.

pub mod claims;

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value};

use crate::domain::access::Principal;
use crate::domain::ids::UserId;
use crate::domain::sequence::Timestamp;
use crate::hub::Authenticator;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::client::NamedUser;
use crate::protocol::message::reply::Refusal;

/// An uncompressed point of the curve P-256.
const P256_POINT_BYTES: usize = 65;
/// A token over this is not looked at; longer headers are refused before they come here.
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// Whose tokens a hub takes.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Nobody's: everybody on this machine is who they say they are.
    Open,
    /// Those signed with this key.
    Token(TokenKey),
}

/// A key that tokens are verified with, and the one algorithm that goes with it.
#[derive(Clone)]
pub struct TokenKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The private key has no place on a hub.
    #[error("this is a private key; the hub needs the public one only: `openssl pkey -pubout`")]
    Private,
    /// Something else.
    #[error("no public key of a kind that can be used: give a PEM of RSA (2048 bits or more), EC P-256 or Ed25519")]
    Unknown,
}

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the token cannot be signed: {0}")]
pub struct SigningError(#[from] jsonwebtoken::errors::Error);

impl TokenKey {
    /// HS256 with this secret.
    pub fn secret(secret: &str) -> Self {
        Self { key: DecodingKey::from_secret(secret.as_bytes()), algorithm: Algorithm::HS256 }
    }

    /// RS256, ES256 or EdDSA, as the PEM of a public key says.
    pub fn public(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let pem = pem.as_bytes();
        let rsa = || Some((DecodingKey::from_rsa_pem(pem).ok()?, Algorithm::RS256));
        let ec = || Some((DecodingKey::from_ec_pem(pem).ok().filter(is_p256)?, Algorithm::ES256));
        let ed = || Some((DecodingKey::from_ed_pem(pem).ok()?, Algorithm::EdDSA));
        let (key, algorithm) = rsa().or_else(ec).or_else(ed).ok_or(KeyError::Unknown)?;
        Ok(Self { key, algorithm })
    }

    /// Its algorithm's name: HS256, RS256, ES256 or EdDSA.
    pub fn algorithm(&self) -> &'static str {
        match self.algorithm {
            Algorithm::HS256 => "HS256",
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
            // The constructors above know no other.
            _ => "EdDSA",
        }
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(nobody("the token is too long"));
        }
        let read = jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &self.validation());
        let data = read.map_err(|_| nobody("the token is not valid: it was not signed with this hub's key"))?;
        if data.header.crit.is_some() {
            // RFC 7515, section 4.1.11: who does not understand a critical extension rejects.
            return Err(nobody("the token asks for an extension (`crit`) that this hub does not know"));
        }
        claims::read(&data.claims, now).map_err(|wrong| nobody(&wrong.to_string()))
    }

    /// The signature only: the claims are judged by `claims::read`, against the time it is given, without leeway.
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

impl Authenticator for Keys {
    fn authenticate(&self, token: Option<&str>, user: Option<NamedUser>, now: Timestamp) -> Result<Principal, Refusal> {
        match (self, token) {
            (Self::Open, _) => {
                let user = user.unwrap_or_else(|| NamedUser { id: UserId::from("guest"), name: None });
                Ok(Principal::named(user.id, user.name))
            }
            (Self::Token(_), None) => Err(nobody("a token is needed, in `hello` or as `Authorization: Bearer`")),
            (Self::Token(key), Some(token)) => key.verify(token, now),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

/// A token that speaks for `principal` until it expires, signed by HS256.
pub fn sign(principal: &Principal, now: Timestamp, secret: &str) -> Result<String, SigningError> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims::write(principal, now), &key)?)
}

/// ES256 is P-256 and nothing else (RFC 7518, section 3.4).
fn is_p256(key: &DecodingKey) -> bool {
    key.try_get_as_bytes().is_ok_and(|point| point.len() == P256_POINT_BYTES)
}

fn nobody(message: &str) -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, message)
}
