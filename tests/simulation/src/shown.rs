//! A value that others wait for.

use std::cell::RefCell;

use tokio::sync::Notify;

/// Those who wait go on in the order in which they came. A `watch` of tokio's wakes them in an order of chance, and the
/// same seed would not make the same world.
pub(crate) struct Shown<T> {
    value: RefCell<T>,
    changed: Notify,
}

impl<T: Clone> Shown<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: RefCell::new(value), changed: Notify::new() }
    }

    pub(crate) fn show(&self, value: T) {
        self.value.replace(value);
        self.changed.notify_waiters();
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&T) -> bool) -> T {
        loop {
            let changed = self.changed.notified();
            let value = self.value.borrow().clone();
            if is_so(&value) {
                return value;
            }
            changed.await;
        }
    }
}
