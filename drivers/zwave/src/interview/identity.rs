//! Who made it, which model and firmware it is, whether it can show itself.

use super::stage::{InterviewAsk, LEARNED, Stage};
use crate::cc::indicator::{self, IndicatorCommand};
use crate::cc::manufacturer_specific::{self, ManufacturerSpecificCommand, id_text};
use crate::cc::version::{self, VersionCommand};
use crate::cc::zwave_plus::{self, ZwavePlusCommand};

pub(super) const IDENTIFY: Stage = Stage {
    name: "whether it can show itself",
    ask: |record, _| {
        let able = record.supports(indicator::CLASS) && record.version_of(indicator::CLASS) >= 3;
        if !able || record.identifies.is_some() {
            return Vec::new();
        }
        let get = IndicatorCommand::SupportedGet(indicator::IDENTIFY).encode();
        vec![InterviewAsk::report(get, [indicator::CLASS, indicator::SUPPORTED_REPORT])]
    },
    learn: |record, _, heard| match IndicatorCommand::decode(heard.report()?).ok()? {
        IndicatorCommand::SupportedReport { indicator, properties, .. } => {
            let blinks = properties.first().is_some_and(|bits| bits & 1 << indicator::CYCLES != 0);
            record.identifies = Some(indicator == indicator::IDENTIFY && blinks);
            LEARNED
        }
        _ => None,
    },
};

pub(super) const PRODUCT: Stage = Stage {
    name: "manufacturer and product",
    ask: |record, _| {
        if !record.supports(manufacturer_specific::CLASS) || record.product.is_some() {
            return Vec::new();
        }
        let get = ManufacturerSpecificCommand::Get.encode();
        vec![InterviewAsk::report(get, [manufacturer_specific::CLASS, 0x05])]
    },
    learn: |record, _, heard| match ManufacturerSpecificCommand::decode(heard.report()?).ok()? {
        ManufacturerSpecificCommand::Report { manufacturer, product_type, product } => {
            record.product = Some((manufacturer, product_type, product));
            LEARNED
        }
        _ => None,
    },
};

pub(super) const SERIAL_NUMBER: Stage = Stage {
    name: "serial number",
    ask: |record, _| {
        const CLASS: u8 = manufacturer_specific::CLASS;
        if !record.supports(CLASS) || record.version_of(CLASS) < 2 || record.serial_number.is_some() {
            return Vec::new();
        }
        let kind = manufacturer_specific::SERIAL_NUMBER;
        let get = ManufacturerSpecificCommand::DeviceSpecificGet { kind }.encode();
        vec![InterviewAsk::report(get, [CLASS, manufacturer_specific::DEVICE_SPECIFIC_REPORT])]
    },
    learn: |record, _, heard| match ManufacturerSpecificCommand::decode(heard.report()?).ok()? {
        ManufacturerSpecificCommand::DeviceSpecificReport { kind, is_text, id } => {
            // One of another kind is what it tells that has none.
            let is_own = kind == manufacturer_specific::SERIAL_NUMBER;
            record.serial_number = Some(if is_own { id_text(is_text, &id) } else { String::new() });
            LEARNED
        }
        _ => None,
    },
};

pub(super) const FIRMWARE: Stage = Stage {
    name: "firmware version",
    ask: |record, _| {
        if !record.supports(version::CLASS) || record.firmware.is_some() {
            return Vec::new();
        }
        vec![InterviewAsk::report(VersionCommand::Get.encode(), [version::CLASS, 0x12])]
    },
    learn: |record, _, heard| match VersionCommand::decode(heard.report()?).ok()? {
        VersionCommand::Report { firmware, .. } => {
            record.firmware = Some(firmware);
            LEARNED
        }
        _ => None,
    },
};

pub(super) const ZWAVE_PLUS: Stage = Stage {
    name: "Z-Wave Plus information",
    ask: |record, _| {
        if !record.supports(zwave_plus::CLASS) || record.role_type.is_some() {
            return Vec::new();
        }
        vec![InterviewAsk::report(ZwavePlusCommand::Get.encode(), [zwave_plus::CLASS, 0x02])]
    },
    learn: |record, _, heard| match ZwavePlusCommand::decode(heard.report()?).ok()? {
        ZwavePlusCommand::Report { role, .. } => {
            record.role_type = Some(role);
            LEARNED
        }
        ZwavePlusCommand::Get => None,
    },
};
