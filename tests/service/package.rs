//! The package, packed from the program under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Of the package that an upgrade is from, and a downgrade to.
pub(super) const OLDER: &str = "0.0.9";
/// Of the package otherwise.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder that the container sees as `/packages`.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/debian")
}

/// Packs it as this version, once; its path in the container.
pub(super) fn packed_as(version: &str) -> String {
    static PACKED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let mut packed = PACKED.lock().expect("a package could not be packed");
    if let Some((_, path)) = packed.iter().find(|(known, _)| known == version) {
        return path.clone();
    }
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/build-deb"));
    command.args(["--binary", env!("CARGO_BIN_EXE_keyway"), "--version", version]);
    let output = command.output().expect("packaging/build-deb can't be started");
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let name = Path::new(&told).file_name().expect("a file").to_string_lossy();
    let path = format!("/packages/{name}");
    packed.push((version.to_owned(), path.clone()));
    path
}
