//! What stands on a device's label or under its QR symbol (Z-Wave specification SDS13937, "Node Provisioning QR Code
//! Format"): decimal digits, a checksum over them, the label, and entries of type, length and value.

use std::collections::BTreeSet;

use keyway_lock::{DeviceLabel, KeyClass};
use sha1::{Digest, Sha1};

/// What every code begins with.
const LEAD: &str = "90";
/// Where the checksum begins, and what it is over.
const CHECKSUM: usize = 4;
const CHECKED: usize = 9;
/// Where the entries begin.
const ENTRIES: usize = 52;

const PRODUCT_TYPE: u8 = 0;
const PRODUCT_ID: u8 = 1;
const MAX_INCLUSION_REQUEST_INTERVAL: u8 = 2;
const UUID16: u8 = 3;
const SUPPORTED_PROTOCOLS: u8 = 4;

/// What a label says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinCode {
    /// Who it is.
    pub label: DeviceLabel,
    /// The classes that it asks for; `None`: it does not say.
    pub classes: Option<BTreeSet<KeyClass>>,
    /// Whether it joins by itself once it has power; `None`: it does not say.
    pub joins_by_itself: Option<bool>,
    /// Manufacturer, product type, product and version, where told.
    pub product: Option<(u16, u16, u16, u16)>,
}

/// Why a text is neither a label nor a QR code. Never carries the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// See the text.
    #[error(
        "is neither the digits of a label (eight groups of five) nor the text of a Z-Wave QR code (digits, beginning with 90)"
    )]
    NeitherOf,
    /// Ends too early; the place, counted from 0.
    #[error("ends too early: digit {0} is missing")]
    Short(usize),
    /// The checksum does not fit.
    #[error("has a digit wrong or missing: its checksum does not fit")]
    Checksum,
    /// A version nobody defined.
    #[error("is of version {0}, which is not known here")]
    Version(u8),
    /// A number that is too large; the place, counted from 0.
    #[error("has a number at digit {0} that is too large")]
    Number(usize),
    /// It must be understood, and is not; the type.
    #[error("has a part of type {0} that must be understood, and is not known here")]
    Critical(u8),
}

/// Reads the text of a QR code, or a label's digits.
///
/// # Errors
/// [`CodeError`].
pub fn read(text: &str) -> Result<JoinCode, CodeError> {
    if let Some(label) = DeviceLabel::read(text) {
        return Ok(JoinCode { label, classes: None, joins_by_itself: None, product: None });
    }
    let code: String = text.split_whitespace().collect();
    if !code.starts_with(LEAD) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CodeError::NeitherOf);
    }
    let number = |at: usize, digits: usize| -> Result<u32, CodeError> {
        let text = code.get(at..at + digits).ok_or(CodeError::Short(code.len()))?;
        text.parse().map_err(|_| CodeError::Number(at))
    };
    let word = |at: usize| u16::try_from(number(at, 5)?).map_err(|_| CodeError::Number(at));
    let version = number(2, 2)?;
    let checksum = word(CHECKSUM)?;
    let digest: [u8; 20] = Sha1::digest(code.as_bytes().get(CHECKED..).unwrap_or_default()).into();
    if code.len() < ENTRIES {
        return Err(CodeError::Short(code.len()));
    }
    if checksum != u16::from_be_bytes([digest[0], digest[1]]) {
        return Err(CodeError::Checksum);
    }
    let joins_by_itself = match version {
        0 => false,
        1 => true,
        other => return Err(CodeError::Version(u8::try_from(other).unwrap_or(u8::MAX))),
    };
    let keys = u8::try_from(number(CHECKED, 3)?).map_err(|_| CodeError::Number(CHECKED))?;
    let label = code.get(12..ENTRIES).and_then(DeviceLabel::read).ok_or(CodeError::Number(12))?;
    let mut product = None;
    let mut at = ENTRIES;
    while at < code.len() {
        let kind = u8::try_from(number(at, 2)?).unwrap_or(u8::MAX);
        let length = usize::try_from(number(at + 2, 2)?).unwrap_or(usize::MAX);
        let value = at + 4;
        if code.len() < value.saturating_add(length) {
            return Err(CodeError::Short(code.len()));
        }
        match kind >> 1 {
            PRODUCT_ID if length == 20 => {
                product = Some((word(value)?, word(value + 5)?, word(value + 10)?, word(value + 15)?));
            }
            PRODUCT_TYPE | PRODUCT_ID | MAX_INCLUSION_REQUEST_INTERVAL | UUID16 | SUPPORTED_PROTOCOLS => {}
            other if kind & 1 != 0 => return Err(CodeError::Critical(other)),
            _ => {}
        }
        at = value + length;
    }
    Ok(JoinCode { label, classes: Some(classes(keys)), joins_by_itself: Some(joins_by_itself), product })
}

