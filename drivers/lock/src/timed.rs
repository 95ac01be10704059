//! On the way to a code that opens within a window only: what is in its slot meanwhile.

use crate::{Evidence, Pin, SlotContent};

/// What is in the slot of a code that gets a window ([`crate::LockCommand::SetTimedCode`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// The PIN that stands in for the guest's, of this place.
    StandIn(usize),
    /// Something of ours that the lock does not show.
    Hidden,
    /// The guest's PIN, and how that was proven.
    Pin(Evidence),
}

impl Held {
    /// What a look into the slot shows. `None`: somebody else's code, or none that anybody could use: the hub is to look
    /// before it goes on.
    pub fn shown(content: &SlotContent, pin: &Pin, stand_ins: &[Pin; 2]) -> Option<Self> {
        match content {
            SlotContent::Free => Some(Self::Nothing),
            SlotContent::Hidden => Some(Self::Hidden),
            SlotContent::Code(held) if held == pin => Some(Self::Pin(Evidence::ReadBack)),
            SlotContent::Code(held) => stand_ins.iter().position(|stand_in| stand_in == held).map(Self::StandIn),
            SlotContent::Unusable => None,
        }
    }

    /// What is in the slot once this was put into it: the stand-in of a place, or the guest's PIN.
    pub fn put(stand_in: Option<usize>, evidence: Evidence) -> Self {
        stand_in.map_or(Self::Pin(evidence), Self::StandIn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_tells_the_guests_pin_from_those_that_stand_in_and_from_others() {
        let pin = |digits: &str| Pin::new(digits).unwrap();
        let stand_ins = [pin("111111"), pin("222222")];
        let shown = |content| Held::shown(&content, &pin("482915"), &stand_ins);
        assert_eq!(shown(SlotContent::Free), Some(Held::Nothing));
        assert_eq!(shown(SlotContent::Hidden), Some(Held::Hidden));
        assert_eq!(shown(SlotContent::Code(pin("482915"))), Some(Held::Pin(Evidence::ReadBack)));
        assert_eq!(shown(SlotContent::Code(pin("222222"))), Some(Held::StandIn(1)));
        assert_eq!(shown(SlotContent::Code(pin("333333"))), None);
        assert_eq!(shown(SlotContent::Unusable), None);
    }
}
