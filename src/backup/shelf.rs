//! Where backups that are made by a schedule stand, the newest few of them. What else is in the directory is nobody's.

use std::cmp::Reverse;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use super::Part;
use crate::model::{Calendar, Timestamp};

/// The directory, and how many backups stand in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Where.
    pub directory: PathBuf,
    /// The directory is the hub's own, and made when it is missing. Another one is not: it may be a medium that is not
    /// there, and the backups would stand beside what they are to save.
    pub own: bool,
    /// The hub's name, which is in the files' names.
    pub hub: String,
    /// How many are kept.
    pub keep: NonZeroUsize,
}

impl Shelf {
    /// When the newest was made; those of a time that has not come count for nothing. `None`: there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn newest(&self, now: Timestamp) -> io::Result<Option<Timestamp>> {
        Ok(self.all()?.into_iter().map(|(made_at, _)| made_at).filter(|made_at| *made_at <= now).max())
    }

    /// Begins one.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(&self, made_at: Timestamp) -> io::Result<(Part, PathBuf)> {
        if self.own {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        }
        for left in self.names()?.filter(|name| self.made_at(name.strip_suffix(PART).unwrap_or_default()).is_some()) {
            std::fs::remove_file(self.directory.join(left))?;
        }
        let place = self.directory.join(self.name(made_at));
        Ok((Part::new(&place)?, place))
    }

    /// Removes those that are too many, the oldest first; and before them those of a time that has not come: the clock was
    /// wrong then. Only for when a new one is good.
    ///
    /// # Errors
    /// What the system says.
    pub fn clear_out(&self, now: Timestamp) -> io::Result<()> {
        let mut all = self.all()?;
        all.sort_by_key(|(made_at, _)| (*made_at > now, Reverse(*made_at)));
        for (_, name) in all.into_iter().skip(self.keep.get()) {
            std::fs::remove_file(self.directory.join(name))?;
        }
        Ok(())
    }

    /// Those of our own naming.
    fn all(&self) -> io::Result<Vec<(Timestamp, String)>> {
        Ok(self.names()?.filter_map(|name| Some((self.made_at(&name)?, name))).collect())
    }

    fn names(&self) -> io::Result<impl Iterator<Item = String>> {
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
            Err(error) if self.own && error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()))
    }

    /// `keyway-home-20261125T030000Z.backup`.
    fn name(&self, made_at: Timestamp) -> String {
        let moment = made_at.to_string().replace(['-', ':'], "");
        let moment = moment.split('.').next().unwrap_or_default();
        format!("keyway-{}-{moment}Z.backup", self.hub)
    }

    /// The moment in a name, if it is of our naming.
    fn made_at(&self, name: &str) -> Option<Timestamp> {
        let moment =
            name.strip_prefix("keyway-")?.strip_prefix(&self.hub)?.strip_prefix('-')?.strip_suffix(".backup")?;
        let moment = Timestamp::parse(moment).ok()?;
        (self.name(moment) == name).then_some(moment)
    }
}

/// What a file's name ends with while it is being written.
const PART: &str = ".part";

/// What the calendar asks for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A backup, since this moment.
    Since(Timestamp),
    /// Nothing before this moment.
    Not(Timestamp),
    /// Nothing ever.
    Never,
}

