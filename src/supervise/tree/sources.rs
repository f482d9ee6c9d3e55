//! Tells when the files have changed that values and templates were read from.
//!
//! inotify(7) tells when to look; what stat(2) finds decides. Each directory that the way to a
//! file leads through a link from is watched too: secrets that are changed by turning a link, as
//! Kubernetes does, are seen. Nothing is read here.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::super::voice::{Level, Voice};
use crate::service::changes::{Changes, Look};
use crate::sys::file_version::FileVersion;
use crate::sys::inotify::{Inotify, WatchId};

/// A change counts when it has lasted so long.
const PAUSE: Duration = Duration::from_millis(200);

/// A path that leads through more links leads nowhere (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The files.
#[derive(Debug)]
pub(super) struct Sources {
    /// `None`: nothing is watched.
    inotify: Option<Inotify>,
    files: Vec<PathBuf>,
    changes: Changes<Option<FileVersion>>,
    watched: Vec<WatchId>,
    /// When to look.
    due: Option<Duration>,
}

impl Sources {
    /// Watches `files`, each in the version that was read.
    pub(super) fn new(files: Vec<(PathBuf, FileVersion)>, now: Duration, voice: Voice) -> Self {
        let inotify = (!files.is_empty()).then(Inotify::new).and_then(|made| {
            let refused = |errno: nix::errno::Errno| {
                let line = format!("changes of files are not noticed: inotify_init1: {}", errno.desc());
                voice.say(Level::Warn, &line);
            };
            made.map_err(refused).ok()
        });
        let (files, read): (Vec<_>, Vec<_>) =
            files.into_iter().map(|(path, version)| (path, Some(version))).unzip();
        // what has changed since they were read is found by the first look
        let due = inotify.is_some().then_some(now);
        Self { inotify, files, changes: Changes::new(read), watched: Vec::new(), due }
    }

    /// For poll(2).
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.inotify.as_ref().map(Inotify::descriptor)
    }

    /// When [`Sources::have_changed`] is to be asked.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Takes in that something has happened.
    pub(super) fn hear(&mut self, now: Duration) {
        let Some(inotify) = &mut self.inotify else { return };
        inotify.read(|_| {});
        self.due.get_or_insert(now.saturating_add(PAUSE));
    }

    /// Looks, where it is time to: whether to render again.
    pub(super) fn have_changed(&mut self, now: Duration) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.due = None;
        // before the look: what changes after it is told
        self.watch();
        let look = self.changes.look(self.versions());
        if look == Look::Unsettled {
            self.due = Some(now.saturating_add(PAUSE));
        }
        look == Look::Changed
    }

    /// They are about to be read again.
    pub(super) fn are_rendered(&mut self) {
        if self.inotify.is_some() {
            self.changes.render(self.versions());
        }
    }

    fn versions(&self) -> Vec<Option<FileVersion>> {
        self.files.iter().map(|path| FileVersion::at(path)).collect()
    }

    /// Watches what is there now, and no more what was.
    fn watch(&mut self) {
        let Some(inotify) = &self.inotify else { return };
        let mut watched = Vec::new();
        for file in &self.files {
            let directories = on_the_way(file);
            watched.extend(directories.iter().filter_map(|path| inotify.watch_directory(path).ok()));
            watched.extend(inotify.watch_content(file).ok());
        }
        for old in std::mem::replace(&mut self.watched, watched) {
            if !self.watched.contains(&old) {
                inotify.forget(old);
            }
        }
    }
}

