//! Basic (0x0000): who made it (ZCL 3.2).

/// Cluster id.
pub const CLUSTER: u16 = 0x0000;

/// ZCLVersion, a number.
pub const ZCL_VERSION: u16 = 0x0000;
/// ManufacturerName, text.
pub const MANUFACTURER_NAME: u16 = 0x0004;
/// ModelIdentifier, text.
pub const MODEL_IDENTIFIER: u16 = 0x0005;
/// DateCode, text.
pub const DATE_CODE: u16 = 0x0006;
/// PowerSource, one of a list; 0x03 is a battery.
pub const POWER_SOURCE: u16 = 0x0007;
/// SWBuildID, text: the firmware's version.
pub const SW_BUILD_ID: u16 = 0x4000;