impl Due {
    /// A backup is due while the newest is older than the latest moment of the calendar: also one that was missed while the
    /// power was off, or the clock was not trusted.
    pub fn of(calendar: &Calendar, newest: Option<Timestamp>, now: Timestamp) -> Self {
        match calendar.latest(now) {
            Some(latest) if newest.is_none_or(|newest| newest < latest) => Self::Since(latest),
            Some(_) | None => calendar.next(now).map_or(Self::Never, Self::Not),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn shelf(directory: &Path) -> Shelf {
        let keep = NonZeroUsize::new(2).unwrap();
        Shelf { directory: directory.to_owned(), own: false, hub: "home".to_owned(), keep }
    }

    fn names(directory: &Path) -> BTreeSet<String> {
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_backup_is_due_until_one_is_made_whatever_was_missed_and_then_not_before_the_next_moment() {
        let sundays = Calendar::new("0 3 * * SUN", Some("UTC")).unwrap();
        let due = |newest: Option<&str>, now| Due::of(&sundays, newest.map(at), at(now));
        let (last, next) = ("2026-11-22T03:00:00Z", "2026-11-29T03:00:00Z");
        assert_eq!(due(None, "2026-11-25T12:00:00Z"), Due::Since(at(last)), "the first is made at once");
        assert_eq!(due(Some("2026-11-22T02:59:59Z"), "2026-11-25T12:00:00Z"), Due::Since(at(last)), "it was missed");
        assert_eq!(due(Some("2026-11-01T03:00:05Z"), "2026-11-25T12:00:00Z"), Due::Since(at(last)), "three were");
        assert_eq!(due(Some("2026-11-22T03:00:05Z"), "2026-11-25T12:00:00Z"), Due::Not(at(next)));
        assert_eq!(due(Some(last), "2026-11-25T12:00:00Z"), Due::Not(at(next)));
        assert_eq!(due(Some("2026-11-25T12:00:00Z"), next), Due::Since(at(next)), "its moment has come");
        let never = Calendar::new("0 0 30 2 *", Some("UTC")).unwrap();
        assert_eq!(Due::of(&never, None, at(next)), Due::Never);
    }

    #[test]
    fn the_newest_are_kept_and_files_of_other_names_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        let ours =
            ["20261101T030000Z", "20261108T030000Z", "20261115T030000Z"].map(|at| format!("keyway-home-{at}.backup"));
        let others = [
            "keyway-home-2-20261101T030000Z.backup",
            "keyway-home-20261101T030000Z.backup.copy",
            "keyway-home-2026-11-01.backup",
            "keyway-home-20261101T030000+00.backup",
            "keyway-home-before-the-move.backup",
            "photo.jpg",
        ];
        for name in ours.iter().map(String::as_str).chain(others) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let now = at("2026-11-20T00:00:00Z");
        assert_eq!(shelf.newest(now).unwrap(), Some(at("2026-11-15T03:00:00Z")));
        shelf.clear_out(now).unwrap();
        let left: BTreeSet<String> = ours[1..].iter().cloned().chain(others.map(str::to_owned)).collect();
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn a_backup_of_a_time_that_has_not_come_stops_no_new_one_and_goes_before_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        for moment in ["20261101T030000Z", "20261108T030000Z", "20380119T031407Z"] {
            std::fs::write(folder.path().join(format!("keyway-home-{moment}.backup")), "x").unwrap();
        }
        let now = at("2026-11-20T00:00:00Z");
        assert_eq!(shelf.newest(now).unwrap(), Some(at("2026-11-08T03:00:00Z")));
        shelf.clear_out(now).unwrap();
        assert_eq!(shelf.newest(at("2040-01-01T00:00:00Z")).unwrap(), Some(at("2026-11-08T03:00:00Z")));
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn what_was_left_half_done_goes_with_the_next_one_and_what_is_not_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        std::fs::write(folder.path().join("keyway-home-20261101T030000Z.backup.part"), "x").unwrap();
        let now = at("2026-11-20T00:00:00.5Z");
        drop(shelf.begin(now).unwrap());
        assert_eq!(names(folder.path()), BTreeSet::new());
        let (part, place) = shelf.begin(now).unwrap();
        part.keep().unwrap();
        assert_eq!(place, folder.path().join("keyway-home-20261120T000000Z.backup"));
        assert!(place.exists() && names(folder.path()).len() == 1);
    }

    #[test]
    fn only_a_directory_of_the_hubs_own_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("data").join("backups");
        let now = at("2026-11-20T00:00:00Z");
        assert!(shelf(&missing).newest(now).is_err() && shelf(&missing).begin(now).is_err());
        let own = Shelf { own: true, ..shelf(&missing) };
        assert_eq!(own.newest(now).unwrap(), None);
        assert!(own.begin(now).is_ok() && missing.exists());
    }
}
