//! The key that a device's install code stands for (Zigbee 3.0 Base Device Behavior, section 10.1): the code's checksum
//! is looked at, and the key is its hash.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use keyway_lock::InstallCode;
use zeroize::Zeroizing;

use crate::key::Key;

const BLOCK: usize = Key::LEN;

/// The key; `None`: the checksum is not that of the code.
pub(super) fn link_key(code: &InstallCode) -> Option<Key> {
    key_of(code.expose())
}

/// The key of a code with its checksum behind it; `None`: that is not the checksum of the code.
pub fn key_of(bytes: &[u8]) -> Option<Key> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
    (crc(body).to_le_bytes() == checksum).then(|| hash(bytes))
}

/// CRC-16/X-25.
fn crc(bytes: &[u8]) -> u16 {
    let step = |crc: u16, byte: &u8| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    };
    !bytes.iter().fold(0xFFFF, step)
}

/// Matyas, Meyer and Oseas over AES-128 (Zigbee R22 section B.6): each block is encrypted under the hash so far.
fn hash(bytes: &[u8]) -> Key {
    let mut padded = Zeroizing::new(bytes.to_vec());
    padded.push(0x80);
    while padded.len() % BLOCK != BLOCK - 2 {
        padded.push(0);
    }
    let bits = u16::try_from(bytes.len() * 8).unwrap_or(u16::MAX);
    padded.extend(bits.to_be_bytes());
    let mut hash = Zeroizing::new([0_u8; BLOCK]);
    for block in padded.chunks_exact(BLOCK) {
        let mut out = aes::Block::default();
        out.copy_from_slice(block);
        Aes128::new((&*hash).into()).encrypt_block(&mut out);
        hash.iter_mut().zip(out.iter().zip(block)).for_each(|(hash, (out, block))| *hash = out ^ block);
    }
    Key::new(*hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(hex: &str) -> InstallCode {
        InstallCode::read(&format!("000d6f000a0b0c01 {hex}")).unwrap()
    }

    #[test]
    fn the_specifications_example_gives_its_key() {
        // Base Device Behavior 10.1.1.
        let key = link_key(&code("83FED3407A939723A5C639B26916D505C3B5")).unwrap();
        let expected = 0x66B6_9009_81E1_EE3C_A420_6B6B_861C_02BB_u128.to_be_bytes();
        assert_eq!(*key.expose(), expected);
    }

    #[test]
    fn a_code_that_was_mistyped_has_another_checksum() {
        assert_eq!(link_key(&code("83FED3407A939723A5C639B26916D505C3B6")), None);
        assert_eq!(link_key(&code("83FED3407A939724A5C639B26916D505C3B5")), None);
    }
}
