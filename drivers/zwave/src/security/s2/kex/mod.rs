//! The key exchange of a node that joins (CC:009F, "S2 bootstrapping"): its commands, and the including side.

mod including;

pub use including::{Including, KexOutput, Terms};

use keyway_lock::wire::Reader;
use zeroize::Zeroizing;

use super::CLASS;
use super::keys::PublicKey;
use crate::cc::{CcError, command_of};
use crate::security::{NetworkKey, SecurityClass};

const GET: u8 = 0x04;
const REPORT: u8 = 0x05;
const SET: u8 = 0x06;
const FAIL: u8 = 0x07;
const PUBLIC_KEY_REPORT: u8 = 0x08;
const NETWORK_KEY_GET: u8 = 0x09;
const NETWORK_KEY_REPORT: u8 = 0x0A;
const NETWORK_KEY_VERIFY: u8 = 0x0B;
const TRANSFER_END: u8 = 0x0C;

const ECHO: u8 = 0x01;
const CLIENT_SIDE_AUTHENTICATION: u8 = 0x02;
/// KEX scheme 1, the only one there is.
const SCHEME_1: u8 = 0x02;
/// Curve25519, the only ECDH profile there is.
const CURVE25519: u8 = 0x01;
const INCLUDING: u8 = 0x01;
const KEY_VERIFIED: u8 = 0x02;
const KEY_REQUEST_COMPLETE: u8 = 0x01;

/// What is offered or chosen (KEX Report, KEX Set). Kept byte for byte, since it is echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KexParameters {
    /// Echo (bit 0), client-side authentication (bit 1), reserved.
    pub flags: u8,
    /// KEX schemes, one bit each.
    pub schemes: u8,
    /// ECDH profiles, one bit each.
    pub profiles: u8,
    /// Keys, one bit each.
    pub keys: u8,
}

impl KexParameters {
    /// Scheme 1 on Curve25519, for these keys.
    pub fn new(classes: &[SecurityClass]) -> Self {
        let keys = classes.iter().fold(0, |keys, class| keys | bit_of(*class));
        Self { flags: 0, schemes: SCHEME_1, profiles: CURVE25519, keys }
    }

    /// The same as an echo.
    pub fn echo(self) -> Self {
        Self { flags: self.flags | ECHO, ..self }
    }

    /// Whether it is an echo.
    pub fn is_echo(self) -> bool {
        self.flags & ECHO != 0
    }

    /// Whether the joining node wants to check the including one.
    pub fn wants_client_side_authentication(self) -> bool {
        self.flags & CLIENT_SIDE_AUTHENTICATION != 0
    }

    /// The classes whose keys are named, weakest first.
    pub fn classes(self) -> Vec<SecurityClass> {
        let all = [
            SecurityClass::S0,
            SecurityClass::S2Unauthenticated,
            SecurityClass::S2Authenticated,
            SecurityClass::S2AccessControl,
        ];
        all.into_iter().filter(|class| self.keys & bit_of(*class) != 0).collect()
    }
}

/// Why an exchange is given up (CC:009F, "KEX Fail Type").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum KexFail {
    /// KEX_FAIL_KEX_KEY: no key that was asked for is granted.
    Key = 0x01,
    /// KEX_FAIL_KEX_SCHEME: no scheme in common.
    Scheme = 0x02,
    /// KEX_FAIL_KEX_CURVES: no curve in common.
    Curves = 0x03,
    /// KEX_FAIL_DECRYPT: a message can't be opened.
    Decrypt = 0x05,
    /// KEX_FAIL_CANCEL: the user said so.
    Cancel = 0x06,
    /// KEX_FAIL_AUTH: an echo is not what was sent, or came under the wrong key.
    Auth = 0x07,
    /// KEX_FAIL_KEY_GET: a key is asked for that was not granted.
    KeyGet = 0x08,
    /// KEX_FAIL_KEY_VERIFY: a key was not verified under itself.
    KeyVerify = 0x09,
    /// KEX_FAIL_KEY_REPORT: another key came than was asked for.
    KeyReport = 0x0A,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KexCommand {
    /// How do you want to exchange keys?
    Get,
    /// So; or, as an echo, what was said in the beginning.
    Report(KexParameters),
    /// So be it; or, as an echo, what was said then.
    Set(KexParameters),
    /// It is given up; the code as it came.
    Fail(u8),
    /// A public key.
    PublicKey {
        /// That of the including node.
        including: bool,
        /// The key; the first two bytes of a joining node's are zero where its user must tell them.
        key: PublicKey,
    },
    /// Give me the key of this class; `None`: a bit nobody defined, or several.
    NetworkKeyGet(Option<SecurityClass>),
    /// Here it is.
    NetworkKeyReport(Option<SecurityClass>, NetworkKey),
    /// It works: sent under the key that came.
    NetworkKeyVerify,
    /// A key was verified, or all is done.
    TransferEnd {
        /// The key last handed over was verified.
        verified: bool,
        /// There is nothing more to ask for.
        complete: bool,
    },
}

