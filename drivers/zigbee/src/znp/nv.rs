//! What stands in the stick's memory, as far as it makes the stick the coordinator of its network: items by number, and
//! their bytes as the compiler for 32-bit chips lays them out (Z-Stack 3.x.0; read beside zigpy-znp).

use keyway_lock::wire::{Reader, WireError};

use crate::address::{Ieee, Nwk};
use crate::coordinator::{NetworkInfo, NetworkParameters};
use crate::key::Key;

/// Numbers of items.
pub mod id {
    /// The stick's own address.
    pub const EXTADDR: u16 = 0x0001;
    /// What is forgotten at the next start.
    pub const STARTUP_OPTION: u16 = 0x0003;
    /// The network information base.
    pub const NIB: u16 = 0x0021;
    /// Long name of the network.
    pub const EXTENDED_PAN_ID: u16 = 0x002D;
    /// Many-to-one routes lead to the stick.
    pub const CONCENTRATOR_ENABLE: u16 = 0x0032;
    /// How often they are renewed, s.
    pub const CONCENTRATOR_DISCOVERY: u16 = 0x0033;
    /// Routes from the stick are remembered.
    pub const CONCENTRATOR_RC: u16 = 0x0036;
    /// The network key, and that before or after it.
    pub const NWK_ACTIVE_KEY_INFO: u16 = 0x003A;
    /// See above.
    pub const NWK_ALTERN_KEY_INFO: u16 = 0x003B;
    /// Long name of the network to form.
    pub const APS_USE_EXT_PANID: u16 = 0x0047;
    /// Which device has which line of the table of link keys.
    pub const APS_LINK_KEY_TABLE: u16 = 0x004C;
    /// 1: there is a network.
    pub const BDB_NODE_IS_ON_A_NETWORK: u16 = 0x0055;
    /// 0x55: a host has set the stick up. zigpy and Zigbee2MQTT look at it too.
    pub const HAS_CONFIGURED: u16 = 0x0060;
    /// The network key to form with.
    pub const PRECFGKEY: u16 = 0x0062;
    /// Whether devices are to have the network key from the factory.
    pub const PRECFGKEYS_ENABLE: u16 = 0x0063;
    /// Short name of the network to form.
    pub const PANID: u16 = 0x0083;
    /// Channels to form on.
    pub const CHANLIST: u16 = 0x0084;
    /// 0: coordinator.
    pub const LOGICAL_TYPE: u16 = 0x0087;
    /// ZDO messages go to the host.
    pub const ZDO_DIRECT_CB: u16 = 0x008F;
    /// What the devices' own link keys are made from.
    pub const TCLK_SEED: u16 = 0x0101;
}

/// Numbers of tables, whose lines are items of their own.
pub mod table {
    /// Who has which network address.
    pub const ADDRESSES: u16 = 0x0001;
    /// Link keys made from the seed.
    pub const SEEDED_KEYS: u16 = 0x0004;
    /// Other link keys.
    pub const KEYS: u16 = 0x0006;
    /// Frame counters by network.
    pub const COUNTERS: u16 = 0x0007;

    /// Bytes of a line.
    pub fn line_length(table: u16) -> u8 {
        match table {
            SEEDED_KEYS => 20,
            KEYS => 24,
            _ => 12,
        }
    }
}

/// The network information base, of which the rest stays as the stick has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nib(Vec<u8>);

impl Nib {
    const LENGTH: usize = 116;
    const CHANNEL: usize = 24;
    const PAN: usize = 36;
    const CHANNELS: usize = 40;
    const EXTENDED_PAN: usize = 57;
    const HAS_KEY: usize = 65;
    const UPDATE_ID: usize = 114;

