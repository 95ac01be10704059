//! Devices that were taken out. One that slept, or was out of reach, did not hear that, and still has the network's key:
//! when it comes back it is told again, and not taken for a new one.

use std::collections::BTreeSet;

use keyway_lock::{NetworkRecord, RecordKey, SecretBytes};
use zeroize::Zeroizing;

use crate::address::Ieee;

const KEY: &str = "removed";
/// So many are remembered at most; who is beyond that is the one with the lowest address.
const MOST: usize = 64;

/// Who they are.
#[derive(Debug, Default)]
pub struct Removed(BTreeSet<Ieee>);

impl Removed {
    /// As the store has kept them.
    pub fn find(records: &[NetworkRecord]) -> Self {
        let record = records.iter().find(|record| record.key.0 == KEY);
        let text = record.and_then(|record| record.value.as_ref()).and_then(|value| std::str::from_utf8(&value.0).ok());
        Self(text.unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Whether a device was taken out.
    pub fn contains(&self, device: Ieee) -> bool {
        self.0.contains(&device)
    }

    /// A device is taken out. What is to be kept, if that is news.
    pub fn add(&mut self, device: Ieee) -> Option<NetworkRecord> {
        let news = self.0.insert(device);
        if self.0.len() > MOST {
            self.0.pop_first();
        }
        news.then(|| self.record())
    }

    /// A device is let in again. What is to be kept, if that is news.
    pub fn forgive(&mut self, device: Ieee) -> Option<NetworkRecord> {
        self.0.remove(&device).then(|| self.record())
    }

    /// There is another network: nobody of the old one can come back.
    pub fn clear(&mut self) -> Option<NetworkRecord> {
        let news = !self.0.is_empty();
        self.0.clear();
        news.then(|| self.record())
    }

    fn record(&self) -> NetworkRecord {
        let lines: Vec<String> = self.0.iter().map(Ieee::to_string).collect();
        let value = Some(SecretBytes(Zeroizing::new(lines.join("\n").into_bytes())));
        NetworkRecord { key: RecordKey(KEY.to_owned()), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_taken_out_is_remembered_until_it_is_let_in_again() {
        let (mut removed, one) = (Removed::default(), Ieee(0x000D_6F00_0A0B_0C01));
        let record = removed.add(one).unwrap();
        assert!(removed.add(one).is_none());
        let mut found = Removed::find(&[record]);
        assert!(found.contains(one) && !found.contains(Ieee(2)));
        let record = found.forgive(one).unwrap();
        assert!(!Removed::find(&[record]).contains(one));
    }
}
