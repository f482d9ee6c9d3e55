//! A volume, the images that fill it, and what users do to it: made anew for each run, on a
//! tmpfs of this program's own where it may mount one.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::picture::{Picture, from_text, identity, picture};
use super::tracer::{Ended, Exit, Verdict, on_one_core, trace, wait_for_the_rest};

/// A history of a volume whose last start but one is disturbed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story {
    /// For people.
    pub(crate) name: &'static str,
    /// The lines of [[volume]] besides path and seed.
    pub(crate) lines: &'static str,
    /// The version that filled the volume before; users changed it then.
    pub(crate) before: Option<&'static str>,
    /// The version whose start is disturbed.
    pub(crate) disturbed: &'static str,
    /// The version that is started then.
    pub(crate) after: &'static str,
}

/// The stories that every sweep goes through.
pub(crate) const STORIES: [Story; 4] = [
    Story { name: "first fill", lines: "", before: None, disturbed: "1", after: "1" },
    Story {
        name: "upgrade",
        lines: "policy = \"upgrade\"\nconflicts = \"new-file\"\nkeep = [\"kept/**\"]",
        before: Some("1"),
        disturbed: "2",
        after: "2",
    },
    Story { name: "missing", lines: "policy = \"missing\"", before: Some("1"), disturbed: "2", after: "2" },
    Story {
        name: "mirror",
        lines: "policy = \"mirror\"\nkeep = [\"kept/**\"]",
        before: Some("1"),
        disturbed: "2",
        after: "2",
    },
];

/// What becomes of an upgrade that was cut short where another image comes next.
pub(crate) const OTHER_IMAGES: [Story; 2] = [
    Story {
        name: "upgrade, then image 3",
        lines: "policy = \"upgrade\"",
        before: Some("1"),
        disturbed: "2",
        after: "3",
    },
    Story {
        name: "upgrade, then image 1 again",
        lines: "policy = \"upgrade\"\nallow-downgrade = true",
        before: Some("1"),
        disturbed: "2",
        after: "1",
    },
];

/// Where everything is.
pub(crate) struct Site {
    place: PathBuf,
    /// The volume as a story begins with it, and whose.
    beginning: RefCell<Option<(&'static str, Picture)>>,
}

/// How a start ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) ended: Ended,
    pub(crate) text: String,
    /// What the service saw, if it ran.
    pub(crate) seen: Option<Picture>,
}

impl Site {
    /// In an empty directory.
    pub(crate) fn new(place: &Path) -> Self {
        let site = Self { place: place.to_owned(), beginning: RefCell::default() };
        for version in ["1", "2", "3"] {
            site.make_seed(version);
        }
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.path("root/site")
    }

    pub(crate) fn picture(&self) -> Picture {
        picture(&self.volume())
    }

