//! The lock's last word on each slot. Written only from what a lock said.

use std::collections::BTreeSet;

use keyway_lock::{Pin, SlotContent, SlotNumber, SlotReport};
use rusqlite::params;

use super::row::Row;
use super::vault::{Place, Vault};
use super::{StoreError, Unit};
use crate::model::{DeviceId, Timestamp};

const TABLE: &str = "slots";

/// What a lock said of a slot, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotWord {
    /// What it said.
    pub report: SlotReport,
    /// When.
    pub told_at: Timestamp,
}

impl Unit<'_> {
    /// What the lock last said of its slots, by number. A slot that was never read, or whose row can't be, is not
    /// among them: it must be read before anything is concluded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn slots(&mut self, device: DeviceId) -> Result<Vec<SlotWord>, StoreError> {
        let vault = self.vault;
        let sql = "SELECT * FROM slots WHERE device_id = ?1 ORDER BY slot";
        self.readable(TABLE, sql, [device], |row| read(vault, device, row))
    }

    /// What the lock last said of one slot; `None` as above.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn slot(&mut self, device: DeviceId, slot: SlotNumber) -> Result<Option<SlotWord>, StoreError> {
        let vault = self.vault;
        let sql = "SELECT * FROM slots WHERE device_id = ?1 AND slot = ?2";
        Ok(self.readable(TABLE, sql, params![device, slot.0], |row| read(vault, device, row))?.pop())
    }

    /// What the lock just said of a slot; gives what it had said before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_slot(&mut self, device: DeviceId, report: &SlotReport) -> Result<Option<SlotContent>, StoreError> {
        let before = self.slot(device, report.slot)?.map(|word| word.report.content);
        if before.as_ref() == Some(&report.content) {
            let sql = "UPDATE slots SET told_at = ?3 WHERE device_id = ?1 AND slot = ?2";
            let rows = self.execute(sql, params![device, report.slot.0, self.now()])?;
            self.may_wait(rows);
            return Ok(before);
        }
        let pin = self.seal_content(TABLE, &slot_row(device, report.slot), &report.content)?;
        let sql = "INSERT OR REPLACE INTO slots (device_id, slot, content, pin_sealed, told_at)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![device, report.slot.0, content_word(&report.content), pin, self.now()];
        self.execute(sql, values)?;
        self.changed_device(device);
        Ok(before)
    }

    /// The lock just said that all slots are as they were: gives those that were free.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn still_free(&mut self, device: DeviceId) -> Result<BTreeSet<SlotNumber>, StoreError> {
        let sql = "UPDATE slots SET told_at = ?2 WHERE device_id = ?1 AND content = 'free' RETURNING slot";
        let slots = self.all(TABLE, sql, params![device, self.now()], |row| row.slot("slot"))?;
        self.may_wait(slots.len());
        Ok(slots.into_iter().collect())
    }

    /// What was known of a slot is not to be relied on any more: it must be read again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_slot(&mut self, device: DeviceId, slot: SlotNumber) -> Result<(), StoreError> {
        if self.execute("DELETE FROM slots WHERE device_id = ?1 AND slot = ?2", params![device, slot.0])? > 0 {
            self.changed_device(device);
        }
        Ok(())
    }

    /// As [`Unit::forget_slot`], for every slot of a lock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_slots(&mut self, device: DeviceId) -> Result<(), StoreError> {
        if self.execute("DELETE FROM slots WHERE device_id = ?1", [device])? > 0 {
            self.changed_device(device);
        }
        Ok(())
    }

    /// Seals the PIN of a slot's content, if it shows one.
    pub(super) fn seal_content(
        &mut self,
        table: &'static str,
        row: &[u8],
        content: &SlotContent,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match content {
            SlotContent::Code(pin) => self.seal_pin(Place { table, column: "pin_sealed", row }, Some(pin)),
            SlotContent::Free | SlotContent::Hidden | SlotContent::Unusable => Ok(None),
        }
    }

    /// Seals a PIN, if there is one.
    pub(super) fn seal_pin(&mut self, place: Place<'_>, pin: Option<&Pin>) -> Result<Option<Vec<u8>>, StoreError> {
        let vault = self.vault;
        pin.map(|pin| vault.seal_pin(self.rng(), place, pin)).transpose()
    }
}

fn read(vault: &Vault, device: DeviceId, row: &Row<'_>) -> Result<SlotWord, StoreError> {
    let (slot, told_at) = (row.slot("slot")?, row.time("told_at")?);
    let content = read_content(vault, row, &slot_row(device, slot))?;
    Ok(SlotWord { report: SlotReport { slot, content }, told_at })
}

/// The row's name for the vault.
fn slot_row(device: DeviceId, slot: SlotNumber) -> [u8; 18] {
    let mut row = [0; 18];
    let (id, number) = row.split_at_mut(16);
    id.copy_from_slice(device.0.as_bytes());
    number.copy_from_slice(&slot.0.to_be_bytes());
    row
}

pub(super) fn content_word(content: &SlotContent) -> &'static str {
    match content {
        SlotContent::Free => "free",
        SlotContent::Code(_) => "code",
        SlotContent::Hidden => "hidden",
        SlotContent::Unusable => "unusable",
    }
}

/// From the columns `content` and `pin_sealed`.
pub(super) fn read_content(vault: &Vault, row: &Row<'_>, name: &[u8]) -> Result<SlotContent, StoreError> {
    match row.text("content")? {
        "free" => Ok(SlotContent::Free),
        "hidden" => Ok(SlotContent::Hidden),
        "unusable" => Ok(SlotContent::Unusable),
        "code" => {
            let missing = || row.unreadable("pin_sealed", "is missing");
            read_pin(vault, row, name)?.map(SlotContent::Code).ok_or_else(missing)
        }
        _ => Err(row.unreadable("content", "is a word that this release does not know")),
    }
}

/// From the column `pin_sealed`.
pub(super) fn read_pin(vault: &Vault, row: &Row<'_>, name: &[u8]) -> Result<Option<Pin>, StoreError> {
    let Some(sealed) = row.get::<Option<Vec<u8>>>("pin_sealed")? else { return Ok(None) };
    let place = Place { table: row.table, column: "pin_sealed", row: name };
    vault.open_pin(place, &sealed).map(Some).map_err(|what| row.unreadable("pin_sealed", what))
}
