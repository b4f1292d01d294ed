//! What cannot be done, as a problem document (RFC 9457).
//!
//! Promises: `code` and `requestId` are always there.
//! Must never: hold internals.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::ids::RequestId;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// For people.
    pub detail: &'a str,
    /// For programs: one of the contract's error codes.
    pub code: &'static str,
    /// The same as `X-Request-Id`.
    pub request_id: RequestId,
    /// Milliseconds after which the same may be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The limit that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// The index of the op that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<usize>,
    /// With `conflict`: the fields of the `conflict` message.
    #[serde(flatten)]
    #[schema(ignore)]
    pub more: &'a Map<String, Value>,
}