    /// Nothing but the images, and an empty volume.
    pub(crate) fn clear(&self) {
        let volume = self.volume();
        let _ = fs::create_dir_all(&volume);
        for entry in fs::read_dir(&volume).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("lost+found") {
                continue;
            }
            let is_directory = path.symlink_metadata().unwrap().is_dir();
            let removed = if is_directory { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.unwrap();
        }
        fs::set_permissions(&volume, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The volume as the disturbed start finds it.
    pub(crate) fn set_up(&self, story: &Story) {
        if self.is_as_it_began(story) {
            return;
        }
        self.clear();
        if let Some(before) = story.before {
            let said = self.start(story, before);
            assert_eq!(said.ended.exit, Exit::Code(0), "{}", said.text);
            self.change_as_users_do();
            *self.beginning.borrow_mut() = Some((story.name, identity(&self.volume())));
        }
    }

    /// Takes away what a start left beside its records. If nothing else was changed, not even
    /// an inode or a time, the volume needs no making anew.
    fn is_as_it_began(&self, story: &Story) -> bool {
        let beginning = self.beginning.borrow();
        let Some((name, picture)) = beginning.as_ref() else { return false };
        let records = self.volume().join(".castoff");
        if *name != story.name || !records.exists() {
            return false;
        }
        for entry in fs::read_dir(&records).unwrap() {
            let path = entry.unwrap().path();
            let known = ["complete", "manifest", "lock", "started"].iter().any(|name| path.ends_with(name));
            match known {
                true => {}
                false if path.is_dir() => fs::remove_dir_all(&path).unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
        }
        identity(&self.volume()) == *picture
    }

    /// What an undisturbed start makes of it.
    pub(crate) fn expected(&self, story: &Story, version: &str) -> Picture {
        self.set_up(story);
        let said = self.start(story, version);
        assert_eq!(said.ended.exit, Exit::Code(0), "{}", said.text);
        let picture = self.picture();
        assert_eq!(said.seen.as_ref(), Some(&picture), "the service changes nothing");
        picture
    }

    fn change_as_users_do(&self) {
        let volume = self.volume();
        for (name, text) in [
            ("edited", "by a user"),
            ("theirs", "never shipped"),
            ("sub/theirs", "never shipped"),
            ("gone-dir/theirs", "never shipped"),
            ("kept/theirs", "never shipped"),
        ] {
            write(&volume.join(name), text);
        }
        fs::remove_file(volume.join("deleted")).unwrap();
        fs::set_permissions(volume.join("version"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// An undisturbed start, not watched.
    pub(crate) fn start(&self, story: &Story, version: &str) -> Said {
        let mut command = self.command(story, version);
        let status = command.status().unwrap();
        wait_for_the_rest();
        let exit = match (status.code(), std::os::unix::process::ExitStatusExt::signal(&status)) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal.unwrap()),
        };
        self.said(Ended { exit, calls: 0 })
    }

    /// A start with one thread, each of whose calls is judged.
    pub(crate) fn traced(
        &self,
        story: &Story,
        version: &str,
        judge: impl FnMut(&super::tracer::Call) -> Verdict,
    ) -> Said {
        let mut command = self.command(story, version);
        let ended = trace(on_one_core(&mut command), judge).unwrap();
        self.said(ended)
    }

    /// The same with as many threads as there are cores.
    pub(crate) fn traced_with_threads(
        &self,
        story: &Story,
        version: &str,
        judge: impl FnMut(&super::tracer::Call) -> Verdict,
    ) -> Said {
        let ended = trace(&mut self.command(story, version), judge).unwrap();
        self.said(ended)
    }

    fn said(&self, ended: Ended) -> Said {
        let text = fs::read(self.path("said")).unwrap_or_default();
        let seen = fs::read_to_string(self.path("seen")).ok();
        Said {
            ended,
            text: String::from_utf8_lossy(&text).into_owned(),
            seen: seen.map(|text| from_text(&text)),
        }
    }

    pub(crate) fn command(&self, story: &Story, version: &str) -> Command {
        let spec = format!(
            "version = 1\n[image]\nversion = \"{version}\"\n[[volume]]\npath = \"/site\"\nseed = \"{}\"\n{}\n",
            self.path(&format!("seed-{version}")).display(),
            story.lines
        );
        fs::write(self.path("castoff.toml"), spec).unwrap();
        let _ = fs::remove_file(self.path("seen"));
        let own = std::env::current_exe().unwrap();
        let mut command = Command::new(super::castoff());
        command.arg("--config").arg(self.path("castoff.toml")).arg("--root").arg(self.path("root"));
        command.arg("--").arg(own).arg("--service");
        command.arg(self.volume()).arg(self.path("seen"));
        command.current_dir(&self.place).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(self.path("said")).unwrap());
        command
    }

    fn make_seed(&self, version: &str) {
        let seed = self.path(&format!("seed-{version}"));
        let newer = version != "1";
        for name in ["index", "sub/deep/leaf"] {
            write(&seed.join(name), "the same in all");
        }
        for name in ["version", "edited", "deleted", "kept/changes"] {
            write(&seed.join(name), version);
        }
        write(&seed.join("large"), &"0123456789".repeat(if newer { 30_001 } else { 30_000 }));
        if newer {
            write(&seed.join("to-directory/file"), version);
            write(&seed.join("to-file"), version);
            write(&seed.join("new/deep/file"), version);
            symlink("version", seed.join("link")).unwrap();
        } else {
            write(&seed.join("to-directory"), version);
            write(&seed.join("to-file/file"), version);
            write(&seed.join("gone"), version);
            write(&seed.join("gone-dir/file"), version);
            symlink("index", seed.join("link")).unwrap();
        }
        fs::hard_link(seed.join("index"), seed.join("twin")).unwrap();
        nix::unistd::mkfifo(&seed.join("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        for name in ["link", "pipe"] {
            let time = nix::sys::time::TimeSpec::new(1_000_000_000, 0);
            let not_followed = nix::sys::stat::UtimensatFlags::NoFollowSymlink;
            nix::sys::stat::utimensat(nix::fcntl::AT_FDCWD, &seed.join(name), &time, &time, not_followed)
                .unwrap();
        }
        let rights = |name: &str, mode| {
            fs::set_permissions(seed.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        rights("", 0o750);
        rights("sub", if newer { 0o700 } else { 0o755 });
        rights("index", if newer { 0o600 } else { 0o644 });
        rights("version", 0o640);
    }
}

/// Writes a file with a time of its own, the same in every run.
pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + text.len() as u64);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}
