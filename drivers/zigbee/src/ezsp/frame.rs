//! The head of an EZSP frame: the legacy one, in which every connection begins, and the extended one of version 8 and later
//! (UG100, "Protocol format").

use keyway_lock::wire::{Reader, WireError};

/// The first version that has the extended form; also the oldest that is spoken here (EmberZNet 6.7, of 2019).
pub const EXTENDED_SINCE: u8 = 8;

const RESPONSE: u8 = 0x80;
const CALLBACK: u8 = 0x18;
const ASYNCHRONOUS_CALLBACK: u8 = 0x10;
const OVERFLOW: u8 = 0x01;
/// Frame format version 1, no security (high byte of the frame control).
const EXTENDED: u8 = 0x01;

/// Which of the two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Sequence, frame control, frame id of one byte.
    Legacy,
    /// Sequence, frame control of two bytes, frame id of two bytes.
    Extended,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A command of the host.
    Command,
    /// The answer to it.
    Answer,
    /// The stick tells something by itself.
    Callback,
}

/// The head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// An answer bears that of its command.
    pub sequence: u8,
    /// What it is.
    pub purpose: Purpose,
    /// The stick had no room and lost callbacks before this frame.
    pub overflow: bool,
    /// Which command or callback.
    pub id: u16,
}

impl Head {
    /// Its bytes.
    pub fn to_bytes(self, form: Form) -> Vec<u8> {
        let control = match self.purpose {
            Purpose::Command => 0,
            Purpose::Answer => RESPONSE,
            Purpose::Callback => RESPONSE | ASYNCHRONOUS_CALLBACK,
        } | if self.overflow { OVERFLOW } else { 0 };
        let [low, high] = self.id.to_le_bytes();
        match form {
            Form::Legacy => vec![self.sequence, control, low],
            Form::Extended => vec![self.sequence, control, EXTENDED, low, high],
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`WireError`] naming the field.
    pub fn read(form: Form, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let sequence = reader.u8("sequence")?;
        let control = reader.u8("frame control")?;
        let id = match form {
            Form::Legacy => reader.u8("frame id")?.into(),
            Form::Extended => {
                let format = reader.u8("frame format")?;
                if format & 0x03 != EXTENDED {
                    return Err(reader.invalid("frame format", format));
                }
                reader.u16_le("frame id")?
            }
        };
        let purpose = match (control & RESPONSE, control & CALLBACK) {
            (0, _) => Purpose::Command,
            (_, 0) => Purpose::Answer,
            _ => Purpose::Callback,
        };
        Ok(Self { sequence, purpose, overflow: control & OVERFLOW != 0, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_those_of_a_stick_and_its_host() {
        // Recorded by zigbee-herdsman: version, asked and answered; sendUnicast, asked and answered; messageSentHandler.
        for (form, purpose, sequence, id, bytes) in [
            (Form::Legacy, Purpose::Command, 0, 0x0000, &[0x00, 0x00, 0x00][..]),
            (Form::Legacy, Purpose::Answer, 0, 0x0000, &[0x00, 0x80, 0x00]),
            (Form::Extended, Purpose::Command, 0x27, 0x0034, &[0x27, 0x00, 0x01, 0x34, 0x00]),
            (Form::Extended, Purpose::Answer, 0x27, 0x0034, &[0x27, 0x80, 0x01, 0x34, 0x00]),
            (Form::Extended, Purpose::Callback, 0x27, 0x003F, &[0x27, 0x90, 0x01, 0x3F, 0x00]),
        ] {
            let head = Head { sequence, purpose, overflow: false, id };
            assert_eq!(head.to_bytes(form), bytes);
            assert_eq!(Head::read(form, &mut Reader::new(bytes)), Ok(head));
        }
    }

    #[test]
    fn another_frame_format_is_an_error_that_names_it() {
        let error = Head::read(Form::Extended, &mut Reader::new(&[0, 0x80, 0x02, 0, 0])).unwrap_err();
        assert_eq!(error.to_string(), "frame format at offset 2 can't be 0x02");
    }
}