/// The text of the QR code of a device that exists only in software: its label, what it asks for, and whether it joins by
/// itself.
pub fn write(label: &DeviceLabel, asks_for: &[KeyClass], joins_by_itself: bool) -> String {
    let keys: u8 = KEY_BITS.iter().filter(|(_, class)| asks_for.contains(class)).map(|(bit, _)| bit).sum();
    let checked = format!("{keys:03}{}", label.whole().replace('-', ""));
    let digest: [u8; 20] = Sha1::digest(checked.as_bytes()).into();
    let checksum = u16::from_be_bytes([digest[0], digest[1]]);
    format!("{LEAD}{:02}{checksum:05}{checked}", u8::from(joins_by_itself))
}

/// The bits are those of the key exchange (CC:009F, "Requested Keys").
const KEY_BITS: [(u8, KeyClass); 4] = [
    (0x80, KeyClass::S0),
    (0x01, KeyClass::S2Unauthenticated),
    (0x02, KeyClass::S2Authenticated),
    (0x04, KeyClass::S2AccessControl),
];

fn classes(keys: u8) -> BTreeSet<KeyClass> {
    KEY_BITS.into_iter().filter(|(bit, _)| keys & bit != 0).map(|(_, class)| class).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABEL: &str = "18750-33532-29766-19033-09864-05986-15648-21445";
    /// Read by @zwave-js/core 15.29.0 (`parseQRCodeString`) as SmartStart, for this label.
    const SMART_START: &str =
        "90015025900718750335322976619033098640598615648214450010163870076802200029732770015360026404030050803003";
    /// The same without SmartStart.
    const S2: &str =
        "90005025900718750335322976619033098640598615648214450010163870076802200029732770015360026404030050803003";

    #[test]
    fn a_code_is_read_as_zwave_js_reads_it() {
        let code = read(SMART_START).unwrap();
        assert_eq!(code.label, DeviceLabel::read(LABEL).unwrap());
        let s2 = [KeyClass::S2Unauthenticated, KeyClass::S2Authenticated, KeyClass::S2AccessControl];
        assert_eq!(code.classes, Some(BTreeSet::from(s2)));
        assert_eq!((code.joins_by_itself, code.product), (Some(true), Some((0x0129, 0x8002, 0x0600, 0x0108))));
        assert_eq!(read(S2).unwrap().joins_by_itself, Some(false));
        let spaced: String = SMART_START.chars().flat_map(|digit| [digit, ' ']).collect();
        assert_eq!(read(&spaced), Ok(code));
    }

    #[test]
    fn what_is_written_for_a_device_in_software_is_read_back() {
        let label = DeviceLabel::read(LABEL).unwrap();
        for (asks_for, joins) in [(&[KeyClass::S2AccessControl, KeyClass::S2Authenticated][..], true), (&[], false)] {
            let code = read(&write(&label, asks_for, joins)).unwrap();
            assert_eq!((&code.label, code.joins_by_itself), (&label, Some(joins)));
            assert_eq!(code.classes, Some(asks_for.iter().copied().collect()));
        }
    }

    #[test]
    fn the_digits_of_a_label_will_do() {
        let code = read(LABEL).unwrap();
        assert_eq!((code.label.shown().as_str(), code.classes), (&LABEL[6..], None));
    }

    #[test]
    fn a_wrong_digit_is_found_wherever_it_is() {
        for at in CHECKED..SMART_START.len() {
            let mut wrong = SMART_START.to_owned();
            let digit = if &wrong[at..=at] == "0" { "1" } else { "0" };
            wrong.replace_range(at..=at, digit);
            assert_eq!(read(&wrong), Err(CodeError::Checksum), "digit {at}");
        }
        assert_eq!(read(&SMART_START[..51]), Err(CodeError::Short(51)));
        assert_eq!(read("18750"), Err(CodeError::NeitherOf));
        assert_eq!(read("9002abc"), Err(CodeError::NeitherOf));
    }

    #[test]
    fn no_error_tells_the_digits() {
        for text in ["90139999903187503353229766", &SMART_START[..60], LABEL.trim_end_matches('5')] {
            let error = read(text).unwrap_err().to_string();
            assert!(!error.contains("18750"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_nothing_panics(text: String, digits in "90[0-9]{0,120}") {
            let _ = (read(&text), read(&digits));
        }
    }
}
