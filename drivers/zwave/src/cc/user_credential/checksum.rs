//! The checksums: CRC-CCITT as in CRC-16 Encapsulation, 0 where there is nothing to be summed up.

use zeroize::Zeroizing;

use super::{Credential, User};
use crate::transport::crc16::crc_ccitt;

/// Over slot, length and data of each credential of one type, by ascending slot (CC:0083.01.19).
pub fn credential_checksum(mut credentials: Vec<Credential>) -> u16 {
    credentials.sort_by_key(|credential| credential.slot);
    let mut bytes = Zeroizing::new(Vec::new());
    for credential in &credentials {
        bytes.extend(credential.slot.to_be_bytes());
        append(&mut bytes, credential);
    }
    of(&bytes)
}

/// Over a user and its credentials (CC:0083.01.17).
pub fn user_checksum(user: &User, credentials: Vec<Credential>) -> u16 {
    let mut bytes = Zeroizing::new(Vec::new());
    append_user(&mut bytes, user, credentials);
    of(&bytes)
}

/// Over all users with their credentials, by ascending identifier (CC:0083.01.15).
pub fn all_users_checksum(mut users: Vec<(User, Vec<Credential>)>) -> u16 {
    users.sort_by_key(|(user, _)| user.id);
    let mut bytes = Zeroizing::new(Vec::new());
    for (user, credentials) in users {
        bytes.extend(user.id.to_be_bytes());
        append_user(&mut bytes, &user, credentials);
    }
    of(&bytes)
}

fn append_user(bytes: &mut Vec<u8>, user: &User, mut credentials: Vec<Credential>) {
    let length = u8::try_from(user.name.len()).unwrap_or(0);
    bytes.extend([user.kind, u8::from(user.active), user.rule, user.name_encoding.into(), length]);
    bytes.extend(&user.name);
    credentials.sort_by_key(|credential| (credential.kind, credential.slot));
    for credential in &credentials {
        bytes.push(credential.kind);
        bytes.extend(credential.slot.to_be_bytes());
        append(bytes, credential);
    }
}

fn append(bytes: &mut Vec<u8>, credential: &Credential) {
    let data = credential.data.expose();
    bytes.push(u8::try_from(data.len()).unwrap_or(0));
    bytes.extend_from_slice(data);
}

fn of(bytes: &[u8]) -> u16 {
    if bytes.is_empty() { 0 } else { crc_ccitt(bytes) }
}
