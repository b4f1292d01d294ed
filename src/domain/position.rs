//! Order keys: base-62 fractional indexes, as npm `fractional-indexing` makes them.

use std::sync::Arc;

/// An order key; keys compare bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub Arc<str>);