impl KexCommand {
    /// The whole payload.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let parameters =
            |command: u8, of: &KexParameters| vec![CLASS, command, of.flags, of.schemes, of.profiles, of.keys];
        let bit = |class: &Option<SecurityClass>| class.map_or(0, bit_of);
        Zeroizing::new(match self {
            Self::Get => vec![CLASS, GET],
            Self::Report(of) => parameters(REPORT, of),
            Self::Set(of) => parameters(SET, of),
            Self::Fail(code) => vec![CLASS, FAIL, *code],
            Self::PublicKey { including, key } => {
                [&[CLASS, PUBLIC_KEY_REPORT, if *including { INCLUDING } else { 0 }][..], key].concat()
            }
            Self::NetworkKeyGet(class) => vec![CLASS, NETWORK_KEY_GET, bit(class)],
            Self::NetworkKeyReport(class, key) => [&[CLASS, NETWORK_KEY_REPORT, bit(class)][..], key.expose()].concat(),
            Self::NetworkKeyVerify => vec![CLASS, NETWORK_KEY_VERIFY],
            Self::TransferEnd { verified, complete } => {
                let verified = if *verified { KEY_VERIFIED } else { 0 };
                let complete = if *complete { KEY_REQUEST_COMPLETE } else { 0 };
                vec![CLASS, TRANSFER_END, verified | complete]
            }
        })
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`CcError`].
    pub fn decode(payload: &[u8]) -> Result<Self, CcError> {
        let (command, parameters) = command_of(CLASS, payload)?;
        let mut reader = Reader::new(parameters);
        let mut four = || {
            let [flags, schemes, profiles, keys] = reader.array("KEX parameters")?;
            Ok::<_, CcError>(KexParameters { flags, schemes, profiles, keys })
        };
        Ok(match command {
            GET => Self::Get,
            REPORT => Self::Report(four()?),
            SET => Self::Set(four()?),
            FAIL => Self::Fail(reader.u8("KEX Fail type")?),
            PUBLIC_KEY_REPORT => {
                let including = reader.u8("including node")? & INCLUDING != 0;
                Self::PublicKey { including, key: reader.array("public key")? }
            }
            NETWORK_KEY_GET => Self::NetworkKeyGet(class_of(reader.u8("requested key")?)),
            NETWORK_KEY_REPORT => {
                let class = class_of(reader.u8("granted key")?);
                Self::NetworkKeyReport(class, NetworkKey::new(reader.array("network key")?))
            }
            NETWORK_KEY_VERIFY => Self::NetworkKeyVerify,
            TRANSFER_END => {
                let flags = reader.u8("transfer end")?;
                Self::TransferEnd { verified: flags & KEY_VERIFIED != 0, complete: flags & KEY_REQUEST_COMPLETE != 0 }
            }
            _ => return Err(CcError::unknown(payload)),
        })
    }
}

/// The bit of a class's key (CC:009F, "Requested Keys").
fn bit_of(class: SecurityClass) -> u8 {
    match class {
        SecurityClass::Temporary => 0,
        SecurityClass::S2Unauthenticated => 0x01,
        SecurityClass::S2Authenticated => 0x02,
        SecurityClass::S2AccessControl => 0x04,
        SecurityClass::S0 => 0x80,
    }
}

fn class_of(bit: u8) -> Option<SecurityClass> {
    match bit {
        0x01 => Some(SecurityClass::S2Unauthenticated),
        0x02 => Some(SecurityClass::S2Authenticated),
        0x04 => Some(SecurityClass::S2AccessControl),
        0x80 => Some(SecurityClass::S0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
