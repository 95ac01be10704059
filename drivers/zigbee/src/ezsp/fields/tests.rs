use super::super::table::{Command, Layout, NEWEST, Side};
use super::*;

/// What bellows makes of every command in every version; see `tests/golden/ezsp.py`.
const BELLOWS: &str = include_str!("../../../tests/golden/ezsp.txt");

struct Vector<'a> {
    versions: std::ops::RangeInclusive<u8>,
    side: Side,
    command: Command,
    fields: Vec<(&'a str, &'a str)>,
    bytes: Vec<u8>,
}

fn vectors() -> impl Iterator<Item = Vector<'static>> {
    BELLOWS.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let [what, fields, bytes] = line.split(" |").collect::<Vec<_>>().try_into().expect(line);
        let [first, last, side, name] = what.split(' ').collect::<Vec<_>>().try_into().expect(line);
        let named = |command: &&Command| format!("{command:?}").eq_ignore_ascii_case(name);
        Vector {
            versions: first.parse().unwrap()..=last.parse().unwrap(),
            side: if side == "request" { Side::Request } else { Side::Answer },
            command: *Command::ALL.iter().find(named).expect(name),
            fields: fields.trim().split("; ").filter_map(|field| field.split_once('=')).collect(),
            bytes: hex(bytes.trim()),
        }
    })
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::Words(words) => words.iter().map(u16::to_string).collect::<Vec<_>>().join(","),
    }
}

#[test]
fn every_command_is_read_and_written_in_every_version_as_bellows_does() {
    for vector in vectors() {
        for version in vector.versions {
            let Some(layout) = Layout::of(version, vector.command) else { continue };
            let what = format!("{:?} {:?} in version {version}", vector.command, vector.side);
            let mut reader = Reader::new(&vector.bytes);
            let fields = layout.decode(version, vector.side, &mut reader).expect(&what);
            assert_eq!(reader.left(), 0, "{what}");
            let read: Vec<_> = fields.0.iter().map(|(field, value)| (field.name(), shown(value))).collect();
            let read: Vec<_> = read.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(read, vector.fields, "{what}");
            assert_eq!(layout.encode(version, vector.side, &fields), vector.bytes, "{what}");
        }
    }
}

#[test]
fn every_line_of_the_table_was_held_against_bellows() {
    // There is no version 15 in the field.
    for version in (8..=NEWEST).filter(|version| *version != 15) {
        for command in Command::ALL {
            let tested = |vector: Vector| vector.command == *command && vector.versions.contains(&version);
            if let Some(layout) = Layout::of(version, *command) {
                assert!(vectors().any(tested), "{command:?} in version {version}");
                let found = Layout::by_id(version, layout.id).map(|found| found.command);
                assert_eq!(found, Some(*command), "version {version}, id {:#06x}", layout.id);
            }
        }
    }
}

#[test]
fn frames_recorded_of_a_stick_of_version_14_are_read() {
    // zigbee-herdsman: a lamp answers by a default response.
    let bytes = hex("000401060001010001000070dec90000000000000000ffff0300060000000518040b0000");
    let layout = Layout::by_id(14, 0x0045).unwrap();
    let fields = layout.decode(14, Side::Answer, &mut Reader::new(&bytes)).unwrap();
    assert_eq!((fields.nwk(Field::Nwk), fields.u16(Field::Cluster), fields.u8(Field::Lqi)), (Nwk(0xC9DE), 0x0006, 3));
    assert_eq!(fields.bytes(Field::Message), [0x18, 0x04, 0x0B, 0x00, 0x00]);
    let command = Fields::new()
        .with(Field::Destination, 0xC9DE_u16)
        .with(Field::Profile, 0x0104_u16)
        .with(Field::Cluster, 0x0006_u16)
        .with(Field::SourceEndpoint, 1_u8)
        .with(Field::DestinationEndpoint, 1_u8)
        .with(Field::Options, 0x1140_u16)
        .with(Field::Tag, 3_u16)
        .with_bytes(Field::Message, &[0x01, 0x04, 0x00]);
    let layout = Layout::of(14, Command::SendUnicast).unwrap();
    assert_eq!(layout.encode(14, Side::Request, &command), hex("00dec90401060001014011000000030003010400"));
}

#[test]
fn a_short_answer_names_the_field() {
    let layout = Layout::of(13, Command::GetNetworkParameters).unwrap();
    let error = layout.decode(13, Side::Answer, &mut Reader::new(&[0x00, 0x01, 0x02])).unwrap_err();
    assert_eq!(error.to_string(), "extended PAN id at offset 2 needs 8 byte(s), 1 left");
}

#[test]
fn a_version_newer_than_the_table_is_read_as_its_newest() {
    assert!(Layout::of(NEWEST + 7, Command::SendUnicast).is_some());
    assert!(Layout::of(14, Command::GetKey).is_none() && Layout::of(7, Command::GetKey).is_none());
}

#[test]
fn debug_shows_no_values() {
    let fields = Fields::new().with_key(Field::NetworkKey, &Key::well_known()).with(Field::Channel, 15_u8);
    assert_eq!(format!("{fields:?}"), "[NetworkKey, Channel]");
}
