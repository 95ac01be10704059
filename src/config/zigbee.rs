//! A `[[zigbee]]` section: a Zigbee stick.

use std::ops::Range;
use std::path::PathBuf;

use keyway_zigbee::quirks::Quirks;
use serde::Deserialize;
use toml::Spanned;

use super::raw::{port_of, quirks, topic_level};
use super::{Wrong, ZigbeeAdapter, ZigbeeStick, wrong};
use crate::radio::Line;

/// How sticks speak, the likeliest first: nearly all, those that hold the host back by RTS and CTS, and fast ones of today.
const LINES: [Line; 3] = [
    Line::USUAL,
    Line { baud: 115_200, hardware_flow_control: true },
    Line { baud: 460_800, hardware_flow_control: true },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Zigbee {
    name: Option<Spanned<String>>,
    port: Spanned<String>,
    baud: Option<Spanned<u32>>,
    adapter: Option<Spanned<String>>,
    quirks: Option<Spanned<PathBuf>>,
    install_codes: Option<Spanned<String>>,
}

impl Zigbee {
    /// Where in the file it is.
    pub(super) fn span(&self) -> Range<usize> {
        self.port.span()
    }

    pub(super) fn check(self, index: usize) -> Result<ZigbeeStick, Wrong> {
        let name = match &self.name {
            Some(name) => topic_level(name, "zigbee.name")?,
            None if index == 0 => "zigbee".to_owned(),
            None => format!("zigbee{}", index + 1),
        };
        let port = port_of(&self.port, &self.baud, ["zigbee.port", "zigbee.baud"], &LINES)?;
        let adapter = match self.adapter.as_ref().map(|adapter| (adapter, adapter.get_ref().as_str())) {
            None => None,
            Some((_, "ezsp" | "ember")) => Some(ZigbeeAdapter::Ezsp),
            Some((_, "znp" | "zstack")) => Some(ZigbeeAdapter::Znp),
            Some((adapter, _)) => {
                let right = "should be \"ezsp\" (Silicon Labs) or \"znp\" (Texas Instruments), or be left out";
                return Err(wrong(adapter, "zigbee.adapter", right));
            }
        };
        let quirks = match &self.quirks {
            Some(file) => Quirks::built_in().and(quirks(file, "zigbee.quirks", Quirks::parse)?),
            None => Quirks::built_in(),
        };
        let install_codes_only = match self.install_codes.as_ref().map(|word| (word, word.get_ref().as_str())) {
            None | Some((_, "optional")) => false,
            Some((_, "required")) => true,
            Some((word, _)) => {
                return Err(wrong(word, "zigbee.install_codes", "should be \"required\" or \"optional\""));
            }
        };
        Ok(ZigbeeStick { name, port, adapter, quirks, install_codes_only })
    }
}
