//! Reads an env file (`--env-file`): the variables of a container, on a laptop. No file is
//! opened here, and nothing is interpolated: `$` is itself everywhere.
//!
//! The dialect is what docker compose and `docker run --env-file` agree on, plus compose's
//! quotes; what the two read differently is refused, not guessed:
//!
//! - `NAME=value`, `export NAME=value`, empty lines, lines that begin with `#`;
//! - unquoted: up to the end of the line, or to a `#` after a space; blanks at the end are
//!   dropped, quotes and backslashes within are themselves;
//! - `'...'`: every character is itself, over several lines if need be;
//! - `"..."`: likewise, with `\n`, `\t`, `\"`, `\\` and `\$`;
//! - refused: a space around `=`, a name alone, a name twice, text after a closing quote,
//!   any other escape, bytes that aren't UTF-8, a NUL.
//!
//! Messages give the line and never its text, which may be a secret.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, Source};

/// One variable of an env file.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its value, quotes and escapes resolved.
    pub value: String,
    /// Where its name stands.
    pub place: Place,
}

/// The name and the line; the value may be a secret.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.name, self.place)
    }
}

/// Reads a whole env file, called `file_name` in messages.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        vec![
            Diagnostic::environment(format!("{file_name} is not UTF-8"))
                .note(format!("line {line}, byte {at} of the file")),
        ]
    })?;
    let source = Source::unquotable(file_name, text);
    let mut reader = Reader { source: &source, at: 0, entries: Vec::new(), problems: Vec::new() };
    reader.skip_if("\u{feff}");
    while reader.at < source.text.len() {
        reader.line();
    }
    if reader.problems.is_empty() { Ok(reader.entries) } else { Err(reader.problems) }
}

/// What is wrong at a place.
type Refusal = (Range<usize>, &'static str);

struct Reader<'s> {
    source: &'s Arc<Source>,
    at: usize,
    entries: Vec<Entry>,
    problems: Vec<Diagnostic>,
}

