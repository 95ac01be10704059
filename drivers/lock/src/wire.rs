//! Reading and writing bytes with errors that name the offset.

/// A frame ended before, or went on after, what it had to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Too short.
    #[error("{field} at offset {offset} needs {needed} byte(s), {left} left")]
    Short {
        /// The field being read.
        field: &'static str,
        /// Where it would begin, from the start of what the reader was given.
        offset: usize,
        /// How many bytes it has.
        needed: usize,
        /// How many there are.
        left: usize,
    },
    /// A value nobody defined, where that can't be passed over.
    #[error("{field} at offset {offset} can't be {value:#04x}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// Where it is.
        offset: usize,
        /// What it was.
        value: u32,
    },
}

/// Reads fields one after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at offset 0.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn bytes(&mut self, field: &'static str, n: usize) -> Result<&'a [u8], WireError> {
        let short = WireError::Short { field, offset: self.at, needed: n, left: self.left() };
        let taken = self.bytes.get(self.at..self.at.saturating_add(n)).ok_or(short)?;
        self.at += n;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(field, N)?);
        Ok(out)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// Two bytes, most significant first (Z-Wave).
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u16_be(&mut self, field: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    /// Two bytes, least significant first (Zigbee).
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array(field)?))
    }

    /// Four bytes, most significant first.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u32_be(&mut self, field: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    /// The next byte without taking it.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    /// The error for the byte just read holding an impossible value.
    pub fn invalid(&self, field: &'static str, value: impl Into<u32>) -> WireError {
        WireError::Invalid { field, offset: self.at.saturating_sub(1), value: value.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_field_is_named_with_its_offset() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16_be("id"), Ok(0x0102));
        assert_eq!(reader.u16_be("count"), Err(WireError::Short { field: "count", offset: 2, needed: 2, left: 1 }));
        assert_eq!(reader.rest(), &[3]);
    }
}
