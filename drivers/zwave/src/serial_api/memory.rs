//! The functions that read and write a stick's memory (NVM): those of the 500 series (INS12350, "Memory"), and those of
//! the 700 series and later (Z-Wave Host API, "NVM Backup and Restore" and its extended form).

use keyway_lock::wire::{Reader, WireError};
use zeroize::Zeroizing;

use super::command::Command;
use super::function;
use super::startup::Stick;

const OPEN: u8 = 0x00;
const READ: u8 = 0x01;
const WRITE: u8 = 0x02;
const CLOSE: u8 = 0x03;

const STATUS_OK: u8 = 0x00;
/// The last byte was read or written.
const STATUS_END: u8 = 0xFF;

/// How a memory is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// 500 series: at any time, with 24-bit offsets.
    Direct,
    /// 700 series and later: opened and closed, with 16-bit offsets.
    Opened,
    /// The same with 32-bit offsets.
    OpenedWide,
}

/// What the stick answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// It did it.
    pub done: bool,
    /// How many bytes the memory has: behind a question for it.
    pub size: Option<usize>,
    /// What was read.
    pub bytes: Zeroizing<Vec<u8>>,
    /// There is nothing behind it.
    pub end: bool,
}

impl Access {
    /// How the memory of this stick is spoken to; `None`: not at all.
    pub fn of(stick: &Stick) -> Option<Self> {
        let direct = [function::NVM_GET_ID, function::NVM_EXT_READ_LONG_BUFFER, function::NVM_EXT_WRITE_LONG_BUFFER];
        if stick.has(function::EXTENDED_NVM_BACKUP_RESTORE) {
            Some(Self::OpenedWide)
        } else if stick.has(function::NVM_BACKUP_RESTORE) {
            Some(Self::Opened)
        } else {
            direct.into_iter().all(|function| stick.has(function)).then_some(Self::Direct)
        }
    }

    /// Opens it, and asks for its size.
    pub fn open(self) -> Command {
        match self {
            Self::Direct => Command::query(function::NVM_GET_ID, &[]),
            Self::Opened | Self::OpenedWide => Command::query(self.function(), &[OPEN]),
        }
    }

    /// Reads up to `length` bytes.
    pub fn read(self, offset: usize, length: u8) -> Command {
        match self {
            Self::Direct => {
                let [_, a, b, c] = wide(offset);
                Command::query(function::NVM_EXT_READ_LONG_BUFFER, &[a, b, c, 0, length])
            }
            Self::Opened | Self::OpenedWide => {
                let head = [&[READ, length][..], &self.offset(offset)].concat();
                Command::query(self.function(), &head)
            }
        }
    }

    /// Writes bytes, 255 at most.
    pub fn write(self, offset: usize, bytes: &[u8]) -> Command {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        match self {
            Self::Direct => {
                let [_, a, b, c] = wide(offset);
                let payload = Zeroizing::new([&[a, b, c, 0, length][..], bytes].concat());
                Command::query(function::NVM_EXT_WRITE_LONG_BUFFER, &payload)
            }
            Self::Opened | Self::OpenedWide => {
                let payload = Zeroizing::new([&[WRITE, length][..], &self.offset(offset), bytes].concat());
                Command::query(self.function(), &payload)
            }
        }
    }

    /// Closes it; `None`: there is nothing to close.
    pub fn close(self) -> Option<Command> {
        match self {
            Self::Direct => None,
            Self::Opened | Self::OpenedWide => Some(Command::query(self.function(), &[CLOSE])),
        }
    }

    /// Reads the answer to [`Access::open`].
    ///
    /// # Errors
    /// [`WireError`].
    pub fn opened(self, payload: &[u8]) -> Result<Answered, WireError> {
        let mut reader = Reader::new(payload);
        if self != Self::Direct {
            let mut answered = self.answered(payload)?;
            reader.bytes("status and length", 2)?;
            answered.size = Some(match self {
                // 64 KiB don't fit: they are told as none.
                Self::Opened => match reader.u16_be("size")? {
                    0 => 0x1_0000,
                    size => size.into(),
                },
                _ => usize::try_from(reader.u32_be("size")?).unwrap_or(usize::MAX),
            });
            return Ok(answered);
        }
        reader.bytes("length, manufacturer and type", 3)?;
        // From 16 KiB on, in powers of two: the exponent.
        let size = match reader.u8("size")? {
            exponent @ 0x0E..=0x18 => 1 << exponent,
            other => return Err(reader.invalid("size", other)),
        };
        Ok(Answered { done: true, size: Some(size), bytes: Zeroizing::default(), end: false })
    }

    /// Reads the answer to [`Access::read`].
    ///
    /// # Errors
    /// [`WireError`].
    pub fn was_read(self, payload: &[u8]) -> Result<Answered, WireError> {
        match self {
            Self::Direct => {
                Ok(Answered { done: true, size: None, bytes: Zeroizing::new(payload.to_vec()), end: false })
            }
            Self::Opened | Self::OpenedWide => self.answered(payload),
        }
    }

