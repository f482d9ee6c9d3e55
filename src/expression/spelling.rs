//! castoff's own facts with the hyphen of the spec's keys: `container.first-start` is read as
//! `container.first_start`, in expressions and in the tags of templates.
//!
//! Only after `container`, `volume` and `volumes[…]`, which have no attribute `first` or
//! `upgraded`: everywhere else a hyphen stays a subtraction. Strings, comments and raw blocks
//! are left alone. The text keeps its length, so every place in it stays right.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::engine::identifiers;

/// The attributes with a hyphen: what stands before it and after it.
const ATTRIBUTES: [(&str, &str); 2] = [("first", "start"), ("upgraded", "from")];

/// An expression as the engine reads it.
#[must_use]
pub(super) fn spelled_expression(text: &str) -> Cow<'_, str> {
    let mut hyphens = Vec::new();
    scan(text, 0, None, &mut hyphens);
    replaced(text, &hyphens)
}

/// A template as the engine reads it: only its tags are code.
#[must_use]
pub fn spelled_template(text: &str) -> Cow<'_, str> {
    // nearly no template has one, and looking for the words is faster than for the tags
    if !ATTRIBUTES.iter().any(|(first, _)| text.contains(first)) {
        return Cow::Borrowed(text);
    }
    let mut hyphens = Vec::new();
    for_each_code(text, &mut hyphens, |_| ());
    replaced(text, &hyphens)
}

/// The words in a template's tags, each once: the names that it looks up, and much else. Found
/// faster than the engine finds the names.
#[must_use]
pub fn words_in_tags(text: &str) -> BTreeSet<&str> {
    let mut words = BTreeSet::new();
    for_each_code(text, &mut Vec::new(), |code| words.extend(identifiers(code)));
    words
}

/// What stands in each tag, its end included, but for comments; and the hyphens that are none.
fn for_each_code<'t>(text: &'t str, hyphens: &mut Vec<usize>, mut each: impl FnMut(&'t str)) {
    let mut at = 0;
    while let Some((open, tag)) = next_tag(text, at) {
        at = match tag {
            Tag::Comment => end_of(text, open, "#}"),
            Tag::Code(end) => {
                let close = scan(text, open + 2, Some(end), hyphens);
                let code = text.get(open + 2..close).unwrap_or_default();
                each(code);
                let is_raw =
                    code.strip_suffix("%}").is_some_and(|code| code.trim_matches(['-', '+']).trim() == "raw");
                if is_raw { end_of_raw(text, close) } else { close }
            }
        };
    }
}

enum Tag {
    Comment,
    Code(&'static str),
}

/// Where the next tag begins, from `from` on.
fn next_tag(text: &str, from: usize) -> Option<(usize, Tag)> {
    let rest = text.get(from..)?;
    rest.match_indices('{').find_map(|(at, _)| {
        let tag = match rest.as_bytes().get(at + 1)? {
            b'{' => Tag::Code("}}"),
            b'%' => Tag::Code("%}"),
            b'#' => Tag::Comment,
            _ => return None,
        };
        Some((from + at, tag))
    })
}

/// Behind the next `mark`; the end of the text where there is none.
fn end_of(text: &str, from: usize, mark: &str) -> usize {
    let found = text.get(from..).and_then(|rest| rest.find(mark));
    found.map_or(text.len(), |at| from + at + mark.len())
}

/// Behind the tag that ends a raw block.
fn end_of_raw(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let open = end_of(text, at, "{%");
        let close = end_of(text, open, "%}");
        let inner = text.get(open..close).unwrap_or_default();
        if close >= text.len() || inner.trim_start_matches(['-', '+', ' ']).starts_with("endraw") {
            return close;
        }
        at = open;
    }
}

fn replaced<'t>(text: &'t str, hyphens: &[usize]) -> Cow<'t, str> {
    if hyphens.is_empty() {
        return Cow::Borrowed(text);
    }
    let written = text.char_indices().map(|(at, c)| if hyphens.contains(&at) { '_' } else { c });
    Cow::Owned(written.collect())
}

