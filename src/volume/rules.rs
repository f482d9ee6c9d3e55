//! Which paths of a seed are shipped, which are left to whoever uses the volume, and with
//! what permission bits.

use std::path::{Path, PathBuf};

use crate::spec::{ModeRule, Volume};
use crate::state::VOLUME_DIRECTORY;
use crate::sys::status::Kind;
use crate::wildcard::PathPattern;

/// The rules of one volume. Paths are relative to it.
#[derive(Clone, Debug)]
pub struct Rules {
    keep: Vec<PathPattern>,
    exclude: Vec<PathPattern>,
    modes: Vec<ModeRule>,
    others: Vec<PathBuf>,
}

impl Rules {
    /// The rules of a volume. `others` are absolute paths that something else fills: volumes
    /// in this one, rendered files.
    #[must_use]
    pub fn of(volume: &Volume, others: &[PathBuf]) -> Self {
        let root = &volume.path.value;
        let inside = others.iter().filter_map(|other| other.strip_prefix(root).ok());
        Self {
            keep: volume.keep.clone(),
            exclude: volume.exclude.clone(),
            modes: volume.modes.clone(),
            others: inside.filter(|path| !path.as_os_str().is_empty()).map(Path::to_owned).collect(),
        }
    }

    /// Whether a path of the seed is for the volume at all.
    #[must_use]
    pub fn ships(&self, path: &Path) -> bool {
        !path.starts_with(VOLUME_DIRECTORY)
            && !self.others.iter().any(|other| path.starts_with(other))
            && !self.exclude.iter().any(|pattern| pattern.covers(path))
    }

    /// Whether a path is left alone once the volume was filled.
    #[must_use]
    pub fn keeps(&self, path: &Path) -> bool {
        self.keep.iter().any(|pattern| pattern.covers(path))
    }

    /// The permission bits that a path gets; `seed` are those that it has in the seed.
    #[must_use]
    pub fn mode(&self, path: &Path, kind: Kind, seed: u32) -> u32 {
        let modes = self.modes.iter().filter(|rule| rule.paths.matches(path));
        let mut fitting = modes.filter_map(|rule| match kind {
            Kind::Regular => rule.file,
            Kind::Directory => rule.directory,
            _ => None,
        });
        fitting.next_back().unwrap_or(seed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Rules;
    use crate::spec::ModeRule;
    use crate::sys::status::Kind;
    use crate::wildcard::PathPattern;

    fn rules() -> Rules {
        let rule = |paths, file, directory| ModeRule { paths: PathPattern::new(paths), file, directory };
        Rules {
            keep: vec![PathPattern::new("wp-content/**")],
            exclude: vec![PathPattern::new("*.md"), PathPattern::new("docs")],
            modes: vec![rule("**", Some(0o640), Some(0o750)), rule("bin/*", Some(0o755), None)],
            others: vec![PathBuf::from("uploads"), PathBuf::from("wp-config.php")],
        }
    }

    #[test]
    fn what_is_shipped() {
        for (path, ships) in [
            ("index.php", true),
            ("a/README.md", true),
            ("README.md", false),
            ("docs", false),
            ("docs/a/b", false),
            (".castoff", false),
            (".castoff/generated", false),
            ("uploads/x", false),
            ("wp-config.php", false),
            ("wp-config.php.dist", true),
        ] {
            assert_eq!(rules().ships(Path::new(path)), ships, "{path}");
        }
    }

    #[test]
    fn modes() {
        for (path, kind, mode) in [
            ("a", Kind::Regular, 0o640),
            ("bin", Kind::Directory, 0o750),
            ("bin/a", Kind::Regular, 0o755),
            ("bin/d", Kind::Directory, 0o750),
            ("bin/l", Kind::Symlink, 0o777),
        ] {
            assert_eq!(rules().mode(Path::new(path), kind, 0o777), mode, "{path}");
        }
    }
}
