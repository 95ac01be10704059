//! Who answers on a port on which no Zigbee stick of the expected kind does.

use crate::coordinator::Family;

/// Questions to which firmware of other kinds answers, in one go: none of them can harm. A bootloader shows its menu at any
/// byte but must not see a digit of it; each of the others passes over what is not in its own framing.
pub const QUESTIONS: &[&[u8]] = &[
    // The bootloader of Texas Instruments, which measures by it how fast it is spoken to (SWRA466: synchronisation).
    &[0x55, 0x55],
    // A bootloader's menu.
    b"\r\n",
    // Z-Wave: which version? (INS12350 section 5.4.2)
    &[0x01, 0x03, 0x00, 0x15, 0xE9],
    // Texas Instruments ZNP: are you there? (Monitor and Test API, SYS_PING)
    &[0xFE, 0x00, 0x21, 0x01, 0x20],
    // Silicon Labs ASH: reset (UG101 section 2.3)
    &[0x1A, 0xC0, 0x38, 0xBC, 0x7E],
    // Thread: which version of spinel? (HDLC-lite; PROP_VALUE_GET of PROTOCOL_VERSION)
    &[0x7E, 0x81, 0x02, 0x01, 0xC5, 0xB2, 0x7E],
];

/// It is what it should be, and yet it did not answer.
const NOW_AND_THEN: &str =
    "the stick answers now and then only: is its cable long or its line bad, or is another program using it?";

/// Whose bytes these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// Nobody says anything.
    Silence,
    /// The bootloader of a stick of Silicon Labs.
    GeckoBootloader,
    /// The bootloader of a chip of Texas Instruments.
    TexasBootloader,
    /// A Z-Wave stick.
    Zwave,
    /// A stick of Texas Instruments with Zigbee.
    Znp,
    /// A stick of Silicon Labs with Zigbee.
    Ezsp,
    /// A stick with Thread (OpenThread radio co-processor), or with several protocols at once.
    Thread,
    /// Bytes of which nothing can be made.
    Noise,
}

impl Stranger {
    /// Recognises what was heard.
    pub fn of(heard: &[u8]) -> Self {
        let has = |bytes: &[u8]| heard.windows(bytes.len()).any(|window| window == bytes);
        if heard.is_empty() {
            Self::Silence
        } else if has(b"Gecko Bootloader") || has(b"BL > ") || has(b"upload gbl") {
            Self::GeckoBootloader
        } else if has(&[0xFE, 0x02, 0x61, 0x01]) || has(&[0xFE, 0x06, 0x41, 0x80]) {
            // It answers, or it has just started.
            Self::Znp
        } else if has(&[0x01, 0x10, 0x01, 0x15]) || has(b"Z-Wave") || heard == [0x06] {
            Self::Zwave
        } else if has(&[0xC1, 0x02]) {
            Self::Ezsp
        } else if has(&[0x7E, 0x80, 0x06]) || has(&[0x7E, 0x81, 0x06]) {
            Self::Thread
        } else if heard.starts_with(&[0x00, 0xCC]) || heard.starts_with(&[0xCC]) {
            // It acknowledges.
            Self::TexasBootloader
        } else {
            Self::Noise
        }
    }

    /// Whose stick it is, if it is one that can be worked with.
    pub fn family(self) -> Option<Family> {
        match self {
            Self::Znp => Some(Family::Znp),
            Self::Ezsp => Some(Family::Ezsp),
            _ => None,
        }
    }

    /// What it is and what to do, where a stick of that family was expected, or of either.
    pub fn sentence(self, expected: Option<Family>) -> &'static str {
        match self {
            Self::Znp | Self::Ezsp if expected.is_none() || expected == self.family() => NOW_AND_THEN,
            Self::Silence => {
                "nothing answers on this port: is it the right one, is its baud rate right (115200 for most sticks), and \
                 is no other program using it?"
            }
            Self::GeckoBootloader => {
                "the stick is in its bootloader and waits for firmware: unplug it and plug it in again, or write Zigbee \
                 (EZSP) firmware to it"
            }
            Self::TexasBootloader => {
                "the stick is in its bootloader and waits for firmware: unplug it and plug it in again, or write Z-Stack \
                 3.x.0 coordinator firmware to it"
            }
            Self::Zwave => "this is a Z-Wave stick: it belongs under [[zwave]], not under [[zigbee]]",
            Self::Znp => {
                "this is a stick of Texas Instruments (ZNP), and it is set up as one of Silicon Labs (EZSP): take `adapter` out"
            }
            Self::Ezsp => {
                "this is a stick of Silicon Labs (EZSP), and it is set up as one of Texas Instruments (ZNP): take `adapter` out"
            }
            Self::Thread => {
                "the stick has Thread or multiprotocol firmware (RCP): write Zigbee coordinator firmware to it"
            }
            Self::Noise => {
                "the port sends bytes that are no Zigbee stick's: its baud rate may be another (115200, 230400, 460800, or \
                 57600 for old ones), or it is another device"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_apart_by_what_they_say() {
        for (heard, stranger) in [
            (&b""[..], Stranger::Silence),
            (
                b"\r\nGecko Bootloader v1.12.00\r\n1. upload gbl\r\n2. run\r\n3. ebl info\r\nBL > ",
                Stranger::GeckoBootloader,
            ),
            // As zwave-js records them: acknowledged, and "Z-Wave 7.18".
            (b"\x06\x01\x10\x01\x15Z-Wave 7.18\x00\x01\x9b", Stranger::Zwave),
            (b"\x06", Stranger::Zwave),
            (&[0xFE, 0x02, 0x61, 0x01, 0x59, 0x06, 0x3D], Stranger::Znp),
            (&[0xFE, 0x06, 0x41, 0x80, 0x00, 0x02, 0x01, 0x02, 0x07, 0x01, 0xC2], Stranger::Znp),
            (&[0x1A, 0xC1, 0x02, 0x0B, 0x0A, 0x52, 0x7E], Stranger::Ezsp),
            // Spinel: PROP_VALUE_IS of PROTOCOL_VERSION, 4.3.
            (&[0x7E, 0x81, 0x06, 0x01, 0x04, 0x03, 0xDB, 0x0A, 0x7E], Stranger::Thread),
            // The synchronisation is acknowledged, and what else was said is not.
            (&[0x00, 0xCC, 0x00, 0x33], Stranger::TexasBootloader),
            (&[0x00, 0xF8, 0x80, 0x00], Stranger::Noise),
        ] {
            assert_eq!(Stranger::of(heard), stranger, "{heard:02x?}");
        }
    }

    #[test]
    fn no_question_chooses_anything_from_a_bootloader_s_menu() {
        let menu = b"123";
        assert!(QUESTIONS.iter().all(|question| question.iter().all(|byte| !menu.contains(byte))));
    }
}
