use keyway_lock::{Pin, SlotContent};

use super::*;
use crate::cc::user_code::CodeBytes;
use crate::transport::crc16::crc_ccitt;

fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

fn report(kind: CredentialReportType, credential: Credential) -> CredentialReport {
    CredentialReport { kind, credential, shown: true, modifier: Modifier::ZWave(1), next: (0, 0) }
}

#[test]
fn users_are_laid_out_as_zwave_js_does() {
    let user = User::guest(5, NameEncoding::Ascii, b"Ada".to_vec());
    let set = UserCredentialCommand::UserSet(Operation::Add, user.clone());
    assert_eq!(set.encode(), [0x83, 0x05, 0, 0, 5, 0, 1, 1, 0, 0, 0, 3, b'A', b'd', b'a']);
    assert_eq!(UserCredentialCommand::decode(&set.encode()), Ok(set));
    let delete = UserCredentialCommand::UserSet(Operation::Delete, User::none(300));
    assert_eq!(delete.encode(), [0x83, 0x05, 2, 1, 44]);
    assert_eq!(UserCredentialCommand::decode(&delete.encode()), Ok(delete));
    let told = UserReport { kind: UserReportType::Answer, next: 7, modifier: Modifier::ZWave(1), user };
    let told = UserCredentialCommand::UserReport(told);
    let bytes = [0x83, 0x07, 4, 0, 7, 2, 0, 1, 0, 5, 0, 1, 1, 0, 0, 0, 3, b'A', b'd', b'a'];
    assert_eq!(told.encode(), bytes);
    assert_eq!(UserCredentialCommand::decode(&bytes), Ok(told));
    assert_eq!(UserCredentialCommand::UserGet(300).encode(), [0x83, 0x06, 1, 44]);
}

#[test]
fn credentials_are_laid_out_as_zwave_js_does() {
    let set = UserCredentialCommand::CredentialSet(Operation::Add, Credential::pin(5, 9, &pin("0042")));
    assert_eq!(set.encode(), [0x83, 0x0A, 0, 5, 1, 0, 9, 0, 4, b'0', b'0', b'4', b'2']);
    assert_eq!(UserCredentialCommand::decode(&set.encode()), Ok(set));
    let delete = UserCredentialCommand::CredentialSet(Operation::Delete, Credential::no_pin(5, 9));
    assert_eq!(delete.encode(), [0x83, 0x0A, 0, 5, 1, 0, 9, 2]);
    assert_eq!(UserCredentialCommand::decode(&delete.encode()), Ok(delete));
    let get = UserCredentialCommand::CredentialGet { user: 0, kind: PIN_CODE, slot: 300 };
    assert_eq!(get.encode(), [0x83, 0x0B, 0, 0, 1, 1, 44]);
    let told =
        CredentialReport { next: (1, 10), ..report(CredentialReportType::Answer, Credential::pin(5, 9, &pin("0042"))) };
    let told = UserCredentialCommand::CredentialReport(told);
    let bytes = [0x83, 0x0C, 4, 0, 5, 1, 0, 9, 0x80, 4, b'0', b'0', b'4', b'2', 2, 0, 1, 1, 0, 10];
    assert_eq!(told.encode(), bytes);
    assert_eq!(UserCredentialCommand::decode(&bytes), Ok(told));
}

#[test]
fn what_a_report_says_of_its_slot() {
    let of = |data: &[u8], shown, modifier| {
        let credential = Credential { data: CodeBytes::from(data), ..Credential::no_pin(5, 9) };
        CredentialReport { shown, modifier, ..report(CredentialReportType::Answer, credential) }.content()
    };
    assert_eq!(of(b"", true, Modifier::Nobody), SlotContent::Free);
    assert_eq!(of(b"4711", true, Modifier::Local), SlotContent::Code(pin("4711")));
    assert_eq!(of(b"4711", false, Modifier::Local), SlotContent::Hidden);
    assert_eq!(of(&[0xC3, 0x5A], false, Modifier::Local), SlotContent::Hidden);
    // It is there, and nothing is told of it.
    assert_eq!(of(b"", true, Modifier::ZWave(1)), SlotContent::Hidden);
    assert_eq!(of(b"47", true, Modifier::Unknown), SlotContent::Hidden);
}

