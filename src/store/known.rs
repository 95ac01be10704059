//! What was made of what was read before: the same rows are read again and again, and most of them are as they were.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keyway_lock::{BatteryDetails, LinkReport, LockInfo};

use super::row::Places;
use crate::model::Schedule;

/// All that is remembered. No secret is among it.
#[derive(Default)]
pub(super) struct Known {
    pub(super) interviews: Texts<LockInfo>,
    pub(super) links: Texts<LinkReport>,
    pub(super) batteries: Texts<BatteryDetails>,
    pub(super) schedules: Texts<Schedule>,
    /// Where the columns are, by the address and the length of the question, which is part of the program.
    places: RefCell<BTreeMap<(usize, usize), Places>>,
}

impl Known {
    /// Where the columns of a question are, as far as it was put before; to be given back by [`Known::put_places`].
    pub(super) fn take_places(&self, sql: &'static str) -> Places {
        self.places.borrow_mut().remove(&(sql.as_ptr().addr(), sql.len())).unwrap_or_default()
    }

    pub(super) fn put_places(&self, sql: &'static str, places: Places) {
        self.places.borrow_mut().insert((sql.as_ptr().addr(), sql.len()), places);
    }
}

/// Values by the texts that they are kept as.
pub(super) struct Texts<T>(RefCell<BTreeMap<String, T>>);

impl<T> Default for Texts<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Texts<T> {
    /// Where there are more than this, all are read anew.
    const REMEMBERED: usize = 500;

    /// What a text means; `decode` is asked the first time.
    pub(super) fn get<E>(&self, text: &str, decode: impl FnOnce(&str) -> Result<T, E>) -> Result<T, E> {
        if let Some(value) = self.0.borrow().get(text) {
            return Ok(value.clone());
        }
        let value = decode(text)?;
        let mut known = self.0.borrow_mut();
        if known.len() == Self::REMEMBERED {
            known.clear();
        }
        known.insert(text.to_owned(), value.clone());
        Ok(value)
    }
}
