//! Tokens for hubs that ask for them ([CN5]), signed as an application's own server would: HS256.
//!
//! Promises: the secret is another one in every run.
//! Must never: sign for a hub that it did not start.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::LoadError;
use crate::hub::Setting;

/// A token that outlives every run.
pub const LONG: Duration = Duration::from_secs(24 * 3600);

/// Signs.
pub struct Signer {
    secret: String,
}

impl Default for Signer {
    fn default() -> Self {
        Self { secret: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()) }
    }
}

impl Signer {
    /// What its hubs are to be started with.
    pub fn setting(&self) -> Setting {
        ("BLOCKHUB_AUTH_SECRET", self.secret.clone())
    }

    /// A token of these claims.
    pub fn sign(&self, claims: &Value) -> Result<String, LoadError> {
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        encode(&Header::default(), claims, &key).map_err(|error| LoadError::Start(format!("no token: {error}")))
    }

    /// A user's token, of a tier that may do as much as it likes.
    pub fn user(&self, user: &str, name: &str, lasts: Duration) -> Result<String, LoadError> {
        self.sign(&claims(user, name, lasts))
    }

    /// A token of a user who pays nothing, and may do as much as that is worth.
    pub fn free(&self, user: &str, lasts: Duration) -> Result<String, LoadError> {
        let mut claims = claims(user, user, lasts);
        claims["tier"] = json!("free");
        self.sign(&claims)
    }

    /// A token that may see the hub's figures.
    pub fn admin(&self) -> Result<String, LoadError> {
        let mut claims = claims("operator", "Operator", LONG);
        claims["admin"] = json!(true);
        self.sign(&claims)
    }
}

/// What a user's token says.
pub fn claims(user: &str, name: &str, lasts: Duration) -> Value {
    json!({"sub": user, "name": name, "tier": "enterprise", "exp": (since_1970() + lasts).as_secs_f64()})
}

/// Now.
pub fn since_1970() -> Duration {
    // A clock before 1970 gets tokens that no hub takes, which ends a run in its first call.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