    /// Takes the item's bytes; `None`: the stick has another kind of memory.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::LENGTH).then(|| Self(bytes.to_vec()))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its network; `None`: it has none, or has not yet settled on one.
    pub fn network(&self) -> Option<NetworkInfo> {
        let mut extended_pan = [0; 8];
        extended_pan.copy_from_slice(&self.0[Self::EXTENDED_PAN..Self::EXTENDED_PAN + 8]);
        let network = NetworkInfo {
            pan: u16::from_le_bytes([self.0[Self::PAN], self.0[Self::PAN + 1]]),
            extended_pan: Ieee::from_bytes(extended_pan),
            channel: self.0[Self::CHANNEL],
            update_id: self.0[Self::UPDATE_ID],
        };
        let is_settled = self.0[Self::HAS_KEY] != 0 && (11..=26).contains(&network.channel) && network.pan < 0xFFFE;
        is_settled.then_some(network)
    }

    /// With another network.
    #[must_use]
    pub fn with(mut self, network: &NetworkParameters, update_id: u8) -> Self {
        self.0[Self::CHANNEL] = network.channel;
        self.0[Self::PAN..Self::PAN + 2].copy_from_slice(&network.pan.to_le_bytes());
        self.0[Self::CHANNELS..Self::CHANNELS + 4].copy_from_slice(&channels(network.channel));
        self.0[Self::EXTENDED_PAN..Self::EXTENDED_PAN + 8].copy_from_slice(&network.extended_pan.to_bytes());
        self.0[Self::UPDATE_ID] = update_id;
        self
    }
}

/// A mask of one channel.
pub fn channels(channel: u8) -> [u8; 4] {
    1_u32.checked_shl(channel.into()).unwrap_or_default().to_le_bytes()
}

/// A line of the table of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressLine {
    /// Whether it is a child of the stick.
    pub is_child: bool,
    /// Whether it has a link key.
    pub has_key: bool,
    /// Its address in the network.
    pub nwk: Nwk,
    /// Its address for life.
    pub ieee: Ieee,
}

impl AddressLine {
    const CHILD: u8 = 0x01;
    const SECURITY: u8 = 0x02;
    /// No address in the network is known.
    pub const NO_NWK: Nwk = Nwk(0xFFFE);

    /// A line without a device.
    pub fn empty() -> [u8; 12] {
        [0xFF; 12]
    }

    /// Reads a line; `None`: of no device that concerns the network.
    ///
    /// # Errors
    /// [`WireError`] naming the field.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, WireError> {
        let mut reader = Reader::new(bytes);
        let user = reader.u8("user")?;
        reader.u8("padding")?;
        let line = Self {
            is_child: user & Self::CHILD != 0,
            has_key: user & Self::SECURITY != 0,
            nwk: Nwk(reader.u16_le("network address")?),
            ieee: Ieee::from_bytes(reader.array("IEEE address")?),
        };
        let is_device = user != 0xFF && (line.is_child || line.has_key) && line.ieee.is_real();
        Ok(is_device.then_some(line))
    }

    /// Its bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        let child = if self.is_child { Self::CHILD } else { 0 };
        let user = child | if self.has_key { Self::SECURITY } else { 0 };
        let mut bytes = vec![user, 0xFF];
        bytes.extend(self.nwk.0.to_le_bytes());
        bytes.extend(self.ieee.to_bytes());
        bytes
    }
}

/// A line of the table of link keys that are made from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeededKeyLine {
    /// Last counter sent.
    pub sent: u32,
    /// Last counter received.
    pub received: u32,
    /// Whose key.
    pub ieee: Ieee,
    /// By how many bytes the seed is turned.
    pub shift: u8,
}

impl SeededKeyLine {
    const VERIFIED: u8 = 0x02;

    /// Reads a line; `None`: it is empty.
    ///
    /// # Errors
    /// [`WireError`] naming the field.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, WireError> {
        let mut reader = Reader::new(bytes);
        let sent = u32::from_le_bytes(reader.array("sent counter")?);
        let received = u32::from_le_bytes(reader.array("received counter")?);
        let ieee = Ieee::from_bytes(reader.array("IEEE address")?);
        reader.bytes("attributes", 2)?;
        let line = Self { sent, received, ieee, shift: reader.u8("shift")? };
        Ok(ieee.is_real().then_some(line))
    }

    /// Its bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.sent.to_le_bytes().to_vec();
        bytes.extend(self.received.to_le_bytes());
        bytes.extend(self.ieee.to_bytes());
        bytes.extend([Self::VERIFIED, 0x00, self.shift, 0x00]);
        bytes
    }
}

