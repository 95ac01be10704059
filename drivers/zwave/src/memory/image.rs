//! A stick's memory as it was read, and how it is kept.

use std::fmt;

use keyway_lock::{NetworkRecord, RecordKey, SecretBytes};
use zeroize::Zeroizing;

use crate::serial_api::memory::Access;

const RECORD: &str = "memory";
const VERSION: u8 = 1;
/// Version, series and home id.
const HEAD: usize = 6;

/// Sticks whose memories are laid out alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// 500 series.
    Five = 5,
    /// 700 and 800 series.
    Seven = 7,
}

impl Series {
    /// The series of a stick that is spoken to so.
    pub(super) fn of(access: Access) -> Self {
        match access {
            Access::Direct => Self::Five,
            Access::Opened | Access::OpenedWide => Self::Seven,
        }
    }
}

/// A stick's memory. It holds the network: home id, nodes, routes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// Which sticks it fits.
    pub(super) series: Series,
    /// The network in it.
    pub(super) home_id: u32,
    /// All bytes.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({:?}, {:08x}, {} bytes)", self.series, self.home_id, self.bytes.len())
    }
}

impl Image {
    /// The record of it.
    pub(super) fn record(&self) -> NetworkRecord {
        let mut value = Zeroizing::new(Vec::with_capacity(HEAD + self.bytes.len()));
        value.extend([VERSION, self.series as u8]);
        value.extend(self.home_id.to_be_bytes());
        value.extend_from_slice(&self.bytes);
        NetworkRecord { key: RecordKey(RECORD.to_owned()), value: Some(SecretBytes(value)) }
    }

    /// Reads it from the records; `None`: there is none, or none that can be read.
    pub(super) fn read(records: &[NetworkRecord]) -> Option<Self> {
        let record = records.iter().find(|record| record.key.0 == RECORD)?;
        let (head, bytes) = record.value.as_ref()?.0.split_at_checked(HEAD)?;
        let [VERSION, series, home_id @ ..] = head else { return None };
        let series = [Series::Five, Series::Seven].into_iter().find(|known| *known as u8 == *series)?;
        let home_id = u32::from_be_bytes(home_id.try_into().ok()?);
        Some(Self { series, home_id, bytes: Zeroizing::new(bytes.to_vec()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_kept_and_read_again_and_shows_nothing_of_itself() {
        let bytes = Zeroizing::new(vec![0xAB; 300]);
        let image = Image { series: Series::Seven, home_id: 0xC0FF_EE01, bytes };
        let records = [image.record()];
        assert_eq!(Image::read(&records), Some(image.clone()));
        assert_eq!(format!("{image:?}"), "Image(Seven, c0ffee01, 300 bytes)");
    }

    #[test]
    fn what_is_cut_or_of_another_version_is_no_image() {
        let record = |value: &[u8]| {
            let value = Some(SecretBytes(Zeroizing::new(value.to_vec())));
            [NetworkRecord { key: RecordKey(RECORD.to_owned()), value }]
        };
        for wrong in [&[1, 7, 0xC0][..], &[2, 7, 0xC0, 0xFF, 0xEE, 1, 0], &[1, 6, 0xC0, 0xFF, 0xEE, 1, 0], &[]] {
            assert_eq!(Image::read(&record(wrong)), None);
        }
        assert_eq!(Image::read(&[]), None);
    }
}
