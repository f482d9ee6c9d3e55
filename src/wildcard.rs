//! Names with `*` and `?`, as a shell matches them within one path component, and paths
//! with `**` for any directories.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether `name` matches `pattern`: `*` stands for any characters, `?` for one. Takes
/// time linear in the product of the lengths at worst; never recurses.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    if !pattern.bytes().any(|byte| matches!(byte, b'*' | b'?')) {
        return pattern == name;
    }
    if ends_differ(pattern, name) {
        return false;
    }
    let (mut pattern, mut name) = (pattern, name);
    // where to go on after the last `*` if what follows it fails to match
    let mut retry: Option<(&str, &str)> = None;
    while let Some((c, rest)) = split_first(name) {
        match split_first(pattern) {
            Some(('*', after_star)) => {
                retry = Some((after_star, name));
                pattern = after_star;
            }
            Some((expected, after)) if expected == '?' || expected == c => {
                (pattern, name) = (after, rest);
            }
            _ => match retry.and_then(|(after_star, from)| Some((after_star, split_first(from)?.1))) {
                Some(next) => {
                    retry = Some(next);
                    (pattern, name) = next;
                }
                None => return false,
            },
        }
    }
    pattern.bytes().all(|byte| byte == b'*')
}

/// Whether a pattern and a name differ in their last letter already, as most do.
#[must_use]
pub fn ends_differ(pattern: &str, name: &str) -> bool {
    let last = |text: &str| text.bytes().next_back();
    last(pattern).is_some_and(|byte| !matches!(byte, b'*' | b'?') && last(name) != Some(byte))
}

fn split_first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    chars.next().map(|first| (first, chars.as_str()))
}

/// A pattern of relative paths: `*` and `?` within a component, `**` for any number of
/// components, none included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    components: Vec<String>,
}

impl PathPattern {
    /// Reads a pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let parts = pattern.split('/').filter(|part| !part.is_empty());
        Self { components: parts.map(str::to_owned).collect() }
    }

    /// Whether the path itself fits. Names that are not UTF-8 fit `*` and `?` by their lossy
    /// text. Takes time linear in the product of the numbers of components.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        let names: Vec<_> = path.components().map(|part| part.as_os_str().as_bytes()).collect();
        let mut fits = vec![false; names.len() + 1];
        // fits[n]: the components so far fit the first n names
        if let Some(first) = fits.first_mut() {
            *first = true;
        }
        for component in &self.components {
            fits =
                if component == "**" { any_directories(&fits) } else { one_name(&fits, component, &names) };
        }
        fits.last().copied().unwrap_or(false)
    }

    /// Whether the path, or a directory that holds it, fits.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        path.ancestors().filter(|above| !above.as_os_str().is_empty()).any(|above| self.matches(above))
    }
}

/// From the first length that fits on, all do.
fn any_directories(fits: &[bool]) -> Vec<bool> {
    let first = fits.iter().position(|fit| *fit).unwrap_or(fits.len());
    (0..fits.len()).map(|length| length >= first).collect()
}

fn one_name(fits: &[bool], component: &str, names: &[&[u8]]) -> Vec<bool> {
    let longer =
        fits.iter().zip(names).map(|(fit, name)| *fit && matches(component, &String::from_utf8_lossy(name)));
    std::iter::once(false).chain(longer).collect()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn table() {
        for (pattern, name, expected) in [
            ("php-fpm*", "php-fpm8.2", true),
            ("php-fpm*", "php", false),
            ("*.php", "a.php", true),
            ("*.php", ".php", true),
            ("*.php", "a.php5", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("?", "a", true),
            ("?", "", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths() {
        use super::PathPattern;
        use std::path::Path;
        for (pattern, path, itself, below) in [
            ("wp-content/**", "wp-content", true, true),
            ("wp-content/**", "wp-content/a/b", true, true),
            ("wp-content/*", "wp-content", false, false),
            ("wp-content/*", "wp-content/a/b", false, true),
            ("wp-content", "wp-content/a/b", false, true),
            ("**/*.php", "a.php", true, true),
            ("**/*.php", "a/b/c.php", true, true),
            ("**/*.php", "a/b/c.txt", false, false),
            ("a/**/z", "a/z", true, true),
            ("a/**/z", "a/b/c/z", true, true),
            ("a/**/z", "b/z", false, false),
            ("*", "a", true, true),
            ("*", "a/b", false, true),
            ("**", "a/b", true, true),
            ("a/**/b/**/c", "a/x/b/y/b/c", true, true),
        ] {
            let pattern = PathPattern::new(pattern);
            assert_eq!(pattern.matches(Path::new(path)), itself, "{pattern:?} {path}");
            assert_eq!(pattern.covers(Path::new(path)), below, "{pattern:?} {path}");
        }
    }
}
