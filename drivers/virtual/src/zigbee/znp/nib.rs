//! The network information base, as the compiler for 32-bit chips lays it out: 116 bytes (beside zigpy-znp's images).

use keyway_zigbee::address::Ieee;
use keyway_zigbee::key::Key;

use super::super::network::Held;

const LENGTH: usize = 116;
const CHANNEL: usize = 24;
const PAN: usize = 36;
const STATE: usize = 38;
const CHANNELS: usize = 40;
const EXTENDED_PAN: usize = 57;
const KEY_LOADED: usize = 65;
const UPDATE_ID: usize = 114;
/// It takes part as one who routes.
const ROUTER: u8 = 8;

/// What does not depend on the network: times, sizes and limits of the stack, at their places.
const REST: [(usize, u8); 23] = [
    (1, 5),
    (2, 2),
    (3, 51),
    (4, 15),
    (5, 51),
    (7, 30),
    (11, 1),
    (12, 5),
    (13, 1),
    (14, 0x8F),
    (16, 7),
    (18, 2),
    (19, 13),
    (20, 30),
    (44, 15),
    (45, 15),
    (46, 4),
    (48, 1),
    (52, 1),
    (102, 15),
    (103, 5),
    (106, 120),
    (107, 10),
];

/// The item of a network.
pub(super) fn of(held: &Held) -> Vec<u8> {
    let mut nib = vec![0; LENGTH];
    for (at, byte) in REST {
        nib[at] = byte;
    }
    // It is a concentrator, and takes fresh frame counters only.
    (nib[105], nib[108]) = (1, 1);
    (nib[CHANNEL], nib[STATE], nib[KEY_LOADED], nib[UPDATE_ID]) = (held.channel, ROUTER, 1, held.update_id);
    nib[PAN..PAN + 2].copy_from_slice(&held.pan.to_le_bytes());
    nib[CHANNELS..CHANNELS + 4].copy_from_slice(&(1_u32 << held.channel).to_le_bytes());
    nib[EXTENDED_PAN..EXTENDED_PAN + 8].copy_from_slice(&held.extended_pan.to_bytes());
    nib
}

/// The network of an item, with the key of another; `None`: it is none.
pub(super) fn network(nib: &[u8], network_key: Key, key_sequence: u8, counter: u32) -> Option<Held> {
    let bytes = |at: usize| nib.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    let held = Held {
        pan: u16::from_le_bytes([*nib.get(PAN)?, *nib.get(PAN + 1)?]),
        extended_pan: Ieee::from_bytes(bytes(EXTENDED_PAN)?),
        channel: *nib.get(CHANNEL)?,
        update_id: *nib.get(UPDATE_ID)?,
        network_key,
        key_sequence,
        counter,
    };
    let is_settled = nib[KEY_LOADED] != 0 && (11..=26).contains(&held.channel) && held.pan < 0xFFFE;
    is_settled.then_some(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_as_it_was_written() {
        let held = Held {
            pan: 0x1A62,
            extended_pan: Ieee(0x0123_4567_89AB_CDEF),
            channel: 15,
            update_id: 3,
            network_key: Key::new([7; 16]),
            key_sequence: 1,
            counter: 99,
        };
        let nib = of(&held);
        assert_eq!(nib.len(), 116);
        let read = network(&nib, Key::new([7; 16]), 1, 99).unwrap();
        assert_eq!((read.pan, read.extended_pan, read.channel, read.update_id), (0x1A62, held.extended_pan, 15, 3));
        assert!(network(&[0; 116], Key::new([7; 16]), 0, 0).is_none());
        assert!(network(&nib[..60], Key::new([7; 16]), 0, 0).is_none());
    }
}
