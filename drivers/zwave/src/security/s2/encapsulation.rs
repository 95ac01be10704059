//! The bytes of a Message Encapsulation (SDS13783, "Security 2 Message Encapsulation Command"): sequence number,
//! extensions in the clear, then the command and the encrypted extensions before it, sealed by AES-CCM with an 8-byte
//! tag.

use aes::Aes128;
use ccm::aead::AeadInOut;
use ccm::consts::{U8, U13};
use ccm::{Ccm, KeyInit};
use keyway_lock::wire::{Reader, WireError};
use zeroize::Zeroizing;

use super::keys::{ClassKeys, Entropy};
use super::span::Nonce;
use super::{CLASS, MESSAGE_ENCAPSULATION};

type Aead = Ccm<Aes128, U8, U13>;

const TAG: usize = 8;
/// Class, command, sequence number, flags.
const HEAD: usize = 4;

const FLAG_EXTENSIONS: u8 = 0x01;
const FLAG_ENCRYPTED_EXTENSIONS: u8 = 0x02;

const EXTENSION_MORE: u8 = 0x80;
const EXTENSION_CRITICAL: u8 = 0x40;
const EXTENSION_TYPE: u8 = 0x3F;
const EXTENSION_SPAN: u8 = 0x01;
const EXTENSION_MPAN: u8 = 0x02;
const EXTENSION_MGRP: u8 = 0x03;
const EXTENSION_MOS: u8 = 0x04;

/// Who sends to whom: authenticated with each message, not sent in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) sender: u16,
    pub(super) receiver: u16,
    pub(super) home_id: u32,
}

impl Route {
    /// Node ids are two bytes where one of them is a Long Range node (SDS13783, "Additional Authenticated Data").
    fn associated_data(&self, header: &[u8], length: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(10 + header.len());
        for id in [self.sender, self.receiver] {
            let [high, low] = id.to_be_bytes();
            if self.sender > 0xFF || self.receiver > 0xFF {
                out.push(high);
            }
            out.push(low);
        }
        out.extend(self.home_id.to_be_bytes());
        out.extend((length as u16).to_be_bytes());
        out.extend(header);
        out
    }
}

/// A whole frame: `command` under `keys` and `nonce`, with the SPAN extension if we give our entropy.
///
/// `None` if the command is too long for any frame.
pub(super) fn seal(
    keys: &ClassKeys,
    nonce: &Nonce,
    route: Route,
    sequence: u8,
    entropy: Option<&Entropy>,
    command: &[u8],
) -> Option<Vec<u8>> {
    let mut frame = vec![CLASS, MESSAGE_ENCAPSULATION, sequence, 0];
    if let Some(entropy) = entropy {
        frame[3] |= FLAG_EXTENSIONS;
        frame.extend([18, EXTENSION_CRITICAL | EXTENSION_SPAN]);
        frame.extend(entropy);
    }
    let length = u16::try_from(frame.len() + command.len() + TAG).ok()?;
    let data = route.associated_data(&frame[2..], length.into());
    let mut sealed = command.to_vec();
    Aead::new((&*keys.ccm).into()).encrypt_in_place(nonce.into(), &data, &mut sealed).ok()?;
    frame.extend(sealed);
    Some(frame)
}

/// A received frame, taken apart as far as that goes without a key.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// What its extensions in the clear say.
    pub(super) extensions: Extensions,
    frame: &'a [u8],
    /// Where the sealed part begins.
    sealed_at: usize,
}

impl<'a> Envelope<'a> {
    /// Takes it apart.
    ///
    /// # Errors
    /// [`WireError`] if the frame ends inside its head, an extension or the tag.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(frame);
        let head = reader.bytes("head", HEAD)?;
        let extensions = match head.get(3) {
            Some(flags) if flags & FLAG_EXTENSIONS != 0 => Extensions::read(&mut reader)?,
            _ => Extensions::default(),
        };
        let sealed_at = reader.offset();
        reader.bytes("authentication tag", TAG)?;
        Ok(Self { extensions, frame, sealed_at })
    }

    /// Opens the sealed part. `None` if it was not sealed with these keys and this nonce, or was changed on its way.
    pub(super) fn open(&self, keys: &ClassKeys, nonce: &Nonce, route: Route) -> Option<Zeroizing<Vec<u8>>> {
        let (clear, sealed) = self.frame.split_at_checked(self.sealed_at)?;
        let data = route.associated_data(clear.get(2..)?, self.frame.len());
        let mut opened = Zeroizing::new(sealed.to_vec());
        Aead::new((&*keys.ccm).into()).decrypt_in_place(nonce.into(), &data, &mut *opened).ok()?;
        Some(opened)
    }

    /// The command behind the encrypted extensions; empty if there is none.
    ///
    /// # Errors
    /// Why the opened part must not be used.
    pub(super) fn command(&self, opened: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        let mut reader = Reader::new(opened);
        let encrypted = match self.frame.get(3) {
            Some(flags) if flags & FLAG_ENCRYPTED_EXTENSIONS != 0 => {
                Extensions::read(&mut reader).map_err(|_| "its encrypted extensions end too early")?
            }
            _ => Extensions::default(),
        };
        if self.extensions.unknown_critical || encrypted.unknown_critical {
            return Err("it has a critical extension that is not known here");
        }
        Ok(Zeroizing::new(reader.rest().to_vec()))
    }
}

