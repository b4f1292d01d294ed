//! Leaf paths and three-way merge of JSON merge patches.

/// A JSON Pointer (RFC 6901) through objects only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(pub Vec<String>);
