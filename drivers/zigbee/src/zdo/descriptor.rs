//! What a device says of itself (Zigbee R22 section 2.3.2).

use keyway_lock::wire::Reader;

use super::ZdoError;

/// What kind of device it is on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogicalType {
    /// The one that formed it.
    Coordinator,
    /// One that carries the frames of others.
    Router,
    /// One that has a parent.
    EndDevice,
    /// Something that nobody defined.
    Other(u8),
}

impl LogicalType {
    fn of(number: u8) -> Self {
        match number & 0x07 {
            0 => Self::Coordinator,
            1 => Self::Router,
            2 => Self::EndDevice,
            other => Self::Other(other),
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Coordinator => 0,
            Self::Router => 1,
            Self::EndDevice => 2,
            Self::Other(other) => other & 0x07,
        }
    }
}

/// MAC capability flags, as devices announce themselves with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capability(pub u8);

impl Capability {
    const FULL_FUNCTION: u8 = 0x02;
    const MAINS: u8 = 0x04;
    const RECEIVER_ON: u8 = 0x08;

    /// It can carry the frames of others.
    pub fn is_router(self) -> bool {
        self.0 & Self::FULL_FUNCTION != 0
    }

    /// It has power from the wall.
    pub fn is_mains_powered(self) -> bool {
        self.0 & Self::MAINS != 0
    }

    /// Its receiver is off while it is idle: it fetches its frames from its parent.
    pub fn is_sleepy(self) -> bool {
        self.0 & Self::RECEIVER_ON == 0
    }
}

/// Node descriptor (2.3.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeDescriptor {
    /// What kind of device it is.
    pub logical_type: LogicalType,
    /// Its radio.
    pub capability: Capability,
    /// Its maker, as the alliance numbers them.
    pub manufacturer: u16,
    /// The longest frame it takes in one piece, in bytes.
    pub buffer_size: u8,
    /// The longest message it takes in several.
    pub incoming_size: u16,
    /// What it serves for the network; the upper seven bits are the revision of the stack it keeps to.
    pub server_mask: u16,
    /// The longest message it sends in several frames.
    pub outgoing_size: u16,
}

impl NodeDescriptor {
    /// Flags: the 2.4 GHz band.
    const BAND: u8 = 0x40;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.logical_type.number(), Self::BAND, self.capability.0]);
        out.extend(self.manufacturer.to_le_bytes());
        out.push(self.buffer_size);
        out.extend(self.incoming_size.to_le_bytes());
        out.extend(self.server_mask.to_le_bytes());
        out.extend(self.outgoing_size.to_le_bytes());
        out.push(0);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZdoError> {
        let logical_type = LogicalType::of(reader.u8("logical type")?);
        reader.u8("frequency band")?;
        Ok(Self {
            logical_type,
            capability: Capability(reader.u8("MAC capability flags")?),
            manufacturer: reader.u16_le("manufacturer code")?,
            buffer_size: reader.u8("maximum buffer size")?,
            incoming_size: reader.u16_le("maximum incoming transfer size")?,
            server_mask: reader.u16_le("server mask")?,
            // Old devices end here.
            outgoing_size: reader.u16_le("maximum outgoing transfer size").unwrap_or(0),
        })
    }
}

/// Power descriptor (2.3.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerDescriptor {
    /// How its receiver is: 0 on, 1 on now and then, 2 on when somebody does something.
    pub mode: u8,
    /// Flags: 0x1 mains, 0x2 rechargeable battery, 0x4 battery.
    pub available: u8,
    /// The one in use, as a flag.
    pub current: u8,
    /// 0 critical, 4, 8, 12 full.
    pub level: u8,
}

impl PowerDescriptor {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.mode & 0x0F | self.available << 4);
        out.push(self.current & 0x0F | self.level << 4);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZdoError> {
        let (first, second) = (reader.u8("power mode and sources")?, reader.u8("power source and level")?);
        Ok(Self { mode: first & 0x0F, available: first >> 4, current: second & 0x0F, level: second >> 4 })
    }
}

/// Simple descriptor (2.3.2.5): one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleDescriptor {
    /// Which endpoint.
    pub endpoint: u8,
    /// Its profile.
    pub profile: u16,
    /// What it is in that profile.
    pub device_type: u16,
    /// Which version of that.
    pub device_version: u8,
    /// The clusters it has.
    pub input: Vec<u16>,
    /// The clusters it uses.
    pub output: Vec<u16>,
}

impl SimpleDescriptor {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.endpoint);
        out.extend(self.profile.to_le_bytes());
        out.extend(self.device_type.to_le_bytes());
        out.push(self.device_version & 0x0F);
        for list in [&self.input, &self.output] {
            out.push(u8::try_from(list.len()).unwrap_or(u8::MAX));
            list.iter().take(usize::from(u8::MAX)).for_each(|cluster| out.extend(cluster.to_le_bytes()));
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ZdoError> {
        Ok(Self {
            endpoint: reader.u8("endpoint")?,
            profile: reader.u16_le("profile")?,
            device_type: reader.u16_le("device type")?,
            device_version: reader.u8("device version")? & 0x0F,
            input: clusters(reader)?,
            output: clusters(reader)?,
        })
    }
}

/// A counted list of clusters.
pub(super) fn clusters(reader: &mut Reader<'_>) -> Result<Vec<u16>, ZdoError> {
    let count = reader.u8("number of clusters")?;
    (0..count).map(|_| Ok(reader.u16_le("cluster")?)).collect()
}
