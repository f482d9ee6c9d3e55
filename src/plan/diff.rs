//! Diffs for people. A line that may hold a secret is never shown: neither the new one,
//! whose secrets are known, nor an old one, whose secrets castoff can't know any more.

use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};

/// The unified diff of what stands at a destination and what would be written. `hides`:
/// the new text holds secrets (hidden in `new` already), so the old one may as well, or the
/// old one is not for everybody to read.
#[must_use]
pub(super) fn unified(path: &str, old: Option<&[u8]>, new: &str, hides: bool) -> String {
    let Some(old) = old else { return against("/dev/null", path, "", new) };
    let Ok(old) = std::str::from_utf8(old) else {
        return format!("the file at {path} is not text\n");
    };
    if hides { against(path, path, &hide_unknown(old, new), new) } else { against(path, path, old, new) }
}

fn against(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = BasicLineDiffPrinter(&input.interner);
    let hunks = diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input);
    format!("--- {old_name}\n+++ {new_name}\n{hunks}")
}

/// Hides each old line that the new text doesn't hold as well.
fn hide_unknown(old: &str, new: &str) -> String {
    let known: std::collections::BTreeSet<&str> = new.lines().collect();
    let lines =
        old.lines().map(|line| if known.contains(line) { line } else { "[hidden: it may hold a secret]" });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_new_file_is_shown_whole() {
        assert_eq!(unified("/e", None, "a\n", false), "--- /dev/null\n+++ /e\n@@ -1,0 +1,1 @@\n+a\n");
    }

    #[test]
    fn old_lines_beside_secrets_are_hidden() {
        let shown =
            unified("/e", Some(b"user = a\npass = 'old secret'\n"), "user = a\npass = [hidden]\n", true);
        assert!(!shown.contains("old secret"), "{shown}");
        assert!(shown.contains(" user = a\n"), "{shown}");
        assert!(shown.contains("+pass = [hidden]\n"), "{shown}");
    }

    #[test]
    fn without_secrets_both_sides_are_shown() {
        let shown = unified("/e", Some(b"a\n"), "b\n", false);
        assert!(shown.contains("-a\n+b\n"), "{shown}");
        assert!(unified("/e", Some(b"\xff"), "b\n", false).contains("not text"));
    }
}
