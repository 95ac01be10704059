//! Attribute values: a data type and its content (ZCL 2.6.2, "Data Types").

use std::fmt;

use keyway_lock::wire::Reader;

use super::ZclError;

/// The deepest nesting of arrays and structures that is followed; deeper is not read.
const DEEPEST: u8 = 3;
/// A string's length that says: there is no value.
const NO_STRING: u8 = 0xFF;
/// The same of a long string, and of an array.
const NO_LONG_STRING: u16 = 0xFFFF;

/// Which kind of value, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataType(pub u8);

impl DataType {
    /// No data at all.
    pub const NO_DATA: Self = Self(0x00);
    /// True, false, or 0xFF: neither.
    pub const BOOLEAN: Self = Self(0x10);
    /// Eight flags.
    pub const BITMAP8: Self = Self(0x18);
    /// Sixteen flags.
    pub const BITMAP16: Self = Self(0x19);
    /// Unsigned, one byte.
    pub const UINT8: Self = Self(0x20);
    /// Unsigned, two bytes.
    pub const UINT16: Self = Self(0x21);
    /// Unsigned, four bytes.
    pub const UINT32: Self = Self(0x23);
    /// Signed, four bytes.
    pub const INT32: Self = Self(0x2B);
    /// One of a list, one byte.
    pub const ENUM8: Self = Self(0x30);
    /// One of a list, two bytes.
    pub const ENUM16: Self = Self(0x31);
    /// Bytes, as many as the first says.
    pub const OCTETS: Self = Self(0x41);
    /// Text, as many bytes as the first says.
    pub const TEXT: Self = Self(0x42);
    /// Seconds since the year 2000 began, in UTC.
    pub const UTC: Self = Self(0xE2);
    /// An IEEE address.
    pub const IEEE: Self = Self(0xF0);

    /// How many bytes a value has, where that is fixed.
    fn width(self) -> Option<usize> {
        Some(match self.0 {
            0x00 | 0xFF => 0,
            // Data, bitmaps, unsigned and signed integers: one to eight bytes each.
            0x08..=0x0F | 0x18..=0x2F => usize::from(self.0 & 0x07) + 1,
            0x10 | 0x30 => 1,
            0x31 | 0x38 => 2,
            0x39 | 0xE0..=0xE2 | 0xEA => 4,
            0x3A | 0xF0 => 8,
            0xE8 | 0xE9 => 2,
            0xF1 => 16,
            _ => return None,
        })
    }

    /// Whether a change by so much can be asked for when it is to be reported (ZCL 2.6.2, "analog").
    pub fn is_analog(self) -> bool {
        matches!(self.0, 0x20..=0x2F | 0x38..=0x3A | 0xE0..=0xE2)
    }

    /// Whether a value has a sign.
    fn is_signed(self) -> bool {
        matches!(self.0, 0x28..=0x2F)
    }
}

/// A value with its type. It is kept as its bytes; strings without their length.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    kind: DataType,
    /// `None`: a string that says that it has no value.
    bytes: Option<Vec<u8>>,
}

impl Value {
    /// A boolean.
    pub fn boolean(value: bool) -> Self {
        Self::fixed(DataType::BOOLEAN, vec![value.into()])
    }

    /// A number of a type that has a fixed width of up to eight bytes; what does not fit is cut off.
    pub fn number(kind: DataType, value: u64) -> Self {
        let width = kind.width().unwrap_or(8).min(8);
        Self::fixed(kind, value.to_le_bytes().into_iter().take(width).collect())
    }

    /// Text of up to 254 bytes; what is longer is cut off.
    pub fn text(text: &str) -> Self {
        Self::fixed(DataType::TEXT, text.bytes().take(usize::from(NO_STRING) - 1).collect())
    }

    fn fixed(kind: DataType, bytes: Vec<u8>) -> Self {
        Self { kind, bytes: Some(bytes) }
    }

    /// Its type.
    pub fn kind(&self) -> DataType {
        self.kind
    }

