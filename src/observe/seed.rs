//! What a volume is filled from: a directory or an archive of the image.

use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::spec::Volume;
use crate::sys::status::{Kind, Status};

/// What a seed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// A directory.
    Directory,
    /// An archive, not compressed.
    Tar,
    /// An archive, compressed by zstd.
    TarZst,
}

/// What the seed at `path` is. `None`: nothing that castoff can take.
#[must_use]
pub fn seed(path: &Path) -> Option<Seed> {
    Status::at(path).ok().and_then(|found| kind(path, found.kind))
}

fn kind(path: &Path, found: Kind) -> Option<Seed> {
    let name = path.file_name()?.to_string_lossy();
    match found {
        Kind::Regular if name.ends_with(".tar") => Some(Seed::Tar),
        Kind::Regular if name.ends_with(".tar.zst") || name.ends_with(".tzst") => Some(Seed::TarZst),
        Kind::Directory => Some(Seed::Directory),
        _ => None,
    }
}

/// What is wrong with the seed of a volume, if anything.
#[must_use]
pub fn missing(volume: &Volume) -> Option<Diagnostic> {
    let path = volume.seed.as_ref()?;
    let shown = path.value.display();
    let problem = match Status::at(&path.value) {
        Ok(found) if kind(&path.value, found.kind).is_some() => return None,
        Ok(_) => {
            Diagnostic::error(ExitCode::INPUT, format!("the seed {shown} is nothing to fill a volume from"))
                .at(&path.place, "must be a directory, or a file that ends in .tar or .tar.zst")
        }
        Err(errno) => {
            Diagnostic::error(ExitCode::INPUT, format!("the seed {shown} can't be read: {}", errno.desc()))
                .at(&path.place, "named here")
                .help("copy it into the image, to a place that nothing is mounted over")
        }
    };
    Some(problem)
}