impl<'s> Reader<'s> {
    fn rest(&self) -> &'s str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    fn skip_if(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// Takes characters while they are wanted.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn skip_blanks(&mut self) -> usize {
        self.take_while(is_blank).len()
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
        self.skip_if("\n");
    }

    fn line(&mut self) {
        self.skip_blanks();
        if self.rest().starts_with(['#', '\n']) || self.rest().is_empty() {
            return self.skip_line();
        }
        match self.assignment() {
            Ok(entry) => self.keep(entry),
            Err((span, reason)) => {
                let title = format!("{}: {reason}", self.source.name);
                let place = Place::new(self.source, span);
                self.problems.push(Diagnostic::environment(title).at(&place, ""));
                self.skip_line();
            }
        }
    }

    fn keep(&mut self, entry: Entry) {
        match self.entries.iter().find(|known| known.name == entry.name) {
            Some(first) => self.problems.push(
                Diagnostic::environment(format!("{}: `{}` is set twice", self.source.name, entry.name))
                    .at(&entry.place, "again here")
                    .and_at(&first.place, "first here"),
            ),
            None => self.entries.push(entry),
        }
    }

    fn assignment(&mut self) -> Result<Entry, Refusal> {
        if self.rest().strip_prefix("export").is_some_and(|after| after.starts_with(is_blank)) {
            self.skip_if("export");
            self.skip_blanks();
        }
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        let span = start..self.at;
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err((span, "this is no `NAME=value`; a value of several lines must be in quotes"));
        }
        if self.skip_blanks() > 0 && self.rest().starts_with('=') {
            return Err((span, "no space may stand before the `=`"));
        }
        if !self.skip_if("=") {
            return Err((
                span,
                "there is no `=` after the name: nothing is taken over from outside the file",
            ));
        }
        let value = self.value()?;
        Ok(Entry { name: name.to_owned(), value, place: Place::new(self.source, span) })
    }

    fn value(&mut self) -> Result<String, Refusal> {
        let start = self.at;
        let value = if self.skip_if("'") {
            self.single_quoted(start)?
        } else if self.skip_if("\"") {
            self.double_quoted(start)?
        } else {
            return self.unquoted();
        };
        let blanks = self.skip_blanks();
        let comment = blanks > 0 && self.rest().starts_with('#');
        if !comment && !self.rest().is_empty() && !self.rest().starts_with('\n') {
            return Err((self.at..self.at, "nothing may follow the closing quote"));
        }
        if value.contains('\0') {
            return Err((start..start, NUL));
        }
        self.skip_line();
        Ok(value)
    }

    fn unquoted(&mut self) -> Result<String, Refusal> {
        let start = self.at;
        let line = self.take_while(|c| c != '\n');
        self.skip_if("\n");
        let value = line.trim_end_matches(is_blank);
        let comment = value.char_indices().zip(value.chars().skip(1));
        let comment =
            comment.filter(|((_, c), next)| is_blank(*c) && *next == '#').map(|((at, _), _)| at).next();
        let value = value.get(..comment.unwrap_or(value.len())).unwrap_or_default();
        let value = value.trim_end_matches(is_blank);
        // the line is already taken, so go back to its end for the next one
        let refuse = |reader: &mut Self, reason| {
            reader.at = start;
            Err((start..start, reason))
        };
        if value.starts_with(is_blank) {
            return refuse(
                self,
                "no space may stand after the `=`; a value that begins with one must be in quotes",
            );
        }
        if value.contains('\0') {
            return refuse(self, NUL);
        }
        Ok(value.to_owned())
    }

    fn single_quoted(&mut self, start: usize) -> Result<String, Refusal> {
        let value = self.take_while(|c| c != '\'');
        if self.skip_if("'") { Ok(value.to_owned()) } else { Err((start..start, UNCLOSED)) }
    }

    fn double_quoted(&mut self, start: usize) -> Result<String, Refusal> {
        let mut value = String::new();
        loop {
            value.push_str(self.take_while(|c| c != '"' && c != '\\'));
            if self.skip_if("\"") {
                return Ok(value);
            }
            let at = self.at;
            if !self.skip_if("\\") {
                return Err((start..start, UNCLOSED));
            }
            let escaped = ESCAPES.iter().find(|(letter, _)| self.skip_if(letter));
            match escaped {
                Some((_, meaning)) => value.push(*meaning),
                None if self.rest().is_empty() => return Err((start..start, UNCLOSED)),
                None => {
                    // go on behind the value, so that its other lines aren't read as variables
                    self.skip_to_quote();
                    return Err((
                        at..at,
                        "in double quotes, after `\\` only `n`, `t`, `\"`, `\\` and `$` may stand",
                    ));
                }
            }
        }
    }

    /// To the quote that closes a double-quoted value.
    fn skip_to_quote(&mut self) {
        loop {
            self.take_while(|c| c != '"' && c != '\\');
            if !self.skip_if("\\") {
                return;
            }
            let next = self.rest().chars().next().map_or(0, char::len_utf8);
            self.at += next;
        }
    }
}

