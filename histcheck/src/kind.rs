//! The ways in which a history can be wrong.
//!
//! Promises: one fault has one name; each is proven by a planted one.
//! Must never: name what the contract allows.

use std::fmt;

use serde::{Serialize, Serializer};

/// One list for names, words and rules, so that none can be forgotten.
macro_rules! kinds {
    ($($kind:ident $words:literal $rule:literal)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!($rule, " ", $words)] $kind,)*
        }

        impl Kind {
            /// All that is looked for.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What is wrong, in words for people.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$kind => $words,)*
                }
            }
        }
    };
}

kinds! {
    LostAck "an acked edit is not in the log" "[ED1]"
    AppliedTwice "an edit is in the log twice" "[ED2]"
    AckUnlikeLog "an ack names another seq, or other versions, than the log" "[ED2]"
    AcksDiffer "two acks of one edit differ" "[ED2]"
    NewTwice "two acks of one edit say each that it was the first" "[ED2]"
    AckedThenRefused "an edit was acked, and the same client then told that it cannot be applied" "[ED2]"
    RefusedButApplied "every send of an edit was refused, and it is in the log" "[ED1]"
    AckBeforeCommit "an ack came before its commit" "[ED1]"
    NobodySent "an edit was acked, or is in the log, that nobody sent" ""
    AnothersEdit "the log has an edit as somebody's who did not send it" "[ED2]"
    LogHole "the log has a hole" ""
    LogRepeat "the log has a seq twice" ""
    ProjectMissing "the database does not hold a project that clients saw" ""
    VersionTwice "a version of a block has two successors" "[ED3]"
    VersionSkipped "a version of a block was left out" "[ED3]"
    FoldDiffers "the log does not lead to the blocks that the database holds" ""
    DeliveryHole "events were left out" "[JN5]"
    DeliveryRepeat "an event was delivered twice" "[JN5]"
    DeliveryDisorder "events were delivered out of order" "[JN5]"
    NotJoined "events were delivered of a project that was not joined" "[JN5]"
    BackInTime "a client was brought to an earlier state than it had" "[JN2]"
    RecoveredWrongly "a recovered join did not bring exactly the events since" "[JN2]"
    ShownUnlikeLog "an event was shown that is another in the log" ""
    NeverCommitted "an event was shown that is not in the log" ""
    SnapshotDiffers "the blocks that were given are not those of their seq" "[JN1]"
    StaleRead "a read was older than it asked for" ""
    EventBeforeReply "an event came before the reply to its edit on the author's connection" "[MS5]"
    EpochUntold "events of another epoch came without a reset" "[JN5]"
    EpochMoved "the epoch changed in a run in which it may not" ""
    CopyBehind "a copy at rest has not reached the head" ""
    CopyDiffers "a copy at rest is not what the database holds" ""
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
