//! Function ids of the Serial API that Keyway speaks, under their names in the host API specification.

/// Node list, API version, chip.
pub const GET_INIT_DATA: u8 = 0x02;
/// What the controller says of itself in its node information frame.
pub const SET_APPLICATION_NODE_INFORMATION: u8 = 0x03;
/// A command class came in, on a classic controller.
pub const APPLICATION_COMMAND_HANDLER: u8 = 0x04;
/// Primary, secondary, SUC, SIS.
pub const GET_CONTROLLER_CAPABILITIES: u8 = 0x05;
/// Which functions the stick has.
pub const GET_CAPABILITIES: u8 = 0x07;
/// Restarts the stick, keeping its network.
pub const SOFT_RESET: u8 = 0x08;
/// Protocol version.
pub const GET_PROTOCOL_VERSION: u8 = 0x09;
/// The stick has started.
pub const STARTED: u8 = 0x0A;
/// Settings of the Serial API itself; see [`setup`].
pub const SETUP: u8 = 0x0B;
/// Turns the receiver on or off.
pub const SET_RECEIVE_MODE: u8 = 0x10;
/// Sends a command class to a node.
pub const SEND_DATA: u8 = 0x13;
/// Library version and type.
pub const GET_LIBRARY_VERSION: u8 = 0x15;
/// Gives up the send in flight.
pub const SEND_DATA_ABORT: u8 = 0x16;
/// Home id and own node id.
pub const MEMORY_GET_ID: u8 = 0x20;
/// What memory a stick of the 500 series has.
pub const NVM_GET_ID: u8 = 0x29;
/// Reads from the memory of a 500 series stick.
pub const NVM_EXT_READ_LONG_BUFFER: u8 = 0x2A;
/// Writes to the memory of a 500 series stick.
pub const NVM_EXT_WRITE_LONG_BUFFER: u8 = 0x2B;
/// Opens, reads, writes and closes the memory of a stick of the 700 series or later, up to 64 KiB.
pub const NVM_BACKUP_RESTORE: u8 = 0x2E;
/// The same for memories of any size.
pub const EXTENDED_NVM_BACKUP_RESTORE: u8 = 0x3D;
/// What the stick remembers of a node.
pub const GET_NODE_PROTOCOL_INFO: u8 = 0x41;
/// Forgets the network, and begins a new one.
pub const SET_DEFAULT: u8 = 0x42;
/// Gives a node ways to another one.
pub const ASSIGN_RETURN_ROUTE: u8 = 0x46;
/// Takes all such ways from a node.
pub const DELETE_RETURN_ROUTE: u8 = 0x47;
/// Has a node look for its neighbours.
pub const REQUEST_NODE_NEIGHBOR_UPDATE: u8 = 0x48;
/// A node said something about itself or the network.
pub const APPLICATION_UPDATE: u8 = 0x49;
/// Adds a node.
pub const ADD_NODE_TO_NETWORK: u8 = 0x4A;
/// Removes a node.
pub const REMOVE_NODE_FROM_NETWORK: u8 = 0x4B;
/// Lets another controller take this stick into its network or out of it.
pub const SET_LEARN_MODE: u8 = 0x50;
/// Gives a node ways to the controller that the network asks (SUC).
pub const ASSIGN_SUC_RETURN_ROUTE: u8 = 0x51;
/// Takes those ways from a node.
pub const DELETE_SUC_RETURN_ROUTE: u8 = 0x55;
/// Asks a node for its node information frame.
pub const REQUEST_NODE_INFO: u8 = 0x60;
/// Takes a node out that does not answer.
pub const REMOVE_FAILED_NODE: u8 = 0x61;
/// Puts a new node in the place of one that does not answer.
pub const REPLACE_FAILED_NODE: u8 = 0x63;
/// A command class came in, on a bridge controller.
pub const BRIDGE_APPLICATION_COMMAND_HANDLER: u8 = 0xA8;
/// Sends a command class to a node, on a bridge controller.
pub const SEND_DATA_BRIDGE: u8 = 0xA9;
/// Nodes that speak Z-Wave Long Range.
pub const GET_LONG_RANGE_NODES: u8 = 0xDA;

/// Sub-commands of [`SETUP`].
pub mod setup {
    /// Which sub-commands there are.
    pub const GET_SUPPORTED_COMMANDS: u8 = 0x01;
    /// Transmit reports behind each send's callback.
    pub const SET_TX_STATUS_REPORT: u8 = 0x02;
    /// The power of its radio, in tenths of a dBm, 8 bits wide.
    pub const GET_POWERLEVEL: u8 = 0x08;
    /// Most bytes in one send.
    pub const GET_MAXIMUM_PAYLOAD_SIZE: u8 = 0x10;
    /// The power of its radio, in tenths of a dBm, 16 bits wide.
    pub const GET_POWERLEVEL_16: u8 = 0x13;
    /// Region of the radio.
    pub const GET_RF_REGION: u8 = 0x20;
    /// Sets the region of the radio; in force after a restart.
    pub const SET_RF_REGION: u8 = 0x40;
    /// Width of node ids in all frames from then on: 1 = 8 bits, 2 = 16 bits.
    pub const SET_NODE_ID_TYPE: u8 = 0x80;
}
