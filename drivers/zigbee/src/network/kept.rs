//! The network as the store keeps it: where it is and how it is locked.

use keyway_lock::{NetworkRecord, RecordKey, SecretBytes};
use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::address::Ieee;
use crate::backup::NetworkBackup;
use crate::coordinator::{ChannelEnergy, NetworkInfo, NetworkParameters, Request};
use crate::key::Key;

const KEY: &str = "network";
const VERSION: u8 = 1;
/// What stands for the identity of a network where there is none.
const NO_NETWORK: &str = "none";

/// The channels that Zigbee devices listen on first, and that disturb Wi-Fi least.
const CHANNELS: [u8; 4] = [15, 20, 25, 11];

/// The network that the stick has to hold.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u8,
    pub(super) extended_pan: u64,
    pan: u16,
    channel: u8,
    /// Unknown of a network that another program formed.
    network_key: Option<[u8; 16]>,
    link_key_seed: Option<[u8; 16]>,
    /// The stick has said that it holds it.
    pub(super) formed: bool,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.network_key.zeroize();
        self.link_key_seed.zeroize();
    }
}

impl Kept {
    /// A new one, on the quietest of the usual channels.
    pub(super) fn new(random: &mut StdRng, energy: &[ChannelEnergy]) -> Self {
        let loud = |channel: u8| {
            let heard = energy.iter().find(|energy| energy.channel == channel);
            heard.map_or(i8::MAX, |energy| energy.dbm)
        };
        let channel = CHANNELS.into_iter().min_by_key(|channel| loud(*channel)).unwrap_or(CHANNELS[0]);
        let mut extended_pan = either_way(random.random());
        while !extended_pan.is_real() {
            extended_pan = either_way(random.random());
        }
        Self {
            version: VERSION,
            extended_pan: extended_pan.0,
            pan: random.random_range(0x0001..=0xFFFE),
            channel,
            network_key: Some(random.random()),
            link_key_seed: Some(random.random()),
            formed: false,
        }
    }

    /// One that the stick holds already, and whose keys are the stick's alone.
    pub(super) fn adopted(network: &NetworkInfo) -> Self {
        Self {
            version: VERSION,
            extended_pan: network.extended_pan.0,
            pan: network.pan,
            channel: network.channel,
            network_key: None,
            link_key_seed: None,
            formed: true,
        }
    }

    /// The one of a backup.
    pub(super) fn of_backup(backup: &NetworkBackup) -> Self {
        let network = &backup.network;
        Self {
            version: VERSION,
            extended_pan: network.extended_pan.0,
            pan: network.pan,
            channel: network.channel,
            network_key: Some(*network.network_key.expose()),
            link_key_seed: backup.link_key_seed.as_ref().map(|seed| *seed.seed.expose()),
            formed: true,
        }
    }

    pub(super) fn find(records: &[NetworkRecord]) -> Option<Self> {
        let record = records.iter().find(|record| record.key.0 == KEY)?;
        let kept: Self = serde_json::from_slice(&record.value.as_ref()?.0).ok()?;
        (kept.version == VERSION).then_some(kept)
    }

    pub(super) fn record(&self) -> NetworkRecord {
        // A struct of numbers: nothing in it can fail to be written.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        NetworkRecord { key: RecordKey(KEY.to_owned()), value: Some(SecretBytes(Zeroizing::new(bytes))) }
    }

    /// Its identity, as the hub is told it.
    pub(super) fn identity(&self) -> String {
        identity(Ieee(self.extended_pan))
    }

    /// What forms it; `None`: its keys are not known.
    pub(super) fn form(&self) -> Option<Request> {
        let network = NetworkParameters {
            pan: self.pan,
            extended_pan: Ieee(self.extended_pan),
            channel: self.channel,
            network_key: Key::new(self.network_key?),
        };
        Some(Request::Form { network, link_key_seed: Key::new(self.link_key_seed?) })
    }
}

/// An extended PAN id that reads the same in both orders of its bytes: zigbee-herdsman writes it in one order into the backup
/// of a stick of Texas Instruments and in the other into that of one of Silicon Labs, so that any other is turned round when
/// such a network moves.
fn either_way(half: u32) -> Ieee {
    Ieee(u64::from(half) << 32 | u64::from(half.swap_bytes()))
}

/// A network's identity, as the hub is told it: 16 hexadecimal digits.
pub(super) fn identity(extended_pan: Ieee) -> String {
    format!("{:016x}", extended_pan.0)
}

/// The identity of what a stick holds, which may be no network.
pub(super) fn identity_held(network: Option<NetworkInfo>) -> String {
    network.map_or_else(|| NO_NETWORK.to_owned(), |network| identity(network.extended_pan))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_new_network_is_on_the_quietest_channel_and_unlike_any_other() {
        let energy = [(11, -40), (15, -60), (20, -95), (25, -70)];
        let energy: Vec<ChannelEnergy> = energy.map(|(channel, dbm)| ChannelEnergy { channel, dbm }).into();
        let mut random = StdRng::from_seed([1; 32]);
        let (one, other) = (Kept::new(&mut random, &energy), Kept::new(&mut random, &[]));
        assert_eq!((one.channel, other.channel), (20, 15));
        assert_eq!(one.extended_pan, one.extended_pan.swap_bytes(), "it reads the same in either order");
        assert_ne!((one.extended_pan, one.network_key), (other.extended_pan, other.network_key));
    }

    #[test]
    fn it_survives_the_store() {
        let one = Kept::new(&mut StdRng::from_seed([2; 32]), &[]);
        let found = Kept::find(&[one.record()]).unwrap();
        assert_eq!((found.form(), found.identity()), (one.form(), one.identity()));
        assert!(Kept::find(&[]).is_none());
    }
}
