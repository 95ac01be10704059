//! What requests about networks can hold.

use keyway_lock::{JoinPin, KeyClass, NetworkKey};
use serde_json::{Value, json};

use crate::hub::parameter::{Parameter, Wrong};
use crate::hub::shape::Shape;

impl Parameter for KeyClass {
    fn read(value: Value) -> Result<Self, Wrong> {
        let names = || Self::ALL.map(Self::name);
        Self::of_name(&String::read(value)?)
            .ok_or_else(|| Wrong::here(format!("expected one of {}", names().join(", "))))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::ALL.map(Self::name)})
    }
}

impl Parameter for JoinPin {
    fn read(value: Value) -> Result<Self, Wrong> {
        let text = zeroize::Zeroizing::new(String::read(value)?);
        Self::new(&text).ok_or_else(|| Wrong::here("expected the first five digits of the device's label"))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "pattern": "^[0-9]{5}$"})
    }
}

impl Parameter for NetworkKey {
    fn read(value: Value) -> Result<Self, Wrong> {
        let text = zeroize::Zeroizing::new(String::read(value)?);
        Self::read(&text).ok_or_else(|| Wrong::here("expected 32 hexadecimal digits"))
    }

    fn shape() -> Shape {
        Shape::Text
    }

    fn schema() -> Value {
        json!({"type": "string", "pattern": "^[0-9A-Fa-f]{32}$"})
    }
}