/// Whose attribute a dot would begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Somebody else's.
    Other,
    /// `volumes`, whose items have them.
    Volumes,
    /// `container`, `volume` or an item of `volumes`.
    Own,
    /// There was a dot behind one of those.
    OwnAttribute,
    /// There was a dot behind another one.
    OtherAttribute,
}

/// Walks over code from `at` to `end` (`None`: to the end of the text), notes each hyphen that
/// is none, and says where it came to. Brackets hide an end mark, as they do for the engine.
fn scan(text: &str, mut at: usize, end: Option<&str>, hyphens: &mut Vec<usize>) -> usize {
    let bytes = text.as_bytes();
    let mut owner = Owner::Other;
    // for each bracket that is open: whether it chooses an item of `volumes`
    let mut open: Vec<bool> = Vec::new();
    let first = end.and_then(|mark| mark.bytes().next());
    while let Some(byte) = bytes.get(at) {
        let rest = || text.get(at..).unwrap_or_default();
        if first == Some(*byte)
            && let Some(mark) = end.filter(|mark| open.is_empty() && rest().starts_with(mark))
        {
            return at + mark.len();
        }
        match byte {
            b'"' | b'\'' => {
                at = end_of_string(bytes, at);
                owner = Owner::Other;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | 0x80.. => {
                let length = word_length(rest());
                let word = rest().get(..length).unwrap_or_default();
                if owner == Owner::OwnAttribute
                    && let Some(hyphen) = hyphen_after(word, rest().get(length..).unwrap_or_default())
                {
                    hyphens.push(at + hyphen);
                }
                owner = owner_named(owner, word);
                at += length;
            }
            _ => {
                owner = match byte {
                    b'.' if owner == Owner::Own => Owner::OwnAttribute,
                    b'.' => Owner::OtherAttribute,
                    b']' | b')' | b'}' if open.pop() == Some(true) => Owner::Own,
                    _ => {
                        if matches!(byte, b'[' | b'(' | b'{') {
                            open.push(*byte == b'[' && owner == Owner::Volumes);
                        }
                        Owner::Other
                    }
                };
                at += 1;
            }
        }
    }
    text.len()
}

fn owner_named(before: Owner, word: &str) -> Owner {
    match (before, word) {
        (Owner::OwnAttribute | Owner::OtherAttribute, _) => Owner::Other,
        (_, "container" | "volume") => Owner::Own,
        (_, "volumes") => Owner::Volumes,
        _ => Owner::Other,
    }
}

/// Bytes of the word that a text begins with; one for a text that begins otherwise.
pub(super) fn word_length(text: &str) -> usize {
    let ascii = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if text.as_bytes().get(ascii).is_none_or(u8::is_ascii) {
        return ascii.max(1);
    }
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()).max(1)
}

/// How far from the beginning of `word` the hyphen is that joins it with what follows.
fn hyphen_after(word: &str, rest: &str) -> Option<usize> {
    let (_, second) = ATTRIBUTES.iter().find(|(first, _)| *first == word)?;
    let rest = rest.strip_prefix('-')?;
    (rest.get(..word_length(rest).min(rest.len())) == Some(second)).then_some(word.len())
}

