//! A guest's PIN: validated once, wiped when dropped, never shown by accident.

use std::fmt;

use zeroize::Zeroizing;

/// A PIN as a guest types it: 4 to 10 decimal digits. Always text, since a leading zero counts.
///
/// There is no `Display` and no serialization: whoever must show a PIN says so by calling
/// [`Pin::expose`]. `Debug` prints neither the digits nor their number.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<String>);

/// Why a text is not a PIN. Never carries the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Shorter than [`Pin::MIN_LEN`] or longer than [`Pin::MAX_LEN`]; carries the length given.
    #[error("a PIN has {min} to {max} digits, this one has {0}", min = Pin::MIN_LEN, max = Pin::MAX_LEN)]
    Length(usize),
    /// Holds something other than the digits 0 to 9; carries the position, from 0.
    #[error("a PIN has only the digits 0 to 9; character {0} is another (counted from 0)")]
    NotADigit(usize),
}

impl Pin {
    /// Fewest digits any lock takes (Z-Wave User Code CC: 4).
    pub const MIN_LEN: usize = 4;
    /// Most digits any lock takes (Z-Wave User Code CC: 10).
    pub const MAX_LEN: usize = 10;

    /// Checks and takes a text as a PIN.
    ///
    /// # Errors
    /// [`PinError`] when it is not 4 to 10 decimal digits.
    pub fn new(text: &str) -> Result<Self, PinError> {
        if let Some(at) = text.chars().position(|c| !c.is_ascii_digit()) {
            return Err(PinError::NotADigit(at));
        }
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&text.len()) {
            return Err(PinError::Length(text.len()));
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The digits, for the lock, the vault and the answer to the host who asked; for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Number of digits.
    pub fn digits(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_zero_is_kept() {
        assert_eq!(Pin::new("0042").unwrap().expose(), "0042");
    }

    #[test]
    fn letters_and_wrong_lengths_are_refused_with_the_place() {
        assert_eq!(Pin::new("12a4"), Err(PinError::NotADigit(2)));
        assert_eq!(Pin::new("123"), Err(PinError::Length(3)));
        assert_eq!(Pin::new("12345678901"), Err(PinError::Length(11)));
        assert_eq!(Pin::new("１２３４"), Err(PinError::NotADigit(0)));
    }

    #[test]
    fn debug_tells_neither_the_digits_nor_their_number() {
        assert_eq!(format!("{:?}", Pin::new("8462").unwrap()), format!("{:?}", Pin::new("84629173").unwrap()));
    }
}