#[test]
fn capabilities_are_read_field_by_field_over_all_types() {
    let users = UserCapabilities {
        users: 20,
        rules: 0x02,
        name_length: 32,
        all_users_checksum: true,
        name_encodings: 0x04,
        types: vec![0x09],
        ..UserCapabilities::default()
    };
    let bytes = [0x83, 0x02, 0, 20, 0x02, 32, 0x50, 1, 0x09];
    assert!(users.has_guests());
    assert_eq!(users.name_encoding(), NameEncoding::Utf16);
    assert_eq!(UserCredentialCommand::decode(&bytes), Ok(UserCredentialCommand::UserCapabilitiesReport(users.clone())));
    assert_eq!(UserCredentialCommand::UserCapabilitiesReport(users).encode(), bytes);

    let bytes = [0x83, 0x04, 0x80, 2, 1, 9, 0, 0x80, 0, 30, 1, 0, 4, 0, 10, 0, 0, 20, 0, 3, 0, 16];
    let Ok(UserCredentialCommand::CredentialCapabilitiesReport(credentials)) = UserCredentialCommand::decode(&bytes)
    else {
        panic!()
    };
    let pins = credentials.pins().unwrap();
    assert_eq!((pins.slots, pins.min_length, pins.max_length, pins.hash_length), (30, 4, 10, 0));
    let fingers = credentials.types[1];
    assert_eq!((fingers.slots, fingers.learn, fingers.learn_steps, fingers.hash_length), (256, true, 3, 16));
    assert_eq!(UserCredentialCommand::CredentialCapabilitiesReport(credentials).encode(), bytes);
}

#[test]
fn names_are_cut_to_what_fits() {
    assert_eq!(NameEncoding::Ascii.write("Ada", 2), b"Ad");
    assert_eq!(NameEncoding::Utf16.write("Ada", 5), [0, b'A', 0, b'd']);
    assert_eq!(NameEncoding::ExtendedAscii.write("Ada", 0), b"");
}

#[test]
fn checksums_cover_what_the_specification_lists_in_its_order() {
    let credentials = || vec![Credential::pin(7, 300, &pin("1234")), Credential::pin(5, 2, &pin("98765"))];
    let pins = [&[0, 2, 5][..], b"98765", &[1, 44, 4], b"1234"].concat();
    assert_eq!(credential_checksum(credentials()), crc_ccitt(&pins));
    assert_eq!(credential_checksum(Vec::new()), 0);
    let user = User::guest(5, NameEncoding::Ascii, b"Ada".to_vec());
    let one = [&[0, 1, 1, 0, 3][..], b"Ada", &[1, 0, 2, 5], b"98765"].concat();
    assert_eq!(user_checksum(&user, vec![credentials()[1].clone()]), crc_ccitt(&one));
    let all = [&[0, 5][..], &one].concat();
    assert_eq!(all_users_checksum(vec![(user, vec![credentials()[1].clone()])]), crc_ccitt(&all));
    assert_eq!(all_users_checksum(Vec::new()), 0);
}

#[test]
fn a_credential_is_given_to_another_user_and_checksums_are_asked_for() {
    for command in [
        UserCredentialCommand::AssociationSet { kind: PIN_CODE, slot: 9, user: 300 },
        UserCredentialCommand::AssociationReport { kind: PIN_CODE, slot: 9, user: 300, status: 0 },
        UserCredentialCommand::AllUsersChecksumReport(0x1D0F),
        UserCredentialCommand::UserChecksumReport { user: 300, checksum: 0x1D0F },
        UserCredentialCommand::CredentialChecksumReport { kind: PIN_CODE, checksum: 0x1D0F },
        UserCredentialCommand::UserChecksumGet(300),
        UserCredentialCommand::CredentialChecksumGet(PIN_CODE),
    ] {
        assert_eq!(UserCredentialCommand::decode(&command.encode()), Ok(command));
    }
    assert_eq!(
        UserCredentialCommand::decode(&[0x83, 0x12, 1, 0, 9, 1, 44]).unwrap().encode(),
        [0x83, 0x12, 1, 0, 9, 1, 44]
    );
}

#[test]
fn a_cut_report_is_an_error_and_no_debug_output_shows_a_pin() {
    assert!(matches!(
        UserCredentialCommand::decode(&[0x83, 0x0C, 4, 0, 5, 1, 0, 9, 0x80, 4, b'0']),
        Err(CcError::Wire(_))
    ));
    let set = UserCredentialCommand::CredentialSet(Operation::Add, Credential::pin(5, 9, &pin("8642")));
    let shown = format!("{set:?}");
    assert!(!shown.contains("8642") && !shown.contains("56, 54"), "{shown}");
}