/// Behind the string that begins at `at`.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let quote = bytes.get(at);
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(at + 1) {
        if !escaped && Some(byte) == quote {
            return index + 1;
        }
        escaped = !escaped && *byte == b'\\';
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{spelled_expression, spelled_template, words_in_tags};
    use crate::expression::engine;

    #[test]
    fn expressions() {
        for (text, expected) in [
            ("container.first-start", "container.first_start"),
            ("not volume.first-start and x", "not volume.first_start and x"),
            ("volume.upgraded-from is defined", "volume.upgraded_from is defined"),
            ("volumes[\"/var/www\"].first-start", "volumes[\"/var/www\"].first_start"),
            ("volumes[DIRS[0]].upgraded-from == '1'", "volumes[DIRS[0]].upgraded_from == '1'"),
            ("container.first-start-1", "container.first_start-1"),
            ("(volume.first-start)", "(volume.first_start)"),
            ("ä ~ volume.first-start", "ä ~ volume.first_start"),
        ] {
            assert_eq!(spelled_expression(text), expected);
        }
    }

    #[test]
    fn what_stays() {
        for text in [
            "'container.first-start'",
            "\"a\\\"container.first-start\"",
            "other.first-start",
            "other.container.first-start",
            "container.memory-start",
            "container.first-starter",
            "container.first - start",
            "container.first-",
            "containers.first-start",
            "DIRS[0].first-start",
            "volumes.first-start",
            "first-start",
            "container",
            "",
        ] {
            assert_eq!(spelled_expression(text), text);
        }
    }

    #[test]
    fn templates() {
        for (text, expected) in [
            (
                "container.first-start {{ container.first-start }}",
                "container.first-start {{ container.first_start }}",
            ),
            ("{% if volume.first-start %}x{% endif %}", "{% if volume.first_start %}x{% endif %}"),
            (
                "{# volume.first-start #}{{ volume.first-start }}",
                "{# volume.first-start #}{{ volume.first_start }}",
            ),
            (
                "{% raw %}{{ volume.first-start }}{% endraw %}{{ volume.first-start }}",
                "{% raw %}{{ volume.first-start }}{% endraw %}{{ volume.first_start }}",
            ),
            ("{{ '}}' ~ volume.first-start }}", "{{ '}}' ~ volume.first_start }}"),
            ("{{ {'a': {'b': 1}} ~ volume.first-start }}", "{{ {'a': {'b': 1}} ~ volume.first_start }}"),
            ("{ { {a} {{- volume.first-start -}} {% x", "{ { {a} {{- volume.first_start -}} {% x"),
            ("{%- raw -%} {{ volume.first-start }}", "{%- raw -%} {{ volume.first-start }}"),
        ] {
            assert_eq!(spelled_template(text), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_but_hyphens_changes(text in "[\\{\\}%#'\"\\[\\]().a\\-ä ]{0,6}(container|volumes|volume|raw|endraw|[{}%#'\" ]|\\.first-start|\\.upgraded-from){0,12}") {
            for spelled in [spelled_expression(&text), spelled_template(&text)] {
                prop_assert_eq!(spelled.len(), text.len());
                for (before, after) in text.chars().zip(spelled.chars()) {
                    prop_assert!(before == after || (before == '-' && after == '_'));
                }
            }
        }

        #[test]
        fn every_name_that_the_engine_looks_up_is_among_the_words(
            text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}| |A|bc|D1|ä|if|endif|raw|endraw|set|for|in|is|x=|\\||\\.|~|\\(|\\)|\\[|\\]|\\{|\\}|:|'|\"|\\\\|-|1|,|\n){0,24}",
            holes in proptest::collection::vec("(A|bc|D1|'\\}\\}'|\"\\\\\"\"|\\[A\\]|\\{'a': bc\\}|A\\.bc|A\\|upper)", 0..4),
        ) {
            let holes: String = holes.iter().map(|hole| format!("{{{{ {hole} }}}}")).collect();
            let text = format!("{holes}{text}{holes}");
            let engine = engine();
            if let Ok(template) = engine.template_from_str(&text) {
                let words = words_in_tags(&text);
                for name in template.undeclared_variables(false) {
                    prop_assert!(words.contains(&name.as_str()), "{name}");
                }
            }
        }

        #[test]
        fn the_engine_reads_the_same_tags(text in "[\\{\\}%#'\" a1-]{0,20}") {
            // what holds none of castoff's own names is left as it is
            prop_assert_eq!(spelled_template(&text), text.as_str());
        }
    }
}
