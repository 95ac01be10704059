//! Devices: locks, where they are, what they can do and how they do.

use keyway_lock::{BatteryDetails, InterviewProgress, LinkReport, LockId, LockInfo};
use rusqlite::params;
use serde_json::{Map, Value};

use super::query::Query;
use super::row::{Row, Word};
use super::{StoreError, Unit, battery_details, interview, link, lock_info};
use crate::model::{Device, DeviceId, DeviceState, RadioAddress};

const TABLE: &str = "devices";

/// Which devices; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Managed, or not managed.
    pub is_managed: Option<bool>,
    /// Behind this one.
    pub after: Option<DeviceId>,
    /// At most so many.
    pub limit: Option<usize>,
}

impl Unit<'_> {
    /// By id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn device(&mut self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.one(TABLE, "SELECT * FROM devices WHERE device_id = ?1", [id], |row| self.read_device(row))
    }

    /// Whether a device is there and online.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_online(&mut self, id: DeviceId) -> Result<bool, StoreError> {
        let online =
            self.one(TABLE, "SELECT online FROM devices WHERE device_id = ?1", [id], |row| row.get("online"))?;
        Ok(online.unwrap_or(false))
    }

    /// All, by id, which is by age.
    ///
    /// # Errors
    /// [`StoreError`]; a row that can't be read is logged and left out.
    pub fn devices(&mut self) -> Result<Vec<Device>, StoreError> {
        self.list_devices(&DeviceFilter::default())
    }

    /// By id, which is by age.
    ///
    /// # Errors
    /// As [`Unit::devices`].
    pub fn list_devices(&mut self, filter: &DeviceFilter) -> Result<Vec<Device>, StoreError> {
        let mut query = Query::new("SELECT * FROM devices WHERE TRUE");
        query.and_if("is_managed = ?", filter.is_managed.as_ref())?;
        query.and_if("device_id > ?", filter.after.as_ref())?;
        query.end("device_id", filter.limit);
        query.readable(self, TABLE, |row| self.read_device(row))
    }

    /// The one at an address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn device_by_address(&mut self, address: &RadioAddress) -> Result<Option<Device>, StoreError> {
        let sql = "SELECT * FROM devices WHERE radio = ?1 AND network = ?2 AND lock = ?3";
        let key = params![address.kind.word(), address.network, address.lock.0.cast_signed()];
        self.one(TABLE, sql, key, |row| self.read_device(row))
    }

    /// Whether another device than the one at this address has this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_name_taken(&mut self, name: &str, address: &RadioAddress) -> Result<bool, StoreError> {
        let sql = "SELECT device_id FROM devices WHERE name = ?1 AND NOT (radio = ?2 AND network = ?3 AND lock = ?4)";
        let values = params![name, address.kind.word(), address.network, address.lock.0.cast_signed()];
        Ok(self.one(TABLE, sql, values, |_| Ok(()))?.is_some())
    }

    /// Those of which it was proven that their label shows this, by id, which is by age.
    ///
    /// # Errors
    /// As [`Unit::devices`].
    pub fn devices_labelled(&mut self, label: &str) -> Result<Vec<Device>, StoreError> {
        self.readable(TABLE, "SELECT * FROM devices WHERE label = ?1 ORDER BY device_id", [label], |row| {
            self.read_device(row)
        })
    }

    /// It was proven what a device's label shows. What is known is not written again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn label_device(&mut self, id: DeviceId, label: &str) -> Result<(), StoreError> {
        let sql = "UPDATE devices SET label = ?1 WHERE device_id = ?2 AND label IS NOT ?1";
        self.execute(sql, params![label, id]).map(drop)
    }

    /// A new one.
    ///
    /// # Errors
    /// [`StoreError`], also if there is one of that id or at that address.
    pub fn insert_device(&mut self, device: &Device) -> Result<(), StoreError> {
        let sql = "INSERT INTO devices (name, radio, network, lock, info, online, locked, door_open, battery_percent,
            battery_low, jammed, last_seen, created_at, nickname, custom_metadata, is_managed, configured, interview, gone,
            battery_details, link, device_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";
        self.write(device, sql)
    }

    /// A changed one. One that is as it was is not written.
    ///
    /// # Errors
    /// [`StoreError`], also if there is none of that id.
    pub fn update_device(&mut self, device: &Device) -> Result<(), StoreError> {
        let old = self.device(device.device_id).ok().flatten();
        if old.as_ref() == Some(device) {
            return Ok(());
        }
        if old.is_some_and(|old| heard_again(old, device)) {
            let sql = "UPDATE devices SET last_seen = ?1, link = ?2 WHERE device_id = ?3";
            let (id, link) = (device.device_id, link::encode(device.link.as_ref()));
            self.change(TABLE, id, sql, params![device.state.last_seen, link, id])?;
            return self.heard_device(id);
        }
        let sql = "UPDATE devices SET name = ?1, radio = ?2, network = ?3, lock = ?4, info = ?5, online = ?6,
            locked = ?7, door_open = ?8, battery_percent = ?9, battery_low = ?10, jammed = ?11, last_seen = ?12,
            created_at = ?13, nickname = ?14, custom_metadata = ?15, is_managed = ?16, configured = ?17,
            interview = ?18, gone = ?19, battery_details = ?20, link = ?21 WHERE device_id = ?22";
        self.write(device, sql)
    }

    /// What a device does now, of which this job has read `before`. What is as it was is not written.
    ///
    /// # Errors
    /// As [`Unit::update_device`].
    pub fn update_state(&mut self, id: DeviceId, before: &DeviceState, state: &DeviceState) -> Result<(), StoreError> {
        if state == before {
            return Ok(());
        }
        if *state == (DeviceState { last_seen: state.last_seen, ..*before }) {
            self.change(
                TABLE,
                id,
                "UPDATE devices SET last_seen = ?1 WHERE device_id = ?2",
                params![state.last_seen, id],
            )?;
            return self.heard_device(id);
        }
        let sql = "UPDATE devices SET online = ?1, locked = ?2, door_open = ?3, battery_percent = ?4, battery_low = ?5,
            jammed = ?6, last_seen = ?7, gone = ?8, battery_details = ?9 WHERE device_id = ?10";
        let values = params![
            state.online,
            state.locked,
            state.door_open,
            state.battery_percent,
            state.battery_low,
            state.jammed,
            state.last_seen,
            state.gone.map(Word::word),
            state.battery_details.as_ref().map(battery_details::encode),
            id,
        ];
        self.change(TABLE, id, sql, values)?;
        self.changed_device(id);
        Ok(())
    }

    /// Nothing is new of a device but when it was heard, and how well.
    fn heard_device(&mut self, id: DeviceId) -> Result<(), StoreError> {
        self.changes.heard.insert(id);
        self.may_wait(1);
        Ok(())
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
            device.nickname,
            Value::Object(device.custom_metadata.clone()).to_string(),
            device.is_managed,
            device.is_configured,
            interview::encode(&device.interview),
            state.gone.map(Word::word),
            state.battery_details.as_ref().map(battery_details::encode),
            link::encode(device.link.as_ref()),
            device.device_id,
        ];
        self.change(TABLE, device.device_id, sql, values)?;
        self.changed_device(device.device_id);
        Ok(())
    }

    /// Forgets a lock, with its codes and their histories, its slots and its attempts; grants and spaces no longer
    /// reach it. The caller has made sure that it is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_device(&mut self, id: DeviceId) -> Result<(), StoreError> {
        let reaching = "SELECT access_grant_id FROM access_codes WHERE device_id = ?1 AND access_grant_id IS NOT NULL
            UNION SELECT access_grant_id FROM access_grant_devices WHERE device_id = ?1";
        for grant in self.all("access_codes", reaching, [id], |row| row.id("access_grant_id"))? {
            self.changed_grant(grant);
        }
        for table in [
            "access_codes",
            "unmanaged_codes",
            "slots",
            "action_attempts",
            "access_grant_devices",
            "space_devices",
            "devices",
        ] {
            self.execute(&format!("DELETE FROM {table} WHERE device_id = ?1"), [id])?;
        }
        self.changed_device(id);
        Ok(())
    }

    fn read_info(&self, row: &Row<'_>) -> Result<Option<LockInfo>, StoreError> {
        let info =
            row.optional_text("info")?.map(|text| self.known.interviews.get(text, lock_info::decode)).transpose();
        info.map_err(|what| row.unreadable("info", what))
    }

    fn read_battery(&self, row: &Row<'_>) -> Result<Option<BatteryDetails>, StoreError> {
        let decode = |text: &str| battery_details::decode(text).ok_or("is none");
        let details = row.optional_text("battery_details")?.map(|text| self.known.batteries.get(text, decode));
        details.transpose().map_err(|what| row.unreadable("battery_details", what))
    }

    fn read_link(&self, row: &Row<'_>) -> Result<Option<LinkReport>, StoreError> {
        let link = row.optional_text("link")?.map(|text| self.known.links.get(text, link::decode)).transpose();
        link.map_err(|what| row.unreadable("link", what))
    }

    /// An interview or metadata that can't be read are as good as none: they are logged, and can be had again.
    fn read_device(&self, row: &Row<'_>) -> Result<Device, StoreError> {
        Ok(Device {
            device_id: row.id("device_id")?,
            name: row.get("name")?,
            address: RadioAddress {
                kind: row.word("radio")?,
                network: row.get("network")?,
                lock: LockId(row.get::<i64>("lock")?.cast_unsigned()),
            },
            info: self.complaints.mend(self.read_info(row), None),
            state: DeviceState {
                online: row.get("online")?,
                locked: row.get("locked")?,
                door_open: row.get("door_open")?,
                battery_percent: row.optional_number("battery_percent")?,
                battery_low: row.get("battery_low")?,
                jammed: row.get("jammed")?,
                last_seen: row.optional_time("last_seen")?,
                gone: row.optional_word("gone")?,
                battery_details: self.complaints.mend(self.read_battery(row), None),
            },
            created_at: row.time("created_at")?,
            nickname: row.get("nickname")?,
            custom_metadata: self.complaints.mend(metadata(row), Map::new()),
            is_managed: row.get("is_managed")?,
            is_configured: row.get("configured")?,
            interview: self.complaints.mend(progress(row), InterviewProgress::Idle),
            link: self.complaints.mend(self.read_link(row), None),
        })
    }
}

/// Whether nothing is new but when it was heard, and how well: the next frame tells that again.
fn heard_again(old: Device, new: &Device) -> bool {
    let state = DeviceState { last_seen: new.state.last_seen, ..old.state };
    Device { state, link: new.link.clone(), ..old } == *new
}

fn metadata(row: &Row<'_>) -> Result<Map<String, Value>, StoreError> {
    let text: String = row.get("custom_metadata")?;
    serde_json::from_str(&text).map_err(|_| row.unreadable("custom_metadata", "is not a JSON object"))
}

fn progress(row: &Row<'_>) -> Result<InterviewProgress, StoreError> {
    let text: Option<String> = row.get("interview")?;
    interview::decode(text.as_deref()).map_err(|what| row.unreadable("interview", what))
}
