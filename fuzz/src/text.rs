//! Texts and files that people and other programs write: the configuration, labels, quirks, settings, backups, and what is
//! asked of a stick in software.

use std::io::Write as _;
use std::time::Instant;

use keyway::backup::{self, Cost, FileError, Manifest};
use keyway::cli::network_keys_in;
use keyway::config::Config;
use keyway_lock::{DeviceLabel, InstallCode, JoinPin, NetworkKey, Pin};
use keyway_virtual::stick::{Stick, VirtualOutput};
use keyway_virtual::{zigbee, zwave};
use keyway_zwave::inclusion::code;

use crate::wire::{later, start};

/// Where the costs of the passphrase are in the head of a backup: KiB, passes, lanes.
const COSTS: std::ops::Range<usize> = 15..27;
/// The least that Argon2id takes.
const LEAST: [u8; 12] = [0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 1];
/// What the seeds are sealed with.
const PASSPHRASE: &str = "open sesame";

/// The configuration. An error says where.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Config::parse("keyway.toml", text) {
        assert!(error.to_string().starts_with("keyway.toml, line "), "{error}");
    }
}

/// What is scanned or typed: QR codes, labels, keys, PINs; and files of quirks, and other programs' settings.
pub fn labels_and_files(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(label) = DeviceLabel::read(text) {
        assert_eq!(code::read(text).map(|read| read.label), Ok(label), "digits of a label are a code to join by");
    }
    let _ = (code::read(text), InstallCode::read(text), JoinPin::new(text), NetworkKey::read(text));
    if let Ok(pin) = Pin::new(text) {
        assert_eq!(pin.expose(), text);
    }
    let _ = keyway_zwave::quirks::Quirks::parse(text);
    let _ = keyway_zigbee::quirks::Quirks::parse(text);
    let _ = network_keys_in(text);
}

/// A backup: nothing comes out that was not sealed so. A line that is a manifest is sealed with the rest as the database; it
/// is read again, and is not once a byte in it is another. Anything else is read as it is, but for what it asks of the
/// processor, or an input would take seconds.
pub fn backup_files(data: &[u8]) {
    let (line, rest) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    match serde_json::from_slice::<Manifest>(line) {
        Ok(manifest) => sealed(Manifest { database: rest.len() as u64, ..manifest }, rest),
        Err(_) => foreign(data.to_vec()),
    }
}

#[expect(clippy::unwrap_used, reason = "without a file nothing can be tried")]
fn sealed(manifest: Manifest, database: &[u8]) {
    let mut copy = tempfile::NamedTempFile::new().unwrap();
    copy.write_all(database).unwrap();
    let mut file = Vec::new();
    backup::write(&mut file, PASSPHRASE, Cost::LEAST, [3; 35], &manifest, &[9; 32], copy.path()).unwrap();
    let mut read = Vec::new();
    let (again, key) = backup::read(file.as_slice(), PASSPHRASE, &mut read).unwrap();
    assert_eq!((again, *key, read.as_slice()), (manifest, [9; 32], database));
    // Behind the costs, of which another would only make another key, slowly.
    let at = COSTS.end + database.iter().map(|byte| usize::from(*byte)).sum::<usize>() % (file.len() - COSTS.end);
    file[at] ^= 1;
    assert!(backup::read(file.as_slice(), PASSPHRASE, &mut Vec::new()).is_err(), "byte {at} is another");
}

fn foreign(mut file: Vec<u8>) {
    if let Some(costs) = file.get_mut(COSTS) {
        costs.copy_from_slice(&LEAST);
    }
    let mut database = Vec::new();
    match backup::read(file.as_slice(), PASSPHRASE, &mut database) {
        Ok((manifest, _)) => assert_eq!(manifest.database, database.len() as u64),
        Err(backup::BackupError::File(FileError::Io(error)) | backup::BackupError::Io(error)) => {
            unreachable!("nothing of the system's is at fault: {error}")
        }
        Err(backup::BackupError::File(_)) => {}
    }
}

/// A stick in software: its setup, lines of its control port, bytes of any host. It answers each line, and goes on.
pub fn virtual_sticks(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let setup = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let rest: Vec<&[u8]> = lines.collect();
    let now = start();
    let building = zwave::StickSetup::from_json(setup).unwrap_or_else(|_| zwave::demo_setup());
    serve(zwave::VirtualStick::new(now, building, [7; 32]), now, &rest);
    let building = zigbee::StickSetup::from_json(setup).unwrap_or_else(|_| zigbee::demo_setup());
    serve(zigbee::VirtualStick::new(now, &building, [7; 32]), now, &rest);
}

fn serve(mut stick: impl Stick, mut now: Instant, lines: &[&[u8]]) {
    stick.handle_opened(now);
    for line in lines {
        match std::str::from_utf8(line) {
            Ok(line) if line.starts_with('{') => {
                let answer = stick.handle_control(now, line).answer;
                assert!(answer.is_object(), "a line is answered with an object");
            }
            Ok(_) | Err(_) => stick.handle_bytes(now, line),
        }
        later(&mut now, 3);
        for _ in 0..8 {
            match outputs(&mut stick) {
                Some(at) if at <= now => stick.handle_timeout(now),
                Some(_) | None => break,
            }
        }
    }
    stick.handle_closed(now);
}

fn outputs(stick: &mut impl Stick) -> Option<Instant> {
    loop {
        match stick.poll_output() {
            VirtualOutput::Transmit(_) => {}
            VirtualOutput::Timeout(at) => return at,
        }
    }
}
