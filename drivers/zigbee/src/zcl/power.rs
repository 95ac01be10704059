//! Power Configuration (0x0001): the battery (ZCL 3.3).

/// Cluster id.
pub const CLUSTER: u16 = 0x0001;

/// BatteryVoltage, in tenths of a volt.
pub const BATTERY_VOLTAGE: u16 = 0x0020;
/// BatteryPercentageRemaining, in half per cents: 0 to 200.
pub const BATTERY_PERCENTAGE: u16 = 0x0021;
/// BatteryAlarmState, flags: the battery is below one of its thresholds.
pub const BATTERY_ALARM_STATE: u16 = 0x003E;

/// The battery's level in per cent, 0 to 100. Some models tell it in per cent instead of half per cents (`whole`). More
/// than full is never believed.
pub fn percent(told: u8, whole: bool) -> Option<u8> {
    let percent = if whole { told } else { told.div_ceil(2) };
    (percent <= 100).then_some(percent)
}

/// Whether alarms of this code in the Alarms cluster are about a battery that is low: each of its batteries has four
/// thresholds (ZCL 3.3.2.2.4.8, "BatteryAlarmMask").
pub fn is_low_alarm(code: u8) -> bool {
    matches!(code, 0x10..=0x13 | 0x20..=0x23 | 0x30..=0x33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_per_cents_are_halved_and_more_than_full_is_never_believed() {
        assert_eq!([200, 174, 1, 0].map(|told| percent(told, false)), [Some(100), Some(87), Some(1), Some(0)]);
        assert_eq!([255, 201].map(|told| percent(told, false)), [None, None]);
        assert_eq!([100, 87, 101].map(|told| percent(told, true)), [Some(100), Some(87), None]);
    }
}
