//! The contract's words for roles, access, tiers and kinds of actor.
//!
//! Promises: `from_word` reads exactly what `word` writes; JSON, OpenAPI and TypeScript have the same words.
//! Must never: give two words to one thing.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ts_rs::TS;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

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

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = Cow::<str>::deserialize(deserializer)?;
                Self::from_word(&word).ok_or_else(|| de::Error::unknown_variant(&word, &[$($word),+]))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($word),+]));
                words.build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }

        impl TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &ts_rs::Config) -> String {
                stringify!($name).to_owned()
            }

            fn inline(_: &ts_rs::Config) -> String {
                [$(concat!('"', $word, '"')),+].join(" | ")
            }

            fn decl(config: &ts_rs::Config) -> String {
                format!("type {} = {};", <Self as TS>::name(config), Self::inline(config))
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