const ESCAPES: [(&str, char); 5] = [("n", '\n'), ("t", '\t'), ("\"", '"'), ("\\", '\\'), ("$", '$')];
const UNCLOSED: &str = "this quote is never closed";
const NUL: &str = "no variable can hold a NUL";

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    fn read(text: &str) -> Vec<(String, String)> {
        let entries = parse("t.env", text.as_bytes()).unwrap();
        entries.into_iter().map(|entry| (entry.name, entry.value)).collect()
    }

    #[test]
    fn accepted() {
        for (line, value) in [
            ("A=b", "b"),
            ("  A=b", "b"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("\u{feff}A=b", "b"),
            ("A=", ""),
            ("A=b \r\n", "b"),
            ("A=b c", "b c"),
            ("A=b#c", "b#c"),
            ("A=b #c", "b"),
            ("A=b  \t# c # d", "b"),
            ("A= # c", ""),
            ("A=#c", "#c"),
            ("A=b\"c'd\\n$e", "b\"c'd\\n$e"),
            ("A=b=c", "b=c"),
            ("A=''", ""),
            ("A='b # c'", "b # c"),
            ("A='b\\n\"$'", "b\\n\"$"),
            ("A='b\nB=c\n'", "b\nB=c\n"),
            ("A=' b ' # c", " b "),
            (r#"A="b\n\t\"\\\$c""#, "b\n\t\"\\$c"),
            ("A=\"b\nc\"", "b\nc"),
            ("A=\"$b # 'c'\"\r\n", "$b # 'c'"),
        ] {
            assert_eq!(read(line), [("A".to_owned(), value.to_owned())], "{line:?}");
        }
        assert_eq!(read("# c\n\n \t\n#A=b\n"), []);
        assert_eq!(read("export=1\nA.b-c=2").len(), 2);
    }

    #[test]
    fn refused_with_the_line_and_never_the_text() {
        for (text, line, reason) in [
            ("X=1\nhunter2", 2, "there is no `=`"),
            ("=hunter2", 1, "no `NAME=value`"),
            ("1A=hunter2", 1, "no `NAME=value`"),
            ("A =hunter2", 1, "before the `=`"),
            ("A= hunter2", 1, "after the `=`"),
            ("\nA='hunter2", 2, "never closed"),
            ("A=\"hunter2", 1, "never closed"),
            ("A=\"hunter2\\", 1, "never closed"),
            ("A=\"hunter2\\\"", 1, "never closed"),
            ("A='hunter2'x", 1, "nothing may follow"),
            ("A='hunter2'#x", 1, "nothing may follow"),
            ("A=\"hun\nter2\\x\"\n", 2, "after `\\` only"),
            ("A=hunter2\0", 1, "NUL"),
            ("A='hunter2\0'", 1, "NUL"),
            ("B=1\nB=hunter2", 2, "set twice"),
        ] {
            let problems = parse("t.env", text.as_bytes()).unwrap_err();
            let shown: Vec<_> = problems.iter().map(|problem| problem.render(false)).collect();
            assert_eq!(shown.len(), 1, "{text:?}: {shown:?}");
            assert!(shown[0].contains(&format!("t.env line {line}")), "{text:?}: {}", shown[0]);
            assert!(shown[0].contains(reason), "{text:?}: {}", shown[0]);
            assert!(!shown[0].contains("hunter2") && !shown[0].contains("ter2"), "{}", shown[0]);
        }
    }

    #[test]
    fn all_mistakes_at_once_and_bytes_that_are_no_text() {
        assert_eq!(parse("t", b"A =1\nB= 2\nC\nD=\"\\x\nE\"\nF=1\nF=2").unwrap_err().len(), 5);
        let shown = parse("t.env", b"A=1\nB=hunter2\xff").unwrap_err()[0].render(false);
        assert!(shown.contains("line 2, byte 13") && !shown.contains("hunter2"), "{shown}");
    }

    /// A value as this dialect's double quotes write it.
    fn quoted(value: &str) -> String {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        format!("\"{}\"", escaped.replace('\n', "\\n").replace('\t', "\\t"))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec("[^\0]*", 0..8)) {
            let file: String =
                values.iter().enumerate().map(|(i, value)| format!("V{i}={}\n", quoted(value))).collect();
            let found: Vec<_> = read(&file).into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(found, values);
        }

        #[test]
        fn plain_values_need_no_quotes(value in "[!-&(-~][!-~]*") {
            prop_assume!(!value.starts_with('"'));
            prop_assert_eq!(read(&format!("A={value}\n")), [("A".to_owned(), value)]);
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse("t", &bytes);
        }

        #[test]
        fn any_soup_ends(text in "[AB= '\"\\\\n#$\n\texport]*") {
            let _ = parse("t", text.as_bytes());
        }
    }
}
