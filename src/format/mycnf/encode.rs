//! Writes a value for a place in an option file. Decides nothing about where it stands.

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::{Context, LINE, Part, Place};

/// The text that stands in the hole.
pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    let text = match value {
        Literal::Bool(value) => if *value { "ON" } else { "OFF" }.into(),
        value => value
            .as_text()
            .ok_or_else(|| refused(format!("an option file has no form for {}", value.kind())))?,
    };
    if let Some(reason) = problem(context.place, &text) {
        return Err(refused(reason));
    }
    let filling = match context.place {
        Place::Whole if matches!(value, Literal::Text(_)) => format!("\"{}\"", escape(&text, Some('"'))),
        Place::Whole | Place::Option | Place::File | Place::Comment => text.into_owned(),
        Place::Quoted(quote) => escape(&text, Some(quote)),
        Place::Part(part) => blank_ends(part, &escape(&text, None)),
    };
    if filling.len() > context.room {
        return Err(refused(format!(
            "the programs take lines of {LINE} bytes, which leaves {} for it",
            context.room
        )));
    }
    Ok(filling)
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::value("an option file", reason, "")
}

fn escape(text: &str, quote: Option<char>) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => {
                if c == '\\' || quote == Some(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    out
}

/// Writes a blank that would be dropped at an end of the value as an escape.
fn blank_ends(part: Part, text: &str) -> String {
    let escape = |c| if c == ' ' { "\\s" } else { "\\t" };
    let (mut head, mut rest, mut tail) = ("", text, "");
    if part.first
        && let Some(after) = rest.strip_prefix([' ', '\t'])
    {
        head = escape(rest.chars().next().unwrap_or(' '));
        rest = after;
    }
    if part.last
        && let Some(before) = rest.strip_suffix([' ', '\t'])
    {
        tail = escape(rest.chars().next_back().unwrap_or(' '));
        rest = before;
    }
    format!("{head}{rest}{tail}")
}

fn problem(place: Place, text: &str) -> Option<&'static str> {
    let only =
        |more: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    match place {
        _ if text.contains('\0') => Some("the programs end the line at a NUL"),
        Place::Option if !only("_-.") => {
            Some("the name of an option or a group is of letters, digits, `_`, `-` and `.`")
        }
        Place::File if !only("_-./") => Some("a file name there is of letters, digits and `_ - . /`"),
        Place::Comment if text.contains(['\n', '\r']) => Some("a comment ends with its line"),
        Place::Part(_) if text.contains(['#', '"', '\'']) => Some(
            "outside quotes `#` begins a comment, and quotes change where: put quotes around the whole value",
        ),
        Place::Part(part) => loses_an_end(part, text),
        _ => None,
    }
}

/// The programs take bytes for blanks as Latin-1 has them: A0, the last byte of `à`, is one.
fn loses_an_end(part: Part, text: &str) -> Option<&'static str> {
    const BLANKS: [char; 2] = ['\x0b', '\x0c'];
    if part.shields && text.is_empty() {
        return Some("without a value, what stands beside it would be taken for the end of the value");
    }
    let first = part.first && text.starts_with(BLANKS);
    let last = part.last && (text.ends_with(BLANKS) || text.as_bytes().last() == Some(&0xA0));
    (first || last).then_some("the programs drop it at an end of a value: put quotes around the whole value")
}
