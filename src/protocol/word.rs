//! The contract's words for roles, access, tiers and kinds of actor.
//!
//! Promises: `from_word` reads exactly what `word` writes.
//! Must never: give two words to one thing.

use crate::domain::access::{Access, Role, Tier};
use crate::domain::event::ActorKind;

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),+ })+) => {$(
        impl $name {
            /// The contract's word for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// What the contract means by a word, if anything.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

words! {
    Role { Viewer = "viewer", Editor = "editor", Owner = "owner" }
    Access { None = "none", Viewer = "viewer", Editor = "editor" }
    Tier { Free = "free", Pro = "pro", Enterprise = "enterprise" }
    ActorKind { Human = "human", Agent = "agent" }
}