    /// It as an unsigned number. `None`: it is none, has a sign, or says by all ones that it has no value; where all ones
    /// are meant (flags, one of a list), see [`Value::raw`].
    pub fn as_u64(&self) -> Option<u64> {
        let raw = self.raw().filter(|_| !self.kind.is_signed())?;
        let ones = self.bytes.as_ref()?.iter().all(|byte| *byte == 0xFF);
        (!ones).then_some(raw)
    }

    /// The bits of a number of up to eight bytes.
    pub fn raw(&self) -> Option<u64> {
        let bytes = self.bytes.as_ref().filter(|bytes| (1..=8).contains(&bytes.len()))?;
        self.kind.width()?;
        let mut wide = [0; 8];
        wide.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Some(u64::from_le_bytes(wide))
    }

    /// It as one byte.
    pub fn as_u8(&self) -> Option<u8> {
        self.as_u64()?.try_into().ok()
    }

    /// It as two bytes.
    pub fn as_u16(&self) -> Option<u16> {
        self.as_u64()?.try_into().ok()
    }

    /// It as four bytes.
    pub fn as_u32(&self) -> Option<u32> {
        self.as_u64()?.try_into().ok()
    }

    /// It as a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_u64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// It as text: what is no UTF-8 is replaced, and what is behind a zero byte or space at the end is left away.
    pub fn as_text(&self) -> Option<String> {
        let bytes = self.bytes.as_ref().filter(|_| matches!(self.kind.0, 0x41..=0x44))?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(bytes.get(..end)?).trim().to_owned())
    }

    /// Appends type and content.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind.0);
        self.encode_content(out);
    }

    /// Appends the content without its type.
    pub fn encode_content(&self, out: &mut Vec<u8>) {
        match (self.kind.0, &self.bytes) {
            (0x41 | 0x42, None) => out.push(NO_STRING),
            (0x43 | 0x44, None) => out.extend(NO_LONG_STRING.to_le_bytes()),
            (0x41 | 0x42, Some(bytes)) => {
                let length = u8::try_from(bytes.len()).unwrap_or(NO_STRING - 1);
                out.push(length);
                out.extend(bytes.iter().take(length.into()));
            }
            (0x43 | 0x44, Some(bytes)) => {
                let length = u16::try_from(bytes.len()).unwrap_or(NO_LONG_STRING - 1);
                out.extend(length.to_le_bytes());
                out.extend(bytes.iter().take(length.into()));
            }
            (_, bytes) => out.extend(bytes.iter().flatten()),
        }
    }

    /// Reads type and content.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let kind = DataType(reader.u8("data type")?);
        Self::decode_content(kind, reader)
    }

    /// Reads the content of a value of this type.
    ///
    /// # Errors
    /// [`ZclError`].
    pub fn decode_content(kind: DataType, reader: &mut Reader<'_>) -> Result<Self, ZclError> {
        let bytes = match kind.0 {
            0x41 | 0x42 => match reader.u8("length of a string")? {
                NO_STRING => None,
                length => Some(reader.bytes("string", length.into())?.to_vec()),
            },
            0x43 | 0x44 => match reader.u16_le("length of a long string")? {
                NO_LONG_STRING => None,
                length => Some(reader.bytes("long string", length.into())?.to_vec()),
            },
            _ => Some(content(kind, reader, DEEPEST)?),
        };
        Ok(Self { kind, bytes })
    }
}

/// The bytes of a value that is no string, or that is inside another.
fn content(kind: DataType, reader: &mut Reader<'_>, deeper: u8) -> Result<Vec<u8>, ZclError> {
    if let Some(width) = kind.width() {
        return Ok(reader.bytes("value", width)?.to_vec());
    }
    let deeper = deeper.checked_sub(1).ok_or(ZclError::UnknownType(kind.0))?;
    let mut out = Vec::new();
    match kind.0 {
        0x41..=0x44 => {
            let value = Value::decode_content(kind, reader)?;
            value.encode_content(&mut out);
        }
        // Array, set, bag: the type of all, how many, and they.
        0x48 | 0x50 | 0x51 => {
            let element = DataType(reader.u8("type of the elements")?);
            let count = reader.u16_le("number of elements")?;
            out.push(element.0);
            out.extend(count.to_le_bytes());
            for _ in 0..elements(count) {
                out.extend(content(element, reader, deeper)?);
            }
        }
        // Structure: how many, and each with its type.
        0x4C => {
            let count = reader.u16_le("number of fields")?;
            out.extend(count.to_le_bytes());
            for _ in 0..elements(count) {
                let field = DataType(reader.u8("type of a field")?);
                out.push(field.0);
                out.extend(content(field, reader, deeper)?);
            }
        }
        _ => return Err(ZclError::UnknownType(kind.0)),
    }
    Ok(out)
}

