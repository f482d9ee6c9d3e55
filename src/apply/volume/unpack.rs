//! A seed that is an archive: looked through, and unpacked into the staging directory as a
//! directory would have been copied there.
//!
//! Where a hard link is wanted and the member that it names is not, the archive is read once
//! more for that content.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::seed::{Staged, Surveyed};
use crate::archive::{Fault, Input, Layout, Member, Piece, Placement, Reader, Refused, What};
use crate::diagnostic::{Diagnostic, Place};
use crate::exit::ExitCode;
use crate::plan::Filling;
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{FileError, Operation};
use crate::sys::status::Kind;
use crate::sys::tree::{Building, Content, Entry, Hash, Incoming, Progress, Stop, Tree, TreeError};

/// Of directories that the archive names only as part of a path.
const IMPLIED_MODE: u32 = 0o755;
/// Content that is read at once.
const CHUNK: usize = 128 << 10;
const ZEROS: [u8; 4096] = [0; 4096];

/// How closely an archive is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looking {
    /// Names and kinds.
    Names,
    /// Contents too, for comparing with what was shipped.
    Hashes,
    /// Contents, for telling them from any other.
    Digests,
}

/// SHA-256 of a content: of bytes that are not at hand any more this is as sure as comparing.
#[derive(Clone, Default)]
pub(super) struct Digest(Sha256);

impl Digest {
    pub(super) fn data(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    fn hole(&mut self, mut length: u64) {
        while length > 0 {
            let most = usize::try_from(length).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.0.update(ZEROS.get(..most).unwrap_or_default());
            length -= u64::try_from(most).unwrap_or(length);
        }
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.clone().finalize() == other.0.clone().finalize()
    }
}

/// An archive, open.
pub(super) struct Archive {
    file: File,
    path: PathBuf,
    place: Place,
    is_compressed: bool,
}

/// One reading of an archive.
struct Pass<'a> {
    archive: &'a Archive,
    reader: Reader<'a>,
    layout: Layout,
    /// Of the member that comes next.
    number: u64,
    buffer: Vec<u8>,
}

impl Archive {
    pub(super) fn open(filling: &Filling, is_compressed: bool) -> Result<Self, FileError> {
        let file = File::open(&filling.seed)
            .map_err(|error| FileError::io(Operation::Read, &filling.seed, &error))?;
        Ok(Self { file, path: filling.seed.clone(), place: filling.place.clone(), is_compressed })
    }

    fn pass<'a>(&'a self, stop: &'a dyn Fn() -> bool) -> Result<Pass<'a>, FileError> {
        let fails = |error: std::io::Error| FileError::io(Operation::ReadContent, &self.path, &error);
        let mut file = self.file.try_clone().map_err(fails)?;
        file.rewind().map_err(fails)?;
        let source = Box::new(file);
        let input = if self.is_compressed { Input::zstd(source) } else { Input::plain(source) };
        let (reader, layout) = (Reader::new(input, stop), Layout::default());
        Ok(Pass { archive: self, reader, layout, number: 0, buffer: vec![0; CHUNK] })
    }

    /// Finds what is `wanted`.
    ///
    /// # Errors
    /// What can't be read; an archive that can't be taken.
    pub(super) fn survey(
        &self,
        wanted: &dyn Fn(&Path) -> bool,
        looking: Looking,
        stop: Stop<'_>,
    ) -> Result<Surveyed, Failure> {
        let asked = || stop();
        let mut pass = self.pass(&asked)?;
        let mut known: BTreeMap<PathBuf, (Entry, Option<Digest>)> = BTreeMap::new();
        while let Some((member, placement)) = pass.next()? {
            for path in placement.implied {
                known.insert(path.clone(), (self.implied(path), None));
            }
            let mut found = match &member.what {
                What::Link(target) => known.get(target).cloned(),
                _ => Some((entry_of(&member), None)),
            };
            if let (What::File(_), Some((entry, digest))) = (&member.what, &mut found) {
                match looking {
                    Looking::Names => {}
                    Looking::Hashes => entry.content = Content::File(pass.hash()?),
                    Looking::Digests => *digest = Some(pass.digest()?),
                }
            }
            if let Some((entry, digest)) = found {
                let entry = Entry { path: member.path.clone(), ..entry };
                known.insert(member.path, (entry, digest));
            }
        }
        let mut surveyed = Surveyed { entries: Vec::new(), digests: Vec::new() };
        for (path, (entry, digest)) in known {
            if !path.as_os_str().is_empty() && wanted(&path) {
                surveyed.entries.push(entry);
                surveyed.digests.extend(digest.map(|digest| (path, digest)));
            }
        }
        Ok(surveyed)
    }