/// The link key that is made from the seed: the seed turned, and the address twice, exclusive-ored.
pub fn seeded_key(seed: &Key, ieee: Ieee, shift: u8) -> Key {
    let address = ieee.to_bytes();
    let mut key = *seed.expose();
    key.rotate_left(usize::from(shift) % Key::LEN);
    for (byte, address) in key.iter_mut().zip(address.iter().cycle()) {
        *byte ^= address;
    }
    Key::new(key)
}

/// How the seed must be turned to make this key, if it can be.
pub fn shift_of(seed: &Key, ieee: Ieee, key: &Key) -> Option<u8> {
    (0..Key::LEN as u8).find(|shift| seeded_key(seed, ieee, *shift) == *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        let byte = |at: usize| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap();
        Key::new(std::array::from_fn(byte))
    }

    #[test]
    fn link_keys_are_made_from_the_seed_as_in_a_backup_of_zigbee2mqtt() {
        // Seed, device and key of zigbee-herdsman's tests.
        let seed = key("928a2c479e72a9a53e3b5133fc55021f");
        let ieee = Ieee(0x04CF_8CDF_3C79_455F);
        let device = key("0e768569dd935d8e7302e74e7629f13f");
        let shift = shift_of(&seed, ieee, &device).unwrap();
        assert_eq!(seeded_key(&seed, ieee, shift), device);
        assert_eq!(shift_of(&seed, ieee, &Key::well_known()), None);
    }

    #[test]
    fn the_network_stands_where_the_compiler_of_the_chip_puts_it() {
        // Offsets as zigpy-znp computes them for aligned structures.
        let mut bytes = [0; 116];
        (bytes[24], bytes[36], bytes[37], bytes[65], bytes[114]) = (15, 0x2B, 0x1A, 1, 7);
        bytes[57..65].copy_from_slice(&[0x44, 0x33, 0x22, 0x11, 0xDD, 0xDD, 0xDD, 0xDD]);
        let nib = Nib::new(&bytes).unwrap();
        let extended_pan = Ieee(0xDDDD_DDDD_1122_3344);
        assert_eq!(nib.network(), Some(NetworkInfo { pan: 0x1A2B, extended_pan, channel: 15, update_id: 7 }));
        let other =
            NetworkParameters { pan: 0x0102, extended_pan: Ieee(1), channel: 20, network_key: Key::well_known() };
        let network = nib.with(&other, 9).network().unwrap();
        assert_eq!((network.pan, network.extended_pan, network.channel, network.update_id), (0x0102, Ieee(1), 20, 9));
        assert_eq!(Nib::new(&[0; 116]).unwrap().network(), None);
        assert_eq!(Nib::new(&[0; 110]), None);
    }

    #[test]
    fn lines_of_tables_are_read_as_they_are_written() {
        let ieee = Ieee(0x000D_6F00_0A0B_0C01);
        let address = AddressLine { is_child: true, has_key: true, nwk: Nwk(0x1234), ieee };
        assert_eq!(address.to_bytes(), [3, 0xFF, 0x34, 0x12, 1, 0x0C, 0x0B, 0x0A, 0, 0x6F, 0x0D, 0]);
        assert_eq!(AddressLine::read(&address.to_bytes()), Ok(Some(address)));
        assert_eq!(AddressLine::read(&AddressLine::empty()), Ok(None));
        let key = SeededKeyLine { sent: 5, received: 6, ieee, shift: 3 };
        assert_eq!(SeededKeyLine::read(&key.to_bytes()), Ok(Some(key)));
        assert_eq!(SeededKeyLine::read(&[0; 20]), Ok(None));
        assert!(SeededKeyLine::read(&[0; 4]).is_err());
    }
}