/// How many elements there are; none where the number says that there is no value.
fn elements(count: u16) -> u16 {
    if count == NO_LONG_STRING { 0 } else { count }
}

/// Strings may be codes that somebody typed (some locks report them): they are not shown.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.raw() {
            Some(raw) => write!(f, "Value({:#04x}: {raw:#x})", self.kind.0),
            None => write!(f, "Value({:#04x})", self.kind.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, ZclError> {
        Value::decode(&mut Reader::new(bytes))
    }

    #[test]
    fn numbers_are_written_and_read_with_the_width_of_their_type() {
        for (kind, value, bytes) in [
            (DataType::UINT8, 0xAE, &[0x20, 0xAE][..]),
            (DataType::BITMAP16, 0x0102, &[0x19, 2, 1]),
            (DataType::UINT32, 30, &[0x23, 30, 0, 0, 0]),
            (DataType::UTC, 7, &[0xE2, 7, 0, 0, 0]),
            (DataType::IEEE, 0x0102_0304_0506_0708, &[0xF0, 8, 7, 6, 5, 4, 3, 2, 1]),
        ] {
            let number = Value::number(kind, value);
            let mut out = Vec::new();
            number.encode(&mut out);
            assert_eq!(out, bytes);
            assert_eq!(read(bytes).map(|read| read.as_u64()), Ok(Some(value)));
        }
    }

    #[test]
    fn all_ones_say_that_there_is_no_value() {
        assert_eq!(read(&[0x20, 0xFF]).unwrap().as_u64(), None);
        assert_eq!(read(&[0x20, 0xFF]).unwrap().raw(), Some(0xFF));
        assert_eq!(read(&[0x10, 0xFF]).unwrap().as_bool(), None);
        assert_eq!(read(&[0x42, 0xFF]).unwrap().as_text(), None);
    }

    #[test]
    fn text_ends_at_a_zero_byte_and_its_type_is_kept() {
        let text = read(b"\x42\x06Yale\x00x").unwrap();
        assert_eq!(text.as_text().as_deref(), Some("Yale"));
        let mut out = Vec::new();
        Value::text("Yale").encode(&mut out);
        assert_eq!(out, b"\x42\x04Yale");
    }

    #[test]
    fn a_structure_and_an_array_are_stepped_over() {
        let structure = [0x4C, 2, 0, 0x20, 7, 0x48, 0x21, 2, 0, 1, 0, 2, 0, 0xAA];
        let mut reader = Reader::new(&structure);
        let value = Value::decode(&mut reader).unwrap();
        assert_eq!((reader.left(), value.as_u64(), value.kind()), (1, None, DataType(0x4C)));
        let mut out = Vec::new();
        value.encode(&mut out);
        assert_eq!(out, structure[..structure.len() - 1]);
    }

    #[test]
    fn what_nests_without_end_or_is_of_no_known_type_is_refused() {
        let nested = [0x48, 0x48, 1, 0, 0x48, 1, 0, 0x48, 1, 0, 0x48, 1, 0];
        assert_eq!(read(&nested), Err(ZclError::UnknownType(0x48)));
        assert_eq!(read(&[0x77, 0]), Err(ZclError::UnknownType(0x77)));
        assert!(matches!(read(&[0x41, 5, 1]), Err(ZclError::Wire(_))));
    }

    #[test]
    fn a_string_is_never_shown() {
        let shown = format!("{:?} {:?}", read(b"\x41\x044711").unwrap(), Value::number(DataType::UINT8, 174));
        assert_eq!(shown, "Value(0x41) Value(0x20: 0xae)");
    }
}
