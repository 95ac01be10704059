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
