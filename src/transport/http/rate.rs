//! The `RateLimit` headers: what is left, and of what (draft-ietf-httpapi-ratelimit-headers).
//!
//! Promises: an answer that was counted says what is left; one that was refused, that there is nothing, and until when.
//! Must never: tell one caller of another's.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;

use crate::domain::quota::Resource;
use crate::limit::meter::Standing;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// What was counted for one answer. The layer that writes headers holds the other end, as long as the request lasts.
#[derive(Clone, Default)]
pub struct Counted(Arc<Mutex<Vec<(Resource, Standing)>>>);

impl Counted {
    /// Something was counted, and so much is left.
    pub fn note(&self, resource: Resource, standing: Standing) {
        self.0.lock().push((resource, standing));
    }

    /// Says so: `RateLimit-Policy: "call";q=3000;w=60` and `RateLimit: "call";r=2999;t=58`.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (resource, Standing { budget, left, eases_in_ms }) in self.0.lock().iter() {
            let name = resource.name();
            let policy = format!("\"{name}\";q={};w={}", budget.amount, budget.window_ms / 1_000);
            let left = format!("\"{name}\";r={left};t={}", eases_in_ms.div_ceil(1_000));
            for (header, value) in [(POLICY, policy), (LEFT, left)] {
                // Words and numbers.
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.append(header, value);
                }
            }
        }
    }
}