/// The directories that decide where a path leads to: those that hold the links on its way, and
/// that of the file itself; where the way ends early, the last that is there.
fn on_the_way(path: &Path) -> Vec<PathBuf> {
    let parts = |path: &Path| -> Vec<OsString> {
        let names = path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
        names.map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut ahead: VecDeque<OsString> = parts(path).into();
    let mut here = PathBuf::from("/");
    let mut found = Vec::new();
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&name);
        match next.read_link() {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                found.push(here.clone());
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for part in parts(&target).into_iter().rev() {
                    ahead.push_front(part);
                }
            }
            _ if ahead.is_empty() || !next.exists() => break,
            _ => here = next,
        }
    }
    found.push(here);
    found
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{PAUSE, Sources, on_the_way};
    use crate::supervise::Voice;
    use crate::sys::file_version::FileVersion;
    use crate::sys::fixture::Scratch;

    const NOW: Duration = Duration::from_secs(100);

    fn sources(paths: &[PathBuf]) -> Sources {
        let files = paths.iter().map(|path| (path.clone(), FileVersion::at(path).unwrap())).collect();
        let mut sources = Sources::new(files, NOW, Voice::default());
        assert!(!sources.have_changed(NOW));
        assert_eq!(sources.due(), None);
        sources
    }

    /// Whether it comes to rendering, by as many looks as are due.
    fn is_noticed(sources: &mut Sources) -> bool {
        sources.hear(NOW);
        let mut now = NOW;
        while let Some(due) = sources.due() {
            assert!(due <= now + PAUSE);
            now = due;
            if sources.have_changed(now) {
                sources.are_rendered();
                return true;
            }
        }
        false
    }

    #[test]
    fn each_way_of_changing_a_file_is_noticed() {
        let scratch = Scratch::new();
        let (file, other) = (scratch.path("file"), scratch.path("other"));
        fs::write(&file, "1").unwrap();
        let mut sources = sources(std::slice::from_ref(&file));
        fs::write(&other, "2").unwrap();
        assert!(!is_noticed(&mut sources), "another file");
        fs::rename(&other, &file).unwrap();
        assert!(is_noticed(&mut sources), "renamed over it");
        fs::write(&file, "3").unwrap();
        assert!(is_noticed(&mut sources), "written in its place");
        fs::remove_file(&file).unwrap();
        assert!(is_noticed(&mut sources), "gone");
        assert!(!is_noticed(&mut sources), "still gone");
        fs::write(&file, "4").unwrap();
        assert!(is_noticed(&mut sources), "there again");
    }

    #[test]
    fn a_directory_that_a_link_leads_to_is_exchanged() {
        // as Kubernetes changes a secret
        let scratch = Scratch::new();
        for (name, text) in [("..1", "a"), ("..2", "b")] {
            fs::create_dir(scratch.path(name)).unwrap();
            fs::write(scratch.path(name).join("password"), text).unwrap();
        }
        symlink("..1", scratch.path("..data")).unwrap();
        symlink("..data/password", scratch.path("password")).unwrap();
        let mut sources = sources(&[scratch.path("password")]);
        assert!(on_the_way(&scratch.path("password")).ends_with(&[scratch.path(""), scratch.path("..1")]));
        symlink("..2", scratch.path("..new")).unwrap();
        fs::rename(scratch.path("..new"), scratch.path("..data")).unwrap();
        assert!(is_noticed(&mut sources));
        fs::write(scratch.path("..2/password"), "c").unwrap();
        assert!(is_noticed(&mut sources), "the one that it leads to now");
    }

    #[test]
    fn what_changed_between_the_reading_and_the_watching_is_noticed() {
        let scratch = Scratch::new();
        let file = scratch.path("file");
        fs::write(&file, "1").unwrap();
        let version = FileVersion::at(&file).unwrap();
        fs::write(&file, "22").unwrap();
        let mut sources = Sources::new(vec![(file, version)], NOW, Voice::default());
        assert!(!sources.have_changed(NOW));
        assert_eq!(sources.due(), Some(NOW + PAUSE));
        assert!(sources.have_changed(NOW + PAUSE));
    }

    #[test]
    fn links_in_a_circle_and_ways_that_end_early_are_followed_as_far_as_they_lead() {
        let scratch = Scratch::new();
        symlink("circle", scratch.path("circle")).unwrap();
        assert_eq!(on_the_way(&scratch.path("circle")).last(), Some(&scratch.path("")));
        assert_eq!(on_the_way(&scratch.path("none/a/b")).last(), Some(&scratch.path("")));
    }
}
