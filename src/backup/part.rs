//! A backup's file while it is being written: readable by its owner only, and in its place when it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::content::{BackupError, Manifest, read};

/// The file while it is being written; gone if it is not kept.
pub struct Part {
    file: File,
    part: PathBuf,
    place: PathBuf,
}

impl Part {
    /// Begins the file that is to be at `place`, in place of one that was left there half done.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(place: &Path) -> io::Result<Self> {
        let mut name = place.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        match std::fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        Ok(Self { file, part, place: place.to_owned() })
    }

    /// Where to write.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Reads it back to its end: what can't be read is worth nothing, and that is found out now, not on the day that it is
    /// needed. Takes as long as a passphrase costs.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn check(&self, passphrase: &str) -> Result<Manifest, BackupError> {
        self.file.sync_all()?;
        let (manifest, _) = read(BufReader::new(File::open(&self.part)?), passphrase, &mut io::sink())?;
        Ok(manifest)
    }

    /// Puts it in its place, also over a power cut.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.part, &self.place)?;
        let folder = self.place.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is not there any more when it was kept.
        let _ = std::fs::remove_file(&self.part);
    }
}