    /// Reads the answer to [`Access::write`] and [`Access::close`].
    ///
    /// # Errors
    /// [`WireError`].
    pub fn was_done(self, payload: &[u8]) -> Result<Answered, WireError> {
        match self {
            Self::Direct => {
                let done = Reader::new(payload).u8("success")? != 0;
                Ok(Answered { done, size: None, bytes: Zeroizing::default(), end: false })
            }
            Self::Opened | Self::OpenedWide => self.answered(payload),
        }
    }

    /// Status, length, offset, bytes. Behind a write there is a length and no bytes.
    fn answered(self, payload: &[u8]) -> Result<Answered, WireError> {
        let mut reader = Reader::new(payload);
        let status = reader.u8("status")?;
        let length = usize::from(reader.u8("length").unwrap_or(0));
        let bytes = match reader.bytes("offset", self.offset(0).len()) {
            Ok(_) => reader.rest(),
            Err(_) => &[],
        };
        Ok(Answered {
            done: matches!(status, STATUS_OK | STATUS_END),
            size: None,
            bytes: Zeroizing::new(bytes.get(..length).unwrap_or_default().to_vec()),
            end: status == STATUS_END,
        })
    }

    fn offset(self, offset: usize) -> Vec<u8> {
        let [a, b, c, d] = wide(offset);
        match self {
            Self::Opened => vec![c, d],
            Self::Direct | Self::OpenedWide => vec![a, b, c, d],
        }
    }

    fn function(self) -> u8 {
        match self {
            Self::OpenedWide => function::EXTENDED_NVM_BACKUP_RESTORE,
            Self::Opened | Self::Direct => function::NVM_BACKUP_RESTORE,
        }
    }
}

fn wide(offset: usize) -> [u8; 4] {
    u32::try_from(offset).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stick(functions: &[u8]) -> Stick {
        Stick { functions: functions.iter().copied().collect(), ..Stick::default() }
    }

    #[test]
    fn a_memory_is_spoken_to_by_the_widest_function_that_the_stick_has() {
        assert_eq!(Access::of(&stick(&[0x2E, 0x3D])), Some(Access::OpenedWide));
        assert_eq!(Access::of(&stick(&[0x2E])), Some(Access::Opened));
        assert_eq!(Access::of(&stick(&[0x29, 0x2A, 0x2B])), Some(Access::Direct));
        assert_eq!(Access::of(&stick(&[0x29, 0x2A])), None);
    }

    #[test]
    fn reads_and_writes_are_laid_out_as_the_host_api_says() {
        assert_eq!(*Access::Direct.read(0x01_0203, 48).payload, [1, 2, 3, 0, 48]);
        assert_eq!(*Access::Direct.write(0x01_0203, &[9]).payload, [1, 2, 3, 0, 1, 9]);
        assert_eq!(*Access::Opened.read(0x0203, 48).payload, [1, 48, 2, 3]);
        assert_eq!(*Access::Opened.write(0x0203, &[9]).payload, [2, 1, 2, 3, 9]);
        assert_eq!(*Access::OpenedWide.read(0x01_0203, 48).payload, [1, 48, 0, 1, 2, 3]);
        assert_eq!(*Access::OpenedWide.write(0x01_0203, &[9]).payload, [2, 1, 0, 1, 2, 3, 9]);
        assert_eq!((Access::Opened.open().function, Access::OpenedWide.open().function), (0x2E, 0x3D));
    }

    #[test]
    fn the_size_is_told_when_it_is_opened() {
        let size = |access: Access, payload: &[u8]| access.opened(payload).unwrap().size;
        assert_eq!(size(Access::Direct, &[4, 0x1F, 0x80, 0x0F]), Some(32 * 1024));
        assert_eq!(size(Access::Opened, &[0, 0, 0xC0, 0x00]), Some(48 * 1024));
        assert_eq!(size(Access::Opened, &[0, 0, 0, 0]), Some(64 * 1024));
        assert_eq!(size(Access::OpenedWide, &[0, 1, 0, 1, 0, 0, 0x0F]), Some(64 * 1024));
        let error = Access::Direct.opened(&[4, 0x1F, 0x80, 0xFF]).unwrap_err();
        assert_eq!(error.to_string(), "size at offset 3 can't be 0xff");
    }

    #[test]
    fn what_was_read_comes_behind_status_length_and_offset() {
        let answered = Access::Opened.was_read(&[0, 2, 0, 7, 0xAA, 0xBB]).unwrap();
        assert_eq!((answered.done, answered.end, &answered.bytes[..]), (true, false, &[0xAA, 0xBB][..]));
        let answered = Access::OpenedWide.was_read(&[0xFF, 1, 0, 0, 0, 7, 0xAA]).unwrap();
        assert_eq!((answered.done, answered.end, &answered.bytes[..]), (true, true, &[0xAA][..]));
        assert!(!Access::Opened.was_done(&[1, 0, 0, 0]).unwrap().done);
        assert!(Access::Opened.was_done(&[0, 9, 0, 0]).unwrap().bytes.is_empty());
        assert!(Access::Direct.was_done(&[1]).unwrap().done && !Access::Direct.was_done(&[0]).unwrap().done);
    }
}
