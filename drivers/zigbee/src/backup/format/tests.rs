use super::*;

/// Of a stick of Texas Instruments, by zigbee-herdsman (its tests' `backupMatchingConfig`, shortened).
const ZIGBEE2MQTT: &str = r#"{
    "metadata": {
        "format": "zigpy/open-coordinator-backup", "version": 1, "source": "zigbee-herdsman@0.13.65",
        "internal": {"date": "2021-03-03T19:15:40.524Z", "znpVersion": 2}
    },
    "stack_specific": {"zstack": {"tclk_seed": "928a2c479e72a9a53e3b5133fc55021f"}},
    "coordinator_ieee": "00124b0009d80ba7", "pan_id": "7b", "extended_pan_id": "00124b0009d69f77",
    "nwk_update_id": 0, "security_level": 5, "channel": 21, "channel_mask": [21],
    "network_key": {"key": "01030507090b0d0f00020406080a0c0d", "sequence_number": 0, "frame_counter": 16754},
    "devices": [
        {"nwk_address": "ddf6", "ieee_address": "00124b002226ef87"},
        {"nwk_address": "c2dc", "ieee_address": "04cf8cdf3c79455f", "is_child": false,
         "link_key": {"key": "0e768569dd935d8e7302e74e7629f13f", "rx_counter": 0, "tx_counter": 275}},
        {"nwk_address": null, "ieee_address": "680ae2fffeae5647", "is_child": false, "link_key": null}
    ]
}"#;

fn backup() -> NetworkBackup {
    NetworkBackup::from_json(ZIGBEE2MQTT).unwrap()
}

/// The backup with one text in the place of another.
fn changed(from: &str, to: &str) -> Result<NetworkBackup, BackupError> {
    assert!(ZIGBEE2MQTT.contains(from), "{from}");
    NetworkBackup::from_json(&ZIGBEE2MQTT.replacen(from, to, 1))
}

#[test]
fn a_backup_of_zigbee2mqtt_is_read() {
    let backup = backup();
    assert_eq!(backup.coordinator, Ieee(0x0012_4B00_09D8_0BA7));
    assert_eq!((backup.network.pan, backup.network.channel), (0x007B, 21));
    assert_eq!(backup.network.extended_pan, Ieee(0x0012_4B00_09D6_9F77));
    assert_eq!(backup.network.network_key.expose()[..4], [0x01, 0x03, 0x05, 0x07]);
    assert_eq!((backup.key_sequence, backup.frame_counter), (0, 16754));
    assert_eq!(backup.seed_of(Family::Znp).unwrap().expose()[..2], [0x92, 0x8A]);
    assert_eq!(backup.seed_of(Family::Ezsp), None);
    let [child, keyed, unplaced] = &backup.devices[..] else { panic!("{:?}", backup.devices) };
    assert_eq!((child.nwk, child.is_child, &child.link_key), (Some(Nwk(0xDDF6)), true, &None));
    let link_key = keyed.link_key.as_ref().unwrap();
    assert_eq!((link_key.sent, link_key.received, keyed.is_child), (275, 0, false));
    assert_eq!((unplaced.nwk, &unplaced.link_key), (None, &None));
}

#[test]
fn zigbee2mqtt_s_addresses_of_a_stick_of_silicon_labs_are_turned_round() {
    let ezsp = r#"{"ezsp": {"hashed_tclk": "928a2c479e72a9a53e3b5133fc55021f"}}"#;
    let zstack = r#"{"zstack": {"tclk_seed": "928a2c479e72a9a53e3b5133fc55021f"}}"#;
    let backup = changed(zstack, ezsp).unwrap();
    assert_eq!(backup.network.extended_pan, Ieee(0x779F_D609_004B_1200));
    assert_eq!(backup.coordinator, Ieee(0xA70B_D809_004B_1200));
    assert_eq!(backup.devices[0].ieee, Ieee(0x87EF_2622_004B_1200));
    assert!(backup.seed_of(Family::Ezsp).is_some());
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let backup = backup();
    let text = backup.to_json("2026-11-25T12:00:00+00:00").unwrap();
    assert!(text.contains("\"source\": \"keyway@") && text.contains("\"pan_id\": \"007b\""), "{}", *text);
    assert_eq!(NetworkBackup::from_json(&text), Ok(backup));
}

#[test]
fn an_error_names_the_field_and_holds_no_key() {
    for (from, to, error) in [
        ("\"channel\": 21", "\"channel\": 27", "channel has to be 11 to 26"),
        ("\"pan_id\": \"7b\"", "\"pan_id\": \"ffff\"", "pan_id has to be up to 4 hexadecimal digits, 0001 to fffe"),
        ("\"security_level\": 5", "\"security_level\": 4", "security_level has to be 5"),
        ("080a0c0d\"", "080a0c0\"", "network_key.key has to be 32 hexadecimal digits"),
        ("0e768569", "0e76856x", "devices[1].link_key.key has to be 32 hexadecimal digits"),
        ("680ae2fffeae5647", "00124b002226ef87", "devices[2].ieee_address has to be each device once"),
        ("\"ddf6\"", "\"fffd\"", "devices[0].nwk_address has to be up to 4 hexadecimal digits, or null"),
        ("open-coordinator", "closed", "metadata.format has to be zigpy/open-coordinator-backup"),
        ("00124b0009d80ba7", "ffffffffffffffff", "coordinator_ieee has to be 16 hexadecimal digits, not all 0 or F"),
        (
            "\"frame_counter\"",
            "\"frame\"",
            "this is not a coordinator backup: missing field `frame_counter` at line 9 column 100",
        ),
        (
            r#"{"key": "01030507090b0d0f00020406080a0c0d", "sequence_number": 0, "frame_counter": 16754}"#,
            r#""01030507090b0d0f00020406080a0c0d""#,
            "this is not a coordinator backup: something is of the wrong kind at line 9 column 53",
        ),
    ] {
        assert_eq!(changed(from, to).unwrap_err().to_string(), error);
    }
}

#[test]
fn counters_are_moved_forward_and_never_wrap() {
    let mut backup = backup();
    assert_eq!(backup.moved_forward().frame_counter, 1_016_754);
    assert_eq!(backup.moved_forward().devices[1].link_key.as_ref().unwrap().sent, 1_000_275);
    backup.frame_counter = u32::MAX - 1;
    assert_eq!(backup.moved_forward().frame_counter, u32::MAX);
}
