//! Devices: locks, where they are, what they can do and how they do.

use keyway_lock::LockId;
use rusqlite::{Params, params};

use super::row::{Row, Word};
use super::{StoreError, Unit, lock_info};
use crate::model::{Device, DeviceId, DeviceState, RadioAddress, RadioKind};

const TABLE: &str = "devices";

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn device(&mut self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        let complaints = self.complaints;
        self.one(TABLE, "SELECT * FROM devices WHERE device_id = ?1", [id], |row| {
            let mut device = read(row)?;
            device.info = complaints.mend(info(row), None);
            Ok(device)
        })
    }

    /// All, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn devices(&mut self) -> Result<Vec<Device>, StoreError> {
        self.devices_where("SELECT * FROM devices ORDER BY device_id", [])
    }

    /// All of one network.
    ///
    /// # Errors
    /// As [`Unit::devices`].
    pub fn devices_on(&mut self, kind: RadioKind, network: &str) -> Result<Vec<Device>, StoreError> {
        let sql = "SELECT * FROM devices WHERE radio = ?1 AND network = ?2 ORDER BY lock";
        self.devices_where(sql, params![kind.word(), network])
    }

    /// The one at an address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn device_by_address(&mut self, address: &RadioAddress) -> Result<Option<Device>, StoreError> {
        let sql = "SELECT device_id FROM devices WHERE radio = ?1 AND network = ?2 AND lock = ?3";
        let key = params![address.kind.word(), address.network, address.lock.0.cast_signed()];
        match self.one(TABLE, sql, key, |row| row.id("device_id"))? {
            Some(id) => self.device(id),
            None => Ok(None),
        }
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is one of that id or at that address.
    pub fn insert_device(&mut self, device: &Device) -> Result<(), StoreError> {
        let sql = "INSERT INTO devices (name, radio, network, lock, info, online, locked, door_open, battery_percent,
            battery_low, jammed, last_seen, created_at, device_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        self.write(device, sql)
    }

    /// A changed one. One that is as it was is not written.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_device(&mut self, device: &Device) -> Result<(), StoreError> {
        if self.device(device.device_id).is_ok_and(|old| old.as_ref() == Some(device)) {
            return Ok(());
        }
        let sql = "UPDATE devices SET name = ?1, radio = ?2, network = ?3, lock = ?4, info = ?5, online = ?6,
            locked = ?7, door_open = ?8, battery_percent = ?9, battery_low = ?10, jammed = ?11, last_seen = ?12,
            created_at = ?13 WHERE device_id = ?14";
        self.write(device, sql)
    }

    fn devices_where(&self, sql: &str, params: impl Params) -> Result<Vec<Device>, StoreError> {
        let complaints = self.complaints;
        self.readable(TABLE, sql, params, |row| {
            let mut device = read(row)?;
            device.info = complaints.mend(info(row), None);
            Ok(device)
        })
    }

    fn write(&mut self, device: &Device, sql: &str) -> Result<(), StoreError> {
        let (address, state) = (&device.address, &device.state);
        let values = params![
            device.name,
            address.kind.word(),
            address.network,
            address.lock.0.cast_signed(),
            device.info.as_ref().map(lock_info::encode),
            state.online,
            state.locked,
            state.door_open,
            state.battery_percent,
            state.battery_low,
            state.jammed,
            state.last_seen,
            device.created_at,
            device.device_id,
        ];
        self.change(TABLE, device.device_id, sql, values)?;
        self.changed_device(device.device_id);
        Ok(())
    }
}

/// All but the interview.
fn read(row: &Row<'_>) -> Result<Device, StoreError> {
    Ok(Device {
        device_id: row.id("device_id")?,
        name: row.get("name")?,
        address: RadioAddress {
            kind: row.word("radio")?,
            network: row.get("network")?,
            lock: LockId(row.get::<i64>("lock")?.cast_unsigned()),
        },
        info: None,
        state: DeviceState {
            online: row.get("online")?,
            locked: row.get("locked")?,
            door_open: row.get("door_open")?,
            battery_percent: row.optional_number("battery_percent")?,
            battery_low: row.get("battery_low")?,
            jammed: row.get("jammed")?,
            last_seen: row.optional_time("last_seen")?,
        },
        created_at: row.time("created_at")?,
    })
}

/// The interview. One that can't be read is as good as none: the lock can be asked again.
fn info(row: &Row<'_>) -> Result<Option<keyway_lock::LockInfo>, StoreError> {
    let text: Option<String> = row.get("info")?;
    text.map(|text| lock_info::decode(&text)).transpose().map_err(|what| row.unreadable("info", what))
}