    /// Unpacks what is `chosen` into an empty directory; a directory that is not chosen holds
    /// nothing that is. `attributes` as in copying.
    ///
    /// # Errors
    /// What can't be read or made; an archive that can't be taken.
    pub(super) fn unpack(
        &self,
        to: &Tree,
        chosen: &dyn Fn(&Path) -> bool,
        attributes: &(dyn Fn(&Entry) -> Attributes + Sync),
        stop: Stop<'_>,
        progress: &Progress,
    ) -> Result<Staged, Failure> {
        let asked = || stop();
        let mut pass = self.pass(&asked)?;
        let building = Building::new(to, attributes);
        let mut unpacking = Unpacking { to, building, progress, elsewhere: BTreeMap::new(), root: None };
        while let Some((member, placement)) = pass.next()? {
            unpacking.take(&mut pass, &member, &placement, chosen)?;
        }
        if !unpacking.elsewhere.is_empty() {
            unpacking.fetch(self.pass(&asked)?)?;
        }
        let root = unpacking.root;
        Ok(Staged { copied: unpacking.building.finish(stop)?, root })
    }

    /// A directory that no member describes. It gets the time of the archive, so that each
    /// start makes the same.
    fn implied(&self, path: PathBuf) -> Entry {
        let (user, group) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        let mtime = self.file.metadata().map_or((0, 0), |found| (found.mtime(), 0));
        described(path, Kind::Directory, IMPLIED_MODE, (user, group), mtime)
    }

    fn failure(&self, refused: &Refused) -> Failure {
        match &refused.fault {
            Fault::Stopped => Failure::Tree(TreeError::Stopped),
            Fault::Read(errno) => FileError::system(Operation::ReadContent, &self.path, *errno).into(),
            fault => {
                let title = format!("the archive {} can't be unpacked: {refused}", self.path.display());
                let problem = Diagnostic::error(ExitCode::INPUT, title).at(&self.place, "named here");
                Failure::Refused(Box::new(problem.help(help(fault))))
            }
        }
    }
}

fn help(fault: &Fault) -> &'static str {
    match fault {
        Fault::Window(_) => {
            "compress it with `zstd --long=27` at most; `--long=31` needs 2 GiB of memory here"
        }
        Fault::Dictionary => "compress it without `-D`",
        Fault::Empty | Fault::Truncated | Fault::NoEnd | Fault::Checksum | Fault::Damaged => {
            "it was damaged or cut short on its way into the image: put it there again"
        }
        Fault::NoTar(_) | Fault::NoZstd => "name it .tar, or compress it with zstd and name it .tar.zst",
        _ => "make it anew from the directory itself: `tar -C DIRECTORY -cf FILE .`",
    }
}

impl Pass<'_> {
    fn next(&mut self) -> Result<Option<(Member, Placement)>, Failure> {
        let next = self.reader.next_member().map_err(|refused| self.archive.failure(&refused))?;
        let Some(member) = next else { return Ok(None) };
        let placed = self.layout.place(&member, self.number);
        self.number += 1;
        let placement = placed.map_err(|fault| self.archive.failure(&self.reader.refused(fault)))?;
        Ok(Some((member, placement)))
    }

    fn piece(&mut self) -> Result<Option<Piece>, Failure> {
        self.reader.piece(&mut self.buffer).map_err(|refused| self.archive.failure(&refused))
    }

    /// Of the content of the last member.
    fn hash(&mut self) -> Result<Hash, Failure> {
        let path = &self.archive.path;
        let mut incoming = Incoming::new(None);
        self.pour(&mut incoming, path, &Progress::default())?;
        let (hash, ..) =
            incoming.end().map_err(|errno| FileError::system(Operation::ReadContent, path, errno))?;
        Ok(hash)
    }

    /// Gives the content of the last member on; `path` is where it is written.
    fn pour(&mut self, incoming: &mut Incoming, path: &Path, progress: &Progress) -> Result<(), Failure> {
        while let Some(piece) = self.piece()? {
            let bytes = match piece {
                Piece::Hole(length) => {
                    incoming.hole(length);
                    length
                }
                Piece::Data(length) => {
                    let written = incoming.data(self.buffer.get(..length).unwrap_or_default());
                    written.map_err(|errno| FileError::system(Operation::Write, path, errno))?;
                    u64::try_from(length).unwrap_or(0)
                }
            };
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    fn digest(&mut self) -> Result<Digest, Failure> {
        let mut digest = Digest::default();
        while let Some(piece) = self.piece()? {
            match piece {
                Piece::Hole(length) => digest.hole(length),
                Piece::Data(length) => digest.data(self.buffer.get(..length).unwrap_or_default()),
            }
        }
        Ok(digest)
    }
}

/// An archive that is being unpacked.
struct Unpacking<'a> {
    to: &'a Tree,
    building: Building<'a>,
    progress: &'a Progress,
    /// Hard links whose content came with a member that is not wanted: the number of that.
    elsewhere: BTreeMap<PathBuf, u64>,
    root: Option<Attributes>,
}

