//! Writing fields behind one another, the lowest byte first, as all of Zigbee does.

/// Something that fields are put behind.
pub(super) trait Put: Sized {
    fn u8(self, value: u8) -> Self;
    fn u16(self, value: u16) -> Self;
    fn u32(self, value: u32) -> Self;
    fn bytes(self, bytes: &[u8]) -> Self;

    /// Bytes behind their number.
    fn counted(self, bytes: &[u8]) -> Self {
        self.u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX)).bytes(bytes)
    }

    fn bool(self, value: bool) -> Self {
        self.u8(value.into())
    }
}

impl Put for Vec<u8> {
    fn u8(mut self, value: u8) -> Self {
        self.push(value);
        self
    }

    fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.extend_from_slice(bytes);
        self
    }
}
