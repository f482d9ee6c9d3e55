//! Names with `*` and `?`, as a shell matches them within one path component.

/// Whether `name` matches `pattern`: `*` stands for any characters, `?` for one. Takes
/// time linear in the product of the lengths at worst; never recurses.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // where to go on after the last `*` if what follows it fails to match
    let mut retry: Option<(usize, usize)> = None;
    while let Some(c) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(expected) if *expected == '?' || expected == c => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, matched)) => {
                    retry = Some((after_star, matched + 1));
                    p = after_star;
                    n = matched + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
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
}
