//! The files of a folder: whether they are on a disk, how large they are, and how often they or their folders are changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

/// File systems that are no disk, as statfs(2) has them: of these, no byte is ever counted as written.
const MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58F6];

/// Looks, again and again, which of its files and folders were changed.
pub(crate) struct Watch {
    folder: PathBuf,
    last: BTreeMap<PathBuf, (SystemTime, u64)>,
    /// How often one had been changed since the look before.
    pub(crate) writes: u32,
}

impl Watch {
    /// From now on.
    pub(crate) fn on(folder: &Path) -> Result<Self> {
        let last = written(folder)?;
        Ok(Self { folder: folder.to_owned(), last, writes: 0 })
    }

    /// A look.
    pub(crate) fn look(&mut self) -> Result<()> {
        let now = written(&self.folder)?;
        let changed = now.iter().filter(|(path, state)| self.last.get(*path) != Some(state)).count();
        self.writes += u32::try_from(changed)?;
        self.last = now;
        Ok(())
    }
}

/// That what is written into this folder goes to a disk.
pub(crate) fn ensure_on_disk(folder: &Path) -> Result<()> {
    let system = rustix::fs::statfs(folder)?;
    let of_memory = u64::try_from(system.f_type).is_ok_and(|kind| MEMORY.contains(&kind));
    ensure!(!of_memory, "{} is in memory: TMPDIR must name a folder on a disk", folder.display());
    Ok(())
}

/// Bytes of all files in these folders, but not in those of this name within.
pub(crate) fn size(folder: &Path, without: &[&str]) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && !without.iter().any(|name| entry.file_name() == *name) {
            sum += size(&entry.path(), without)?;
        } else if kind.is_file() {
            sum += entry.metadata()?.len();
        }
    }
    Ok(sum)
}

fn written(folder: &Path) -> Result<BTreeMap<PathBuf, (SystemTime, u64)>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        // One that is gone meanwhile was no file to be kept.
        let Ok(state) = entry.metadata() else { continue };
        if state.is_dir() {
            files.extend(written(&entry.path())?);
        }
        files.insert(entry.path(), (state.modified()?, state.len()));
    }
    Ok(files)
}