impl Unpacking<'_> {
    fn take(
        &mut self,
        pass: &mut Pass<'_>,
        member: &Member,
        placement: &Placement,
        chosen: &dyn Fn(&Path) -> bool,
    ) -> Result<(), Failure> {
        if member.path.as_os_str().is_empty() {
            self.root = Some(Attributes { mode: member.mode, uid: Some(member.uid), gid: Some(member.gid) });
            return Ok(());
        }
        if placement.is_there {
            return Ok(());
        }
        if placement.replaces {
            self.building.remove(&member.path)?;
            self.elsewhere.remove(&member.path);
        }
        if !chosen(&member.path) {
            return Ok(());
        }
        self.make_way(pass, &member.path)?;
        match &member.what {
            What::Link(target) if self.building.holds(target) => self.building.link(&member.path, target)?,
            What::Link(_) => {
                self.elsewhere.insert(member.path.clone(), placement.origin);
                return Ok(());
            }
            _ => self.make(pass, member, &member.path)?,
        }
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the directories on the way that no member has described so far.
    fn make_way(&mut self, pass: &Pass<'_>, path: &Path) -> Result<(), Failure> {
        let missing: Vec<&Path> = path
            .ancestors()
            .skip(1)
            .take_while(|ancestor| {
                !ancestor.as_os_str().is_empty() && !self.building.holds_directory(ancestor)
            })
            .collect();
        for ancestor in missing.into_iter().rev() {
            self.building.directory(pass.archive.implied(ancestor.to_owned()), &[])?;
            self.progress.files.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes what a member is, under a name.
    fn make(&mut self, pass: &mut Pass<'_>, member: &Member, path: &Path) -> Result<(), Failure> {
        let entry = Entry { path: path.to_owned(), ..entry_of(member) };
        for name in &member.untaken {
            self.building.untaken(name);
        }
        match &member.what {
            What::Directory => self.building.directory(entry, &member.xattrs)?,
            What::Symlink(_) => self.building.symlink(entry)?,
            What::Node(..) => self.building.node(entry)?,
            What::File(_) => self.file(pass, entry, member)?,
            What::Link(_) => {}
        }
        Ok(())
    }

    fn file(&mut self, pass: &mut Pass<'_>, entry: Entry, member: &Member) -> Result<(), Failure> {
        let shown = self.to.path_of(&entry.path);
        let mut incoming = Incoming::new(Some(self.building.file(&entry.path)?));
        pass.pour(&mut incoming, &shown, self.progress)?;
        let fails = |errno| FileError::system(Operation::Write, &shown, errno);
        let (hash, size, file) = incoming.end().map_err(fails)?;
        let file = file.ok_or_else(|| fails(Errno::EBADF))?;
        self.building.filled(Entry { size, content: Content::File(hash), ..entry }, &file, &member.xattrs)?;
        Ok(())
    }

    /// Reads the archive once more for what is `elsewhere`.
    fn fetch(&mut self, mut pass: Pass<'_>) -> Result<(), Failure> {
        let mut names: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        for (path, origin) in std::mem::take(&mut self.elsewhere) {
            names.entry(origin).or_default().push(path);
        }
        while let Some((member, placement)) = pass.next()? {
            if matches!(member.what, What::Link(_)) {
                continue;
            }
            let Some(names) = names.remove(&placement.origin) else { continue };
            let Some((first, others)) = names.split_first() else { continue };
            self.make(&mut pass, &member, first)?;
            for other in others {
                self.building.link(other, first)?;
            }
            self.progress.files.fetch_add(u64::try_from(names.len()).unwrap_or(0), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A member as an entry, without its content.
fn entry_of(member: &Member) -> Entry {
    let kind = member.what.kind().unwrap_or(Kind::Regular);
    let entry = described(member.path.clone(), kind, member.mode, (member.uid, member.gid), member.mtime);
    match &member.what {
        What::File(size) => Entry { size: *size, ..entry },
        What::Symlink(target) => {
            let size = u64::try_from(target.len()).unwrap_or(0);
            Entry { size, content: Content::Link(target.clone()), ..entry }
        }
        What::Node(Kind::CharacterDevice | Kind::BlockDevice, number) => {
            Entry { content: Content::Device(*number), ..entry }
        }
        _ => entry,
    }
}

fn described(path: PathBuf, kind: Kind, mode: u32, owner: (u32, u32), mtime: (i64, u32)) -> Entry {
    Entry {
        path,
        kind,
        mode,
        uid: owner.0,
        gid: owner.1,
        size: 0,
        links: 1,
        mtime,
        ctime: (0, 0),
        identity: (0, 0),
        mount_point: false,
        content: Content::None,
    }
}
