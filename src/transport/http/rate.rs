//! The `RateLimit` headers: what is left, and of what (draft-ietf-httpapi-ratelimit-headers).
//!
//! Promises: an answer that was counted says what is left; one that was refused, that there is nothing, and until when.
//! Must never: tell one caller of another's.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;

use super::problem::Problem;
use crate::domain::quota::{Budget, Resource};
use crate::hub::quotas::denied;
use crate::limit::Denied;
use crate::limit::meter::Standing;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// What was counted for one answer. The layer that writes headers holds the other end, as long as the request lasts.
#[derive(Clone, Default)]
pub struct Counted(Arc<Mutex<Vec<(Resource, Standing)>>>);

impl<S: Send + Sync> FromRequestParts<S> for Counted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Counted {
    /// What is said of a request; of one that came past the layer that writes headers nothing will be.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// What came of counting, or the problem that it is too much.
    pub fn take(&self, resource: Resource, spent: Result<Option<Standing>, Denied>) -> Result<(), Problem> {
        if let Some(standing) = spent.unwrap_or_else(|denied| denied.standing) {
            self.note(resource, standing);
        }
        spent.map(drop).map_err(|spent| denied(resource, spent).into())
    }

    /// Something was counted, and so much is left.
    fn note(&self, resource: Resource, standing: Standing) {
        self.0.lock().push((resource, standing));
    }

    /// Says so: `RateLimit-Policy: "call";q=3000;w=60` and `RateLimit: "call";r=2999;t=58`, and after a comma the next.
    pub fn write(&self, headers: &mut HeaderMap) {
        let counted = self.0.lock();
        if counted.is_empty() {
            return;
        }
        let policy = |(resource, standing): &(Resource, Standing)| {
            let Budget { amount, window_ms } = standing.budget;
            format!("\"{}\";q={amount};w={}", resource.name(), window_ms / 1_000)
        };
        let left = |(resource, standing): &(Resource, Standing)| {
            let Standing { left, eases_in_ms, .. } = standing;
            format!("\"{}\";r={left};t={}", resource.name(), eases_in_ms.div_ceil(1_000))
        };
        let all =
            |say: &dyn Fn(&(Resource, Standing)) -> String| counted.iter().map(say).collect::<Vec<_>>().join(", ");
        for (header, value) in [(POLICY, all(&policy)), (LEFT, all(&left))] {
            // Words and numbers.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(header, value);
            }
        }
    }
}
