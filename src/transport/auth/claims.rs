//! What a token says, both ways ([CN5]).
//!
//! Promises: what is not exactly as the contract has it is an error that names the claim.
//! Must never: guess; a role or a tier that is not known might mean less than what it would be taken for.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::domain::access::{Principal, Role, Tier};
use crate::domain::event::{Actor, ActorKind};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::sequence::Timestamp;

/// The longest id and name of a user, in characters.
pub const USER_CHARS_MAX: usize = 256;

/// What is wrong with a token's claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It ended.
    #[error("the token has expired (`exp`)")]
    Expired,
    /// It has not begun.
    #[error("the token is not valid yet (`nbf`)")]
    Early,
    /// Not as the contract has it.
    #[error("the token's `{claim}` must be {must}")]
    Wrong {
        /// Which.
        claim: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

type Claims = Map<String, Value>;

/// Whom the claims speak for at this moment.
pub fn read(claims: &Claims, now: Timestamp) -> Result<Principal, ClaimError> {
    let expires = required(time(claims, "exp")?, "exp", "given: seconds since 1970")?;
    if expires <= now {
        return Err(ClaimError::Expired);
    }
    if time(claims, "nbf")?.is_some_and(|begins| begins > now) {
        return Err(ClaimError::Early);
    }
    let id = optional(claims, "sub", USER, user_text)?.filter(|id| !id.is_empty());
    let id = UserId(required(id, "sub", USER)?);
    let name = optional(claims, "name", "a text of at most 256 characters, without NUL", user_text)?;
    let kind = optional(claims, "kind", "human or agent", |kind| ActorKind::from_word(kind.as_str()?))?;
    let tier = optional(claims, "tier", "free, pro or enterprise", |tier| Tier::from_word(tier.as_str()?))?;
    Ok(Principal {
        actor: Arc::new(Actor { id, name, kind: kind.unwrap_or_default() }),
        tier: tier.unwrap_or_default(),
        admin: optional(claims, "admin", "true or false", Value::as_bool)?.unwrap_or_default(),
        projects: Arc::new(optional(claims, "projects", PROJECTS, roles)?.unwrap_or_default()),
        expires: Some(expires),
    })
}

/// The claims that speak for a principal. The end is in whole seconds, rounded down.
pub fn write(principal: &Principal, now: Timestamp) -> Value {
    let roles = principal.projects.iter().map(|(id, role)| (id.to_string(), json!(role.word())));
    let mut claims = json!({
        "sub": principal.user(),
        "iat": now.0.div_euclid(1_000),
        "tier": principal.tier.word(),
        "kind": principal.actor.kind.word(),
        "admin": principal.admin,
        "projects": roles.collect::<Claims>(),
    });
    claims["exp"] = principal.expires.map_or(Value::Null, |end| json!(end.0.div_euclid(1_000)));
    if let Some(name) = &principal.actor.name {
        claims["name"] = json!(name);
    }
    claims
}

const USER: &str = "a text of 1 to 256 characters, without NUL";
const PROJECTS: &str = "a map of project ids to viewer, editor or owner";

/// Whether a text may be a user's id or name, in length and characters.
pub fn is_user_text(text: &str) -> bool {
    text.chars().count() <= USER_CHARS_MAX && !text.contains('\0')
}

fn user_text(value: &Value) -> Option<Arc<str>> {
    value.as_str().filter(|text| is_user_text(text)).map(Arc::from)
}

fn roles(value: &Value) -> Option<HashMap<ProjectId, Role>> {
    let entry = |(id, role): (&String, &Value)| Some((id.parse().ok()?, Role::from_word(role.as_str()?)?));
    value.as_object()?.iter().map(entry).collect()
}

/// A NumericDate (RFC 7519, section 2) in milliseconds: seconds since 1970, perhaps with a fraction.
fn time(claims: &Claims, claim: &'static str) -> Result<Option<Timestamp>, ClaimError> {
    // `as` saturates: a token that ends in a million years ends late enough.
    let moment = |value: &Value| value.as_f64().map(|seconds| Timestamp((seconds * 1_000.0).floor() as i64));
    optional(claims, claim, "a number: seconds since 1970", moment)
}

/// A claim that is null counts as absent.
fn optional<T>(
    claims: &Claims,
    claim: &'static str,
    must: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, ClaimError> {
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).ok_or(ClaimError::Wrong { claim, must }),
    }
}

fn required<T>(value: Option<T>, claim: &'static str, must: &'static str) -> Result<T, ClaimError> {
    value.ok_or(ClaimError::Wrong { claim, must })
}
