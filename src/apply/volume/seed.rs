//! What a volume is filled from, a directory or an archive of the image: looked through
//! before anything is decided, and put into the staging directory.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::failure::Failure;
use super::unpack::{Archive, Digest, Looking};
use crate::observe::seed::{Seed as Form, seed};
use crate::plan::Filling;
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{FileError, Operation};
use crate::sys::retry::retry;
use crate::sys::status::{Kind, Status};
use crate::sys::tree::{
    Copied, Entry, Progress, Stop, Tree, TreeError, Want, copy_tree, read_file, same_bytes, survey,
};
use crate::volume::Circumstances;

/// A seed, open.
pub(super) enum Seed {
    /// A directory.
    Directory(Tree),
    /// An archive. It is read anew for each look and each unpacking, and not before.
    Archive(Archive),
}

/// What a seed ships.
pub(super) struct Surveyed {
    /// Sorted by path; hashed where contents are compared by hashes.
    pub(super) entries: Vec<Entry>,
    /// Of an archive that is mirrored: what tells the contents of its files apart for sure,
    /// sorted by path.
    pub(super) digests: Vec<(PathBuf, Digest)>,
}

/// What is in the staging directory.
pub(super) struct Staged {
    /// The names in it.
    pub(super) copied: Copied,
    /// Owner and mode of the seed's own root, where it has one.
    pub(super) root: Option<Attributes>,
}

impl Seed {
    pub(super) fn open(filling: &Filling) -> Result<Self, FileError> {
        match seed(&filling.seed) {
            Some(form @ (Form::Tar | Form::TarZst)) => {
                Archive::open(filling, form == Form::TarZst).map(Self::Archive)
            }
            _ => open_directory(&filling.seed).map(Self::Directory),
        }
    }

    /// Counts what there is to do, for those who watch a long copy. That it fails is no
    /// failure. What is in an archive isn't known before it was read.
    pub(super) fn count(&self, filling: &Filling, stop: Stop<'_>, progress: &Progress) {
        let Self::Directory(tree) = self else { return };
        let wanted = |path: &Path, _: Kind| if filling.rules.ships(path) { Want::Take } else { Want::Skip };
        if let Ok(entries) = survey(tree, &wanted, false, stop, &Progress::default()) {
            let files = entries.iter().filter(|entry| entry.kind == Kind::Regular);
            progress.bytes_total.store(files.map(|entry| entry.size).sum(), Ordering::Relaxed);
            progress.files_total.store(u64::try_from(entries.len()).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Looks through it, as closely as the circumstances need it.
    ///
    /// # Errors
    /// What can't be read; an archive that can't be taken.
    pub(super) fn survey(&self, filling: &Filling, stop: Stop<'_>) -> Result<Surveyed, Failure> {
        let looking = match filling.circumstances {
            Circumstances::Adding => Looking::Names,
            Circumstances::Mirroring => Looking::Digests,
            Circumstances::Filling(_) | Circumstances::Upgrading(_) => Looking::Hashes,
        };
        let tree = match self {
            Self::Directory(tree) => tree,
            Self::Archive(archive) => {
                return archive.survey(&|path| filling.rules.ships(path), looking, stop);
            }
        };
        let wanted = |path: &Path, _: Kind| if filling.rules.ships(path) { Want::Take } else { Want::Skip };
        let hashing = looking == Looking::Hashes;
        let mut entries = survey(tree, &wanted, hashing, stop, &Progress::default())?;
        entries.retain(|entry| !entry.mount_point);
        Ok(Surveyed { entries, digests: Vec::new() })
    }

    /// Puts what `choice` wants into the empty staging directory.
    ///
    /// # Errors
    /// What can't be read or made; an archive that can't be taken.
    pub(super) fn stage(
        &self,
        to: &Tree,
        choice: &(dyn Fn(&Path, Kind) -> Want + Sync),
        attributes: &(dyn Fn(&Entry) -> Attributes + Sync),
        stop: Stop<'_>,
        progress: &Progress,
    ) -> Result<Staged, Failure> {
        let tree = match self {
            Self::Directory(tree) => tree,
            Self::Archive(archive) => {
                let chosen = |path: &Path| choice(path, Kind::Regular) != Want::Skip;
                return archive.unpack(to, &chosen, attributes, stop, progress);
            }
        };
        let copied = copy_tree(tree, to, choice, attributes, stop, progress)?;
        let root = Status::of(tree.root())
            .map_err(|errno| FileError::system(Operation::Inspect, tree.path_of(Path::new("")), errno))?;
        let root = Attributes { mode: root.mode, uid: Some(root.uid), gid: Some(root.gid) };
        Ok(Staged { copied, root: Some(root) })
    }

    /// Whether a file of a volume has the very bytes that the seed has there. Not a matter of
    /// XXH3: who owns the volume may have made a file that only looks the same.
    ///
    /// # Errors
    /// What can't be read.
    pub(super) fn has_bytes_of(
        &self,
        surveyed: &Surveyed,
        volume: &Tree,
        path: &Path,
        stop: Stop<'_>,
    ) -> Result<bool, TreeError> {
        match self {
            Self::Directory(tree) => same_bytes((tree, path), (volume, path), stop),
            Self::Archive(_) => {
                let at = surveyed.digests.binary_search_by(|(known, _)| known.as_path().cmp(path));
                let Some((_, shipped)) = at.ok().and_then(|at| surveyed.digests.get(at)) else {
                    return Ok(false);
                };
                let mut found = Digest::default();
                read_file(volume, path, &mut |piece| found.data(piece), stop)?;
                Ok(found == *shipped)
            }
        }
    }
}

fn open_directory(path: &Path) -> Result<Tree, FileError> {
    let flags = nix::fcntl::OFlag::O_RDONLY | nix::fcntl::OFlag::O_DIRECTORY | nix::fcntl::OFlag::O_CLOEXEC;
    let opened = retry(|| nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty()))
        .map_err(|errno| FileError::system(Operation::Read, path, errno))?;
    Ok(Tree::of(opened, path))
}
