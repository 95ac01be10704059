//! The fields of a command by name, and their bytes by a line of the [`super::table`].

use keyway_lock::wire::{Reader, WireError};
use zeroize::Zeroizing;

use super::status::Status;
use crate::address::{Ieee, Nwk};
use crate::key::Key;

/// Declares the names of all fields.
macro_rules! fields {
    ($($name:ident $text:literal,)*) => {
        /// What a field of a command means, whatever the version calls it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = $text] $name,)*
        }

        impl Field {
            /// Its name, for errors.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

fields! {
    AddressIndex "address table index",
    Alias "alias",
    ApsSequence "APS sequence",
    BindingIndex "binding index",
    Bitmask "bitmask",
    Channel "channel",
    ChannelMask "channel mask",
    ChildType "type of the child",
    Cluster "cluster",
    ConcentratorType "concentrator type",
    Counter "frame counter",
    Decision "decision",
    DeliveryFailures "delivery failure threshold",
    DerivedKey "derived key type",
    Destination "destination",
    DestinationEndpoint "destination endpoint",
    DestinationIeee "destination EUI64",
    DeviceId "device id",
    DeviceVersion "device version",
    Duration "duration",
    Endpoint "endpoint",
    Enabled "enabled",
    Error "error code",
    ExtendedPan "extended PAN id",
    ExtendedTimeout "extended timeout",
    Flags "flags",
    Group "group",
    HasAlternateKey "alternate network key set",
    HasKey "network key set",
    AlternateSequence "alternate network key sequence number",
    Id "id",
    Ieee "EUI64",
    IncomingCounter "incoming frame counter",
    Index "index",
    InputCount "input cluster count",
    Inputs "input clusters",
    IsLinkKey "link key flag",
    JoinMethod "join method",
    Joining "joining",
    Key "key",
    KeyAlgorithm "key algorithm permission",
    KeyType "key type",
    Kind "type",
    Lqi "last hop LQI",
    Manager "network manager",
    MaxHops "maximum hops",
    MaxTime "maximum time",
    Message "message",
    MinTime "minimum time",
    Mode "mode",
    NetworkIndex "network index",
    NetworkKey "network key",
    NodeType "node type",
    Nwk "node id",
    Options "options",
    OutgoingCounter "outgoing frame counter",
    OutputCount "output cluster count",
    Outputs "output clusters",
    Pan "PAN id",
    Parent "parent",
    Power "power",
    Profile "profile",
    ProtocolVersion "protocol version",
    Radius "radius",
    Relays "relays",
    RemainingTime "remaining time",
    RouteErrors "route error threshold",
    Rssi "last hop RSSI",
    Sequence "sequence",
    SourceEndpoint "source endpoint",
    StackType "stack type",
    StackVersion "stack version",
    State "state",
    Status "status",
    Tag "message tag",
    Target "target",
    Timeout "timeout",
    Timestamp "timestamp",
    Token "token",
    UpdateId "update id",
    Value "value",
}

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One byte.
    U8,
    /// Two bytes, the lowest first.
    U16,
    /// Four bytes, the lowest first.
    U32,
    /// Eight bytes, the lowest first.
    Ieee,
    /// Sixteen bytes.
    Key,
    /// A status: one byte of EmberStatus or EzspStatus before version 14, then four of sl_status.
    Status,
    /// Four bytes of sl_status in every version: what came with the security manager.
    WideStatus,
    /// A length in one byte, and so many bytes.
    Bytes,
    /// A length in four bytes, and so many bytes.
    LongBytes,
    /// A count in one byte, and so many words.
    CountedWords,
    /// As many words as that field, which stands before, says.
    Words(Field),
}

/// A part of a layout.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    /// A field.
    One(Field, Kind),
    /// A number that is always this one, and that nobody asks for.
    Fixed(Field, Kind, u32),
    /// A structure.
    All(&'static [Self]),
    /// Bytes that are left out where the field before them, the status, is not OK.
    IfOk(&'static [Self]),
}

/// A value of a field.
#[derive(Clone, PartialEq, Eq)]
enum Value {
    Number(u64),
    Bytes(Zeroizing<Vec<u8>>),
    Words(Vec<u16>),
}

/// The fields of one command, answer or callback. May hold keys and PINs: `Debug` shows the names only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fields(Vec<(Field, Value)>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a number.
    #[must_use]
    pub fn with(self, field: Field, number: impl Into<u64>) -> Self {
        self.and(field, Value::Number(number.into()))
    }

    /// With an address.
    #[must_use]
    pub fn with_ieee(self, field: Field, ieee: Ieee) -> Self {
        self.and(field, Value::Number(ieee.0))
    }

    /// With a status.
    #[must_use]
    pub fn with_status(self, status: Status) -> Self {
        self.and(Field::Status, Value::Number(status.0.into()))
    }

    /// With a key.
    #[must_use]
    pub fn with_key(self, field: Field, key: &Key) -> Self {
        self.with_bytes(field, key.expose())
    }

    /// With bytes.
    #[must_use]
    pub fn with_bytes(self, field: Field, bytes: &[u8]) -> Self {
        self.and(field, Value::Bytes(Zeroizing::new(bytes.to_vec())))
    }

    /// With words.
    #[must_use]
    pub fn with_words(self, field: Field, words: &[u16]) -> Self {
        self.and(field, Value::Words(words.to_vec()))
    }

    /// A number; 0 where there is none.
    pub fn number(&self, field: Field) -> u64 {
        match self.get(field) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// A number of one byte.
    pub fn u8(&self, field: Field) -> u8 {
        self.number(field) as u8
    }

    /// A number of two bytes.
    pub fn u16(&self, field: Field) -> u16 {
        self.number(field) as u16
    }

    /// A number of four bytes.
    pub fn u32(&self, field: Field) -> u32 {
        self.number(field) as u32
    }

    /// An address for life.
    pub fn ieee(&self, field: Field) -> Ieee {
        Ieee(self.number(field))
    }

    /// A network address.
    pub fn nwk(&self, field: Field) -> Nwk {
        Nwk(self.u16(field))
    }

    /// The status; OK where there is none.
    pub fn status(&self) -> Status {
        Status(self.u32(Field::Status))
    }

    /// Bytes; none where there are none.
    pub fn bytes(&self, field: Field) -> &[u8] {
        match self.get(field) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    /// A key, where the field is one.
    pub fn key(&self, field: Field) -> Option<Key> {
        self.bytes(field).try_into().ok().map(Key::new)
    }

    /// Words; none where there are none.
    pub fn words(&self, field: Field) -> &[u16] {
        match self.get(field) {
            Some(Value::Words(words)) => words,
            _ => &[],
        }
    }

    fn get(&self, field: Field) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    fn and(mut self, field: Field, value: Value) -> Self {
        self.0.retain(|(name, _)| *name != field);
        self.0.push((field, value));
        self
    }

    /// Their bytes. What is not there is written as zero, what the layout has not is passed over.
    pub(super) fn encode(&self, version: u8, items: &[Item], out: &mut Vec<u8>) {
        for item in items {
            match *item {
                Item::One(field, kind) => self.encode_one(version, field, kind, out),
                Item::Fixed(field, kind, number) => {
                    Self::new().with(field, number).encode_one(version, field, kind, out);
                }
                Item::All(items) => self.encode(version, items, out),
                Item::IfOk(items) if self.status().is_ok() => self.encode(version, items, out),
                Item::IfOk(_) => {}
            }
        }
    }

    fn encode_one(&self, version: u8, field: Field, kind: Kind, out: &mut Vec<u8>) {
        let number = self.number(field);
        match kind {
            Kind::U8 => out.push(number as u8),
            Kind::U16 => out.extend((number as u16).to_le_bytes()),
            Kind::U32 | Kind::WideStatus => out.extend((number as u32).to_le_bytes()),
            Kind::Ieee => out.extend(number.to_le_bytes()),
            Kind::Key => {
                let bytes = self.bytes(field);
                out.extend((0..Key::LEN).map(|at| bytes.get(at).copied().unwrap_or_default()));
            }
            Kind::Status if version < Status::WIDE_SINCE => out.push(Status(number as u32).to_legacy()),
            Kind::Status => out.extend((number as u32).to_le_bytes()),
            Kind::Bytes => {
                let bytes = self.bytes(field);
                let length = bytes.len().min(usize::from(u8::MAX));
                out.push(length as u8);
                out.extend(&bytes[..length]);
            }
            Kind::LongBytes => {
                let bytes = self.bytes(field);
                out.extend((bytes.len() as u32).to_le_bytes());
                out.extend(bytes);
            }
            Kind::CountedWords => {
                let words = self.words(field);
                out.push(words.len() as u8);
                out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            }
            Kind::Words(_) => out.extend(self.words(field).iter().flat_map(|word| word.to_le_bytes())),
        }
    }

    /// Reads them. What stands behind the last one is passed over: newer firmware adds fields there.
    pub(super) fn decode(mut self, version: u8, items: &[Item], reader: &mut Reader<'_>) -> Result<Self, WireError> {
        for item in items {
            match *item {
                Item::One(field, kind) | Item::Fixed(field, kind, _) => {
                    let value = self.decode_one(version, field, kind, reader)?;
                    self = self.and(field, value);
                }
                Item::All(items) => self = self.decode(version, items, reader)?,
                Item::IfOk(items) if self.status().is_ok() => self = self.decode(version, items, reader)?,
                Item::IfOk(_) => {}
            }
        }
        Ok(self)
    }

    fn decode_one(&self, version: u8, field: Field, kind: Kind, reader: &mut Reader<'_>) -> Result<Value, WireError> {
        let name = field.name();
        Ok(match kind {
            Kind::U8 => Value::Number(reader.u8(name)?.into()),
            Kind::U16 => Value::Number(reader.u16_le(name)?.into()),
            Kind::Status if version < Status::WIDE_SINCE => {
                Value::Number(Status::from_legacy(reader.u8(name)?).0.into())
            }
            Kind::U32 | Kind::Status | Kind::WideStatus => {
                Value::Number(u32::from_le_bytes(reader.array(name)?).into())
            }
            Kind::Ieee => Value::Number(u64::from_le_bytes(reader.array(name)?)),
            Kind::Key => Value::Bytes(Zeroizing::new(reader.bytes(name, Key::LEN)?.to_vec())),
            Kind::Bytes => {
                let length = usize::from(reader.u8(name)?);
                Value::Bytes(Zeroizing::new(reader.bytes(name, length)?.to_vec()))
            }
            Kind::LongBytes => {
                let length = u32::from_le_bytes(reader.array(name)?) as usize;
                Value::Bytes(Zeroizing::new(reader.bytes(name, length)?.to_vec()))
            }
            Kind::CountedWords => {
                let count = usize::from(reader.u8(name)?);
                Value::Words(words(reader, name, count)?)
            }
            Kind::Words(count) => Value::Words(words(reader, name, usize::from(self.u8(count)))?),
        })
    }
}

fn words(reader: &mut Reader<'_>, name: &'static str, count: usize) -> Result<Vec<u16>, WireError> {
    (0..count).map(|_| reader.u16_le(name)).collect()
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(field, _)| field)).finish()
    }
}

#[cfg(test)]
mod tests;
