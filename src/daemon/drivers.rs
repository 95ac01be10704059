//! From a stick in the configuration to the driver that works with it.

use std::collections::BTreeMap;

use keyway_lock::{LockId, NetworkRecord, Radio};
use keyway_zigbee::controller::ZigbeeRadio;
use keyway_zigbee::coordinator::Coordinator;
use keyway_zigbee::ezsp::EzspCoordinator;
use keyway_zigbee::finder::AnyCoordinator;
use keyway_zigbee::key::Key;
use keyway_zigbee::znp::ZnpCoordinator;
use keyway_zwave::controller::ZwaveRadio;

use super::DaemonError;
use super::ground::Ground;
use crate::config::{ZigbeeAdapter, ZigbeeStick, ZwaveStick};
use crate::model::RadioKind;
use crate::radio::PortAddress;

/// A stick of any kind, as the configuration has it.
pub(super) enum AnyStick {
    Zwave(ZwaveStick),
    Zigbee(ZigbeeStick),
}

impl AnyStick {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Zwave(stick) => &stick.name,
            Self::Zigbee(stick) => &stick.name,
        }
    }

    pub(super) fn port(&self) -> &PortAddress {
        match self {
            Self::Zwave(stick) => &stick.port,
            Self::Zigbee(stick) => &stick.port,
        }
    }

    pub(super) fn kind(&self) -> RadioKind {
        match self {
            Self::Zwave(_) => RadioKind::Zwave,
            Self::Zigbee(_) => RadioKind::Zigbee,
        }
    }

    /// Names of the locks that the configuration has.
    pub(super) fn lock_names(&self) -> BTreeMap<LockId, String> {
        match self {
            Self::Zwave(stick) => {
                stick.locks.iter().map(|(node, lock)| (LockId::from(*node), lock.name.clone())).collect()
            }
            Self::Zigbee(_) => BTreeMap::new(),
        }
    }

    /// The driver, with what the store has kept.
    pub(super) fn into_radio(
        self,
        records: Vec<NetworkRecord>,
        ground: &Ground,
    ) -> Result<Box<dyn Radio + Send>, DaemonError> {
        Ok(match self {
            Self::Zwave(stick) => {
                let nodes = stick.locks.into_iter().map(|(node, lock)| (node, lock.security)).collect();
                let (keys, soft_reset, quirks) = (stick.keys, stick.soft_reset, stick.quirks);
                let setup = keyway_zwave::controller::Setup { keys, soft_reset, nodes, quirks };
                Box::new(ZwaveRadio::new(setup, records, ground.entropy()?))
            }
            Self::Zigbee(stick) => {
                let setup = keyway_zigbee::controller::Setup {
                    quirks: stick.quirks,
                    install_codes_only: stick.install_codes_only,
                };
                Box::new(ZigbeeRadio::new(coordinator(stick.adapter, ground)?, setup, &records, ground.entropy()?))
            }
        })
    }
}

fn coordinator(adapter: Option<ZigbeeAdapter>, ground: &Ground) -> Result<Box<dyn Coordinator + Send>, DaemonError> {
    let seed = ground.entropy()?;
    let (seed, _) = seed.split_at(Key::LEN);
    let seed = Key::new(std::array::from_fn(|at| seed[at]));
    Ok(match adapter {
        Some(ZigbeeAdapter::Ezsp) => Box::new(EzspCoordinator::new(seed)),
        Some(ZigbeeAdapter::Znp) => Box::new(ZnpCoordinator::new(seed)),
        None => Box::new(AnyCoordinator::new(seed)),
    })
}
