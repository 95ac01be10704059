//! What a lock's word about a slot means for the codes in it.

use keyway_lock::{SlotContent, SlotNumber};

use super::facts::is_another;
use crate::model::{AccessCode, AccessCodeId, Presence};

/// What a word about a slot means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new for any managed code, and no code of somebody else's in the slot.
    Same,
    /// This code is in its slot: the lock showed it.
    Proven(AccessCodeId),
    /// This code is not in its slot (any more).
    Gone(AccessCodeId),
    /// Another PIN was shown where this code was, for the first time: to be asked again before anything is concluded.
    Doubtful(AccessCodeId),
    /// Another PIN was shown twice where this code was: a person put it there, and it is not ours to touch.
    Replaced(AccessCodeId),
    /// What the slot held is not known any more, and the lock does not show what is in it: this code, which was in it, must
    /// be proven again.
    Unsure(AccessCodeId),
    /// Somebody else's code is in the slot, or the slot can't be used.
    Foreign,
}

/// Judges a fresh word about `slot`. `before` is the word before it, if nothing happened to the slot in between;
/// `codes` are the device's codes, finished ones too: a PIN of ours that comes back is still ours to clear.
pub fn judge(before: Option<&SlotContent>, slot: SlotNumber, content: &SlotContent, codes: &[AccessCode]) -> Verdict {
    let here = || codes.iter().filter(|code| code.slot == slot);
    let Some(holder) = here().find(|code| code.presence != Presence::Absent) else {
        return match content {
            SlotContent::Free => Verdict::Same,
            SlotContent::Code(shown) => here()
                .find(|code| code.pin.as_ref() == Some(shown))
                .map_or(Verdict::Foreign, |code| Verdict::Proven(code.access_code_id)),
            SlotContent::Hidden | SlotContent::Unusable => Verdict::Foreign,
        };
    };
    let id = holder.access_code_id;
    match content {
        SlotContent::Free => Verdict::Gone(id),
        other if is_another(other, holder) => {
            if before == Some(other) {
                Verdict::Replaced(id)
            } else {
                Verdict::Doubtful(id)
            }
        }
        // Whether it opens depends on its window, which a look into the slot does not show.
        SlotContent::Code(_) if holder.kept.is_some() => Verdict::Same,
        SlotContent::Code(_) => Verdict::Proven(id),
        SlotContent::Hidden if before.is_none() && holder.is_proven() => Verdict::Unsure(id),
        // A masked code proves neither that ours is in nor that it is out; a slot that can't be used is another's, above.
        SlotContent::Hidden | SlotContent::Unusable => Verdict::Same,
    }
}
