//! Backups that nobody asks for.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyway_test_support::{CommandLine, Http, SOON, Signal, World, wait_until};
use serde_json::json;

use crate::{FRONT_DOOR, KEYWAY};

const PASSPHRASE: &str = "correct horse battery staple 8";

/// Has a backup made each Sunday from the next start on, and two of them kept.
fn schedule(world: &World, directory: &Path, passphrase: &Path) {
    std::fs::write(passphrase, format!("{PASSPHRASE}\n")).unwrap();
    std::fs::set_permissions(passphrase, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(world.hub.config()).unwrap();
    let more = format!(
        "\n[backup]\nschedule = \"0 3 * * SUN\"\ntime_zone = \"Europe/Berlin\"\ndirectory = {directory:?}\nkeep = 2\n\
         passphrase_file = {passphrase:?}\n"
    );
    std::fs::write(world.hub.config(), text + &more).unwrap();
}

fn problems(world: &World) -> Vec<String> {
    let health = world.client.ask("health/get", json!({}))["health"].clone();
    serde_json::from_value(health["problems"].clone()).unwrap()
}

fn doctor(world: &World) -> String {
    let mut command = std::process::Command::new(KEYWAY);
    command.args(["doctor", "--config"]).arg(world.hub.config());
    command.args(["--endpoint", &format!("http://{}", world.hub.http().address())]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The backups that stand there once the hub has told that it made one: the old one, and the new one.
fn two_backups(world: &World, directory: &Path) -> [PathBuf; 2] {
    world.client.event("backup.made", SOON * 2, |event| {
        event["file"].as_str().is_some_and(|file| Path::new(file).starts_with(directory))
    });
    let ours = names(directory).into_iter().filter(|name| name.starts_with("keyway-test-"));
    let ours: Vec<PathBuf> = ours.map(|name| directory.join(name)).collect();
    ours.try_into().expect("two are kept")
}

#[test]
fn a_backup_appears_by_itself_and_is_restored_and_the_oldest_goes_and_what_hinders_it_is_told() {
    let mut world = World::new(KEYWAY);
    let grant = world.client.grant(&[&world.devices[0]], -1.0, 600.0);
    world.stick.wait_for_code(FRONT_DOOR, &grant.pin, SOON);
    let folder = tempfile::tempdir().unwrap();
    // A medium that is not there.
    let directory = folder.path().join("usb");
    world.hub.end(Signal::Terminate);
    schedule(&world, &directory, &folder.path().join("passphrase"));
    world.restart_hub();
    let told = wait_until("the missing directory is told", SOON, || {
        problems(&world).into_iter().find(|problem| problem.contains("the last scheduled backup failed"))
    });
    assert!(told.contains(&format!("{} can't be written to", directory.display())), "{told}");
    let failed = world.client.event("backup.failed", SOON, |_| true);
    assert!(told.contains(failed["message"].as_str().unwrap()), "{failed}");
    assert!(doctor(&world).contains("problem  backup         the last scheduled backup failed"));

    std::fs::create_dir(&directory).unwrap();
    for name in ["keyway-test-20260104T020000Z.backup", "keyway-test-20260111T020000Z.backup", "holiday.jpg"] {
        std::fs::write(directory.join(name), "x").unwrap();
    }
    world.hub.end(Signal::Terminate);
    world.restart_hub();
    let [old, new] = two_backups(&world, &directory);
    assert!(old.ends_with("keyway-test-20260111T020000Z.backup"), "{old:?}");
    assert_eq!(names(&directory).len(), 3, "a picture is no backup of ours");
    assert_eq!(new.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    wait_until("nothing is wrong any more", SOON, || problems(&world).is_empty().then_some(()));
    let told = doctor(&world);
    assert!(told.contains("ok       backup         the newest scheduled one in"), "{told}");

    // Not due again before Sunday.
    world.hub.end(Signal::Terminate);
    for file in world.hub.files() {
        std::fs::remove_file(file).unwrap();
    }
    let (file, config) = (new.display().to_string(), world.hub.config().display().to_string());
    let line = ["restore", &file, "--config", &config, "--yes"];
    let said = CommandLine::new(KEYWAY, &Http::new("127.0.0.1:1", "seam_x")).run_with(&line, PASSPHRASE);
    assert_eq!(said.code, 0, "{said:?}");
    world.restart_hub();
    let back = world.client.ask("access_grants/get", json!({"access_grant_id": grant.id}));
    assert_eq!(back["access_grant"]["access_grant_id"], grant.id.as_str());
    assert!(world.stick.type_code(FRONT_DOOR, &grant.pin));
    assert_eq!(names(&directory).len(), 3, "none is made before the next is due");
    assert!(!world.hub.log().lines().iter().any(|line| line.contains(PASSPHRASE)), "the passphrase is in the log");
}
