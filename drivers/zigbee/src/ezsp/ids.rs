//! Numbers of what a stick can be asked for (UG100, section 3.2; the firmware's headers).

/// EzspConfigId.
pub mod config {
    /// Lines of the address table.
    pub const ADDRESS_TABLE_SIZE: u8 = 0x05;
    /// 2: Zigbee PRO.
    pub const STACK_PROFILE: u8 = 0x0C;
    /// 5: encrypted, 32 bits of integrity code.
    pub const SECURITY_LEVEL: u8 = 0x0D;
    /// Most hops of a message.
    pub const MAX_HOPS: u8 = 0x10;
    /// End devices that the stick can be parent of.
    pub const MAX_END_DEVICE_CHILDREN: u8 = 0x11;
    /// How long a frame is kept for a sleeping child, ms.
    pub const INDIRECT_TRANSMISSION_TIMEOUT: u8 = 0x12;
    /// After 2^n minutes of silence a child is forgotten.
    pub const END_DEVICE_POLL_TIMEOUT: u8 = 0x13;
    /// Addresses the trust centre remembers while devices join.
    pub const TRUST_CENTER_ADDRESS_CACHE_SIZE: u8 = 0x19;
    /// Lines of the source route table.
    pub const SOURCE_ROUTE_TABLE_SIZE: u8 = 0x1A;
    /// Lines of the key table.
    pub const KEY_TABLE_SIZE: u8 = 0x1E;
    /// Reports of a PAN id conflict a minute before it is acted on.
    pub const PAN_ID_CONFLICT_REPORT_THRESHOLD: u8 = 0x22;
    /// Which ZDO requests go to the host.
    pub const APPLICATION_ZDO_FLAGS: u8 = 0x2A;
    /// Networks at once.
    pub const SUPPORTED_NETWORKS: u8 = 0x2D;
    /// How long a transient key is kept, s.
    pub const TRANSIENT_KEY_TIMEOUT_S: u8 = 0x36;
    /// How long devices may rejoin with the well-known key once they were let in, s.
    pub const TC_REJOINS_USING_WELL_KNOWN_KEY_TIMEOUT_S: u8 = 0x38;
    /// Packet buffers; 0xFF for as many as there is memory. To be set last.
    pub const PACKET_BUFFER_COUNT: u8 = 0x01;
}

/// EzspValueId.
pub mod value {
    /// Whether what the stack learns is written to its memory.
    pub const STACK_TOKEN_WRITING: u8 = 0x07;
    /// EmberExtendedSecurityBitmask.
    pub const EXTENDED_SECURITY_BITMASK: u8 = 0x0A;
    /// Version of the firmware.
    pub const VERSION_INFO: u8 = 0x11;
    /// Frame counter under the network key; only while there is no network.
    pub const NWK_FRAME_COUNTER: u8 = 0x23;
    /// Frame counter under the trust centre's link key; only while there is no network.
    pub const APS_FRAME_COUNTER: u8 = 0x24;
    /// Send although the channel was busy each time.
    pub const FORCE_TX_AFTER_FAILED_CCA_ATTEMPTS: u8 = 0x3A;
    /// How long a device that joins may be silent, ms.
    pub const TRANSIENT_DEVICE_TIMEOUT: u8 = 0x43;
}

/// EzspPolicyId and the decisions for each.
pub mod policy {
    /// Who may join.
    pub const TRUST_CENTER: u8 = 0x00;
    /// Those who were here before, also without the present network key.
    pub const REJOINS_ONLY: u8 = 0x02;
    /// Everyone who knows a link key of ours.
    pub const JOINS_AND_REJOINS: u8 = 0x03;
    /// The same, but only by a link key of its own, from an install code.
    pub const OWN_KEYS_AND_REJOINS: u8 = 0x13;

    /// Who may change the stick's bindings.
    pub const BINDING_MODIFICATION: u8 = 0x01;
    /// Everyone, where endpoint and cluster exist.
    pub const VALID_BINDINGS: u8 = 0x12;

    /// What a callback repeats of a message that was sent.
    pub const MESSAGE_CONTENTS_IN_CALLBACK: u8 = 0x04;
    /// Its tag only.
    pub const TAG_ONLY: u8 = 0x40;

    /// Whether a device that asks gets a link key of its own.
    pub const TC_KEY_REQUEST: u8 = 0x05;
    /// Yes, that which belongs to its address.
    pub const SEND_CURRENT_KEY: u8 = 0x51;

    /// Whether two devices get a link key between them.
    pub const APP_KEY_REQUEST: u8 = 0x06;
    /// No.
    pub const DENY_APP_KEYS: u8 = 0x60;
}

/// EzspMfgTokenId.
pub mod mfg_token {
    /// Maker of the board.
    pub const STRING: u8 = 0x01;
    /// Name of the board.
    pub const BOARD_NAME: u8 = 0x02;
    /// An address in place of the chip's own. Can be written once.
    pub const CUSTOM_EUI_64: u8 = 0x0C;
}

/// Keys of tokens in the stick's memory (NVM3).
pub mod nv3 {
    /// An address in place of the chip's own, on sticks with a radio of their own and on radio co-processors.
    pub const RESTORED_EUI64: [u32; 2] = [0xE12A, 0x1_E12A];
    /// Channels, manager and update id of the network.
    pub const NETWORK_MANAGEMENT: u32 = 0x1_E125;
}

/// Bits of EmberInitialSecurityBitmask.
pub mod security {
    /// The trust centre has one link key for all who join.
    pub const GLOBAL_LINK_KEY: u16 = 0x0004;
    /// Each device's own link key is made from one seed and its address (with the bit above).
    pub const HASHED_LINK_KEY: u16 = 0x0084;
    /// The link key is given.
    pub const HAVE_PRECONFIGURED_KEY: u16 = 0x0100;
    /// The network key is given.
    pub const HAVE_NETWORK_KEY: u16 = 0x0200;
    /// The network key goes out encrypted only.
    pub const REQUIRE_ENCRYPTED_KEY: u16 = 0x0800;
    /// The frame counters are left as they are.
    pub const NO_FRAME_COUNTER_RESET: u16 = 0x1000;
    /// Extended bitmask: who joins uses the global link key; nobody may tell the stick to leave.
    pub const EXTENDED: u16 = 0x0110;
}

/// EmberKeyType, until version 12, and sl_zb_sec_man_key_type_t since.
pub mod key_type {
    /// The trust centre's link key, until version 12.
    pub const LEGACY_TRUST_CENTER_LINK: u8 = 0x01;
    /// The network key, until version 12.
    pub const LEGACY_NETWORK: u8 = 0x03;
    /// The network key.
    pub const NETWORK: u8 = 0x01;
    /// The trust centre's link key.
    pub const TRUST_CENTER_LINK: u8 = 0x02;
}

/// The version of EZSP in which the security manager replaced the older commands for keys.
pub const SECURITY_MANAGER_SINCE: u8 = 13;