/// What a chain of extensions says (SDS13783, "Security 2 extensions").
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    /// SPAN: the sender's entropy input.
    pub(super) entropy: Option<Entropy>,
    /// The command must be dropped once it is authenticated.
    unknown_critical: bool,
}

impl Extensions {
    /// Multicast is only tolerated: MPAN, MGRP and MOS are known, and passed over.
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut found = Self::default();
        loop {
            let length = reader.u8("extension length")?;
            let kind = reader.u8("extension type")?;
            let Some(length) = length.checked_sub(2) else {
                return Err(reader.invalid("extension length", length));
            };
            let content = reader.bytes("extension", length.into())?;
            match kind & EXTENSION_TYPE {
                EXTENSION_SPAN => found.entropy = content.try_into().ok().or(found.entropy),
                EXTENSION_MPAN | EXTENSION_MGRP | EXTENSION_MOS => {}
                _ => found.unknown_critical |= kind & EXTENSION_CRITICAL != 0,
            }
            if kind & EXTENSION_MORE == 0 {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::s2::span::Span;
    use crate::security::{NetworkKey, SecurityClass, hex, hex_array};

    const TO_LOCK: Route = Route { sender: 1, receiver: 2, home_id: 0xC0FF_EE01 };
    const TO_HUB: Route = Route { sender: 2, receiver: 1, home_id: 0xC0FF_EE01 };

    /// Frames made with @zwave-js/cc 15.29.0 (`Security2CCMessageEncapsulation.serialize`) and read by its peer instance:
    /// home id C0FFEE01, hub node 1, network key of 16 times `key`, sender's entropy A0..AF, receiver's 10..1F.
    struct Conversation {
        keys: ClassKeys,
        span: Span,
    }

    impl Conversation {
        const SENDER: [u8; 16] =
            [0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF];

        fn new(key: u8) -> Self {
            let keys = ClassKeys::expand(&NetworkKey::new([key; 16]));
            let receiver = hex_array("101112131415161718191a1b1c1d1e1f");
            let span = Span::new(SecurityClass::S2AccessControl, &keys, &Self::SENDER, &receiver);
            Self { keys, span }
        }

        fn seal(&mut self, route: Route, sequence: u8, entropy: Option<&Entropy>, command: &[u8]) -> Vec<u8> {
            seal(&self.keys, &self.span.first_nonce(), route, sequence, entropy, command).unwrap()
        }

        fn open(&mut self, route: Route, frame: &str) -> Result<Vec<u8>, &'static str> {
            let frame = hex(frame);
            let envelope = Envelope::parse(&frame).unwrap();
            let opened = envelope.open(&self.keys, &self.span.first_nonce(), route).unwrap();
            envelope.command(&opened).map(|command| command.to_vec())
        }
    }

    const FIRST: &str = "9f032a011241a0a1a2a3a4a5a6a7a8a9aaabacadaeaf23127c6eba0c4414f37bb4";
    const ANSWER: &str = "9f0350004d1317bf40bc2fa76d6ec376dbf87c39";
    const SECOND: &str = "9f032b00126e3c9a4f5a3109ad146a";
    const WITH_MGRP: &str = "9f032c01034305a2a7630291f80209edfa61";
    const WITH_MPAN: &str = "9f032d027505d7a995be9704941d5828db4af6fd4f18fcbd8006b85594b7f86234ca";

    #[test]
    fn what_we_seal_is_what_zwave_js_seals() {
        let mut hub = Conversation::new(0x53);
        assert_eq!(hub.seal(TO_LOCK, 0x2A, Some(&Conversation::SENDER), &[0x63, 0x02, 7]), hex(FIRST));
        let code = [0x63, 0x03, 7, 1, 0x34, 0x37, 0x31, 0x31];
        assert_eq!(hub.seal(TO_HUB, 0x50, None, &code), hex(ANSWER));
        assert_eq!(hub.seal(TO_LOCK, 0x2B, None, &[0x63, 0x02, 8]), hex(SECOND));
    }

    #[test]
    fn what_zwave_js_seals_is_read_with_or_without_extensions() {
        let mut lock = Conversation::new(0x53);
        assert_eq!(lock.open(TO_LOCK, FIRST).unwrap(), [0x63, 0x02, 7]);
        assert_eq!(lock.open(TO_HUB, ANSWER).unwrap(), [0x63, 0x03, 7, 1, 0x34, 0x37, 0x31, 0x31]);
        assert_eq!(lock.open(TO_LOCK, SECOND).unwrap(), [0x63, 0x02, 8]);
        assert_eq!(lock.open(TO_LOCK, WITH_MGRP).unwrap(), [0x63, 0x02, 9]);
        assert_eq!(lock.open(TO_LOCK, WITH_MPAN).unwrap(), [0x63, 0x02, 10]);
    }

    #[test]
    fn node_ids_have_two_bytes_where_a_long_range_node_takes_part() {
        let to_lock = Route { receiver: 260, ..TO_LOCK };
        let to_hub = Route { sender: 260, ..TO_HUB };
        let mut hub = Conversation::new(0x52);
        assert_eq!(
            hub.seal(to_lock, 0x2A, Some(&Conversation::SENDER), &[0x63, 0x02, 7]),
            hex("9f032a011241a0a1a2a3a4a5a6a7a8a9aaabacadaeaf126fa1425655fd9d70e82c")
        );
        let answer = hub.open(to_hub, "9f035000bae066540631a82d47fb73f27dacb4e7").unwrap();
        assert_eq!(answer, [0x63, 0x03, 7, 1, 0x34, 0x37, 0x31, 0x31]);
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let frame = hex(FIRST);
        for index in 2..frame.len() {
            let mut changed = frame.clone();
            changed[index] ^= 0x04;
            let mut lock = Conversation::new(0x53);
            if let Ok(envelope) = Envelope::parse(&changed) {
                assert!(envelope.open(&lock.keys, &lock.span.first_nonce(), TO_LOCK).is_none(), "byte {index}");
            }
        }
        let mut lock = Conversation::new(0x53);
        let envelope = Envelope::parse(&frame).unwrap();
        assert!(envelope.open(&lock.keys, &lock.span.first_nonce(), TO_HUB).is_none());
    }

    /// A message with one extension in the clear.
    fn with_extension(kind: u8, content: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut lock = Conversation::new(0x53);
        let mut frame = vec![CLASS, MESSAGE_ENCAPSULATION, 1, FLAG_EXTENSIONS, content.len() as u8 + 2, kind];
        frame.extend(content);
        let data = TO_LOCK.associated_data(&frame[2..], frame.len() + 3 + TAG);
        let mut sealed = vec![0x63, 0x02, 7];
        let nonce = lock.span.first_nonce();
        Aead::new((&*lock.keys.ccm).into()).encrypt_in_place((&nonce).into(), &data, &mut sealed).unwrap();
        frame.extend(sealed);
        let envelope = Envelope::parse(&frame).unwrap();
        let opened = envelope.open(&lock.keys, &nonce, TO_LOCK).unwrap();
        envelope.command(&opened).map(|command| command.to_vec())
    }

    #[test]
    fn an_unknown_extension_is_passed_over_unless_it_is_critical() {
        assert_eq!(with_extension(0x2A, &[1, 2, 3]).unwrap(), [0x63, 0x02, 7]);
        assert_eq!(with_extension(EXTENSION_MOS, &[]).unwrap(), [0x63, 0x02, 7]);
        assert!(with_extension(0x2A | EXTENSION_CRITICAL, &[1, 2, 3]).is_err());
    }

    #[test]
    fn an_extension_that_reaches_into_the_tag_is_an_error_that_names_it() {
        let mut frame = hex(WITH_MGRP);
        frame[4] = 0x20;
        let error = Envelope::parse(&frame).unwrap_err();
        assert!(error.to_string().starts_with("extension at offset 6"), "{error}");
        assert!(Envelope::parse(&frame[..3]).is_err());
        frame[4] = 1;
        assert!(Envelope::parse(&frame).is_err());
    }
}
