//! The power fails: castoff works on a file system in a file, and the file is copied just
//! before one of its calls. What the kernel has not written to it by then is lost, as it is
//! with a machine that stops. The copy is mounted, which replays its journal.
//!
//! ext4 commits its journal every 300 seconds here, so nothing but castoff's own syncs gets
//! anything written; its heuristics for careless programs (auto_da_alloc) are off. In a
//! second run per place the journal is committed just before: all names are there then, and
//! of the contents only what castoff synced. A copy in the middle of the kernel's writing
//! would be no state of a real disk; in these short runs it has no reason to write.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};

use super::calls::changes;
use super::picture::{Picture, differences};
use super::proven::Proven;
use super::report::{Failures, Table};
use super::site::{Site, Story};
use super::tracer::Verdict;

/// A kind of file system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disk {
    pub(crate) name: &'static str,
    /// Bytes; a hole as long as nothing is written.
    size: u64,
    make: &'static [&'static str],
    options: &'static str,
}

pub(crate) const DISKS: [Disk; 2] = [
    Disk {
        name: "ext4",
        size: 16 << 20,
        make: &["mkfs.ext4", "-q", "-F", "-I", "256", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
        options: "loop,commit=300,data=ordered,noauto_da_alloc",
    },
    Disk { name: "xfs", size: 300 << 20, make: &["mkfs.xfs", "-q", "-f"], options: "loop,nouuid" },
];

pub(crate) const TABLE: Table = Table {
    title: "The power fails",
    says: "The disk as it is just before each call that changes anything, mounted again; and once more after the \
           file system's journal was committed there. A record of completion has to be true. Then one start, \
           undisturbed. On xfs every fourth call.",
    columns: &["disk and story", "power cuts", "found complete", "states left", "converged"],
};

/// Cuts the power at each such call, or at every so many. `None`: not possible here.
pub(crate) fn cuts(
    site: &Site,
    story: &Story,
    disk: &Disk,
    stride: usize,
    failures: &mut Failures,
) -> Option<Vec<u64>> {
    let (before, proven) = (Picture::new(), Proven::of(site, story));
    let mut cutting = Cutting { site, story, disk: *disk, before, proven, cuts: 0, complete: 0 };
    let base = cutting.prepare()?;
    for place in cutting.places(&base).into_iter().step_by(stride) {
        for committed in [false, true] {
            cutting.cut(&base, place, committed, failures);
        }
    }
    Some(vec![cutting.cuts, cutting.complete, cutting.proven.states(), cutting.proven.converged])
}

struct Cutting<'a> {
    site: &'a Site,
    story: &'a Story,
    disk: Disk,
    before: Picture,
    proven: Proven<'a>,
    cuts: u64,
    complete: u64,
}

impl Cutting<'_> {
    /// A disk with the volume as the disturbed start finds it. `None`: not here.
    fn prepare(&mut self) -> Option<std::path::PathBuf> {
        let base = self.site.path(&format!("{}.img", self.disk.name));
        fs::File::create(&base).unwrap().set_len(self.disk.size).unwrap();
        let [program, arguments @ ..] = self.disk.make else { return None };
        if !runs(Command::new(program).args(arguments).arg(&base)) || !self.mount(&base) {
            return None;
        }
        fs::create_dir_all(self.site.volume().join("lost+found")).unwrap();
        self.site.set_up(self.story);
        self.before = self.site.picture();
        self.unmount();
        Some(base)
    }

    fn mount(&self, image: &Path) -> bool {
        fs::create_dir_all(self.site.volume()).unwrap();
        runs(
            Command::new("mount")
                .args(["-t", self.disk.name, "-o", self.disk.options])
                .arg(image)
                .arg(self.site.volume()),
        )
    }

    fn unmount(&self) {
        assert!(runs(Command::new("umount").arg(self.site.volume())), "umount");
    }

    /// A mounted copy of a disk.
    fn mount_copy(&self, image: &Path, name: &str) -> std::path::PathBuf {
        let copy = self.site.path(name);
        copy_sparse(image, &copy);
        assert!(self.mount(&copy), "mount");
        copy
    }

    /// The calls of the start that change anything.
    fn places(&self, base: &Path) -> Vec<u64> {
        self.mount_copy(base, "disk.img");
        let mut places = Vec::new();
        self.site.traced(self.story, self.story.disturbed, |call| {
            if call.own && changes(call.number, &call.arguments) {
                places.push(call.index);
            }
            Verdict::Go
        });
        self.unmount();
        places
    }

    fn cut(&mut self, base: &Path, place: u64, committed: bool, failures: &mut Failures) {
        let disk = self.mount_copy(base, "disk.img");
        let left = self.site.path("left.img");
        let lost_and_found = self.site.volume().join("lost+found");
        self.site.traced(self.story, self.story.disturbed, |call| {
            if call.index < place {
                return Verdict::Go;
            }
            if committed {
                commit_journal(&lost_and_found);
            }
            copy_sparse(&disk, &left);
            Verdict::Kill
        });
        self.unmount();
        self.cuts += 1;
        let what = format!("{}, {}, power cut at call {place}", self.disk.name, self.story.name);
        let what = if committed { format!("{what}, its journal committed") } else { what };
        if !self.mount(&left) {
            return failures.add(&format!("{what}: what is left can't be mounted"));
        }
        let found = self.site.picture();
        self.believe(&found, &what, failures);
        self.proven.converges(&what, failures);
        self.unmount();
    }

    /// What the record says is so.
    fn believe(&mut self, found: &Picture, what: &str, failures: &mut Failures) {
        let says = |version: &str| found.contains_key(&format!(".castoff/complete: version {version}"));
        let tree = |picture: &Picture| -> Picture {
            let own = |name: &String| name.starts_with(".castoff");
            picture.iter().filter(|(name, _)| !own(name)).map(|(n, l)| (n.clone(), l.clone())).collect()
        };
        let claimed = if says(self.story.disturbed) {
            self.complete += 1;
            &self.proven.expected
        } else if self.story.before.is_some_and(says) && !found.contains_key(".castoff/journal") {
            &self.before
        } else {
            return;
        };
        let wrong = differences(&tree(claimed), &tree(found));
        if !wrong.is_empty() {
            failures.add(&format!("{what}: the record says that it is complete:\n{}", wrong.join("\n")));
        }
    }
}

/// Changes the time of a directory that is not castoff's, and brings that to the disk: the
/// journal goes with it.
fn commit_journal(directory: &Path) {
    let directory = fs::File::open(directory).unwrap();
    directory.set_modified(std::time::SystemTime::now()).unwrap();
    directory.sync_all().unwrap();
}

/// Copies what is there, and leaves out the holes.
fn copy_sparse(from: &Path, to: &Path) {
    let from = fs::File::open(from).unwrap();
    let to = fs::File::create(to).unwrap();
    let size = from.metadata().unwrap().len();
    to.set_len(size).unwrap();
    let seek = |at: u64, whence| {
        // SAFETY: takes numbers.
        let found = unsafe { libc::lseek(from.as_raw_fd(), i64::try_from(at).unwrap(), whence) };
        u64::try_from(found).unwrap_or(size)
    };
    let mut at = seek(0, libc::SEEK_DATA);
    while at < size {
        let end = seek(at, libc::SEEK_HOLE);
        let mut bytes = vec![0; usize::try_from(end - at).unwrap()];
        std::os::unix::fs::FileExt::read_exact_at(&from, &mut bytes, at).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&to, &bytes, at).unwrap();
        at = seek(end, libc::SEEK_DATA);
    }
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
