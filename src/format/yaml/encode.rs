//! Writes a value for a context of YAML. Decides nothing about where it stands.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::super::literal::{Literal, separate};
use super::super::skeleton::{Filling, Refusal};
use super::{Block, Context, Place};

/// The text that stands in the hole.
pub(super) fn encode(place: &Place, value: &Literal) -> Filling {
    let mut out = String::new();
    match place.context {
        Context::Value => whole(value, &mut out)?,
        Context::Key => match value {
            Literal::Text(text) => quote(text, &mut out),
            value => return Err(refused(format!("a key is text, not {}", value.kind()), "")),
        },
        Context::Part { first } => out.push_str(part(first, &text(value)?)?),
        Context::Double { edge } => double(edge, &text(value)?, &mut out)?,
        Context::Single { edge } => single(edge, &text(value)?, &mut out)?,
        Context::Block(block) => lines(block, &text(value)?, &mut out)?,
        Context::Comment => out.push_str(comment(&text(value)?)?),
    }
    match place.room {
        Some(room) if out.chars().count() > room => {
            Err(refused(format!("readers take keys of 1024 characters, which leaves {room} for it"), ""))
        }
        _ => Ok(out),
    }
}

fn refused(reason: impl Into<String>, instead: &str) -> Refusal {
    Refusal::value("a yaml file", reason, instead)
}

fn text(value: &Literal) -> Result<Cow<'_, str>, Refusal> {
    value.as_text().ok_or_else(|| {
        refused(
            format!("{} has no text", value.kind()),
            "give it a place of its own, without quotes or text beside it",
        )
    })
}

fn whole(value: &Literal, out: &mut String) -> Result<(), Refusal> {
    match value {
        Literal::None => out.push_str("null"),
        Literal::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Literal::Int(value) => out.push_str(&integer(*value)?),
        Literal::Float(value) => out.push_str(&float(*value)),
        Literal::Text(text) => quote(text, out),
        Literal::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, ", ", out);
                whole(item, out)?;
            }
            out.push(']');
        }
        Literal::Map(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                separate(index, ", ", out);
                let start = out.len();
                quote(key, out);
                if out.get(start..).is_some_and(|key| key.chars().count() > super::KEY) {
                    return Err(refused("readers take keys of 1024 characters", ""));
                }
                out.push_str(": ");
                whole(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn integer(value: i128) -> Filling {
    i64::try_from(value).map(|value| value.to_string()).map_err(|_| {
        refused(
            "many readers of YAML round whole numbers beyond 64 bits",
            r#"write it in quotes, as text: "{{ x }}""#,
        )
    })
}

/// With a `.` and a signed exponent: readers of YAML 1.1 take others for text.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let digits = format!("{value:?}");
    let Some((mantissa, exponent)) = digits.split_once('e') else { return digits };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

/// Printable, and no line break for any version of YAML; tab and line feed apart.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        let code = u32::from(c);
        // Writing to a String can't fail.
        let _ = match c {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if is_printable(c) => out.write_char(c),
            _ if code <= 0xff => write!(out, "\\x{code:02x}"),
            _ => write!(out, "\\u{code:04x}"),
        };
    }
}

fn double(edge: bool, text: &str, out: &mut String) -> Result<(), Refusal> {
    if edge && text.is_empty() {
        return Err(refused(
            "readers drop the blanks at the ends of a quoted line",
            "keep the string on one line",
        ));
    }
    // A space at an end of the value may stand at an end of a line.
    let rest = text.strip_prefix(' ').inspect(|_| out.push_str("\\x20")).unwrap_or(text);
    let middle = rest.strip_suffix(' ');
    escape(middle.unwrap_or(rest), out);
    if middle.is_some() {
        out.push_str("\\x20");
    }
    Ok(())
}

fn single(edge: bool, text: &str, out: &mut String) -> Result<(), Refusal> {
    let instead = "leave the quotes out, or use `\"`";
    if !text.chars().all(|c| c == '\t' || is_printable(c)) {
        return Err(refused("single quotes have no escape for line breaks and control characters", instead));
    }
    if edge && (text.is_empty() || text.starts_with([' ', '\t']) || text.ends_with([' ', '\t'])) {
        return Err(refused("readers drop the blanks at the ends of a quoted line", instead));
    }
    out.push_str(&text.replace('\'', "''"));
    Ok(())
}

fn part(first: bool, text: &str) -> Result<&str, Refusal> {
    let inner = |c: char| c.is_alphanumeric() || "_./@+=:-".contains(c);
    let start = |c: char| c.is_alphanumeric() || "_/".contains(c);
    let starts = text.starts_with(|c| if first { start(c) } else { inner(c) && c != ':' });
    if starts && !text.ends_with(':') && text.chars().all(inner) {
        return Ok(text);
    }
    Err(refused(
        "beside bare text it can only be of letters, digits and `_ . / @ + = : -`, and not empty",
        r#"put quotes around all of it: "…{{ x }}…""#,
    ))
}

fn comment(text: &str) -> Result<&str, Refusal> {
    if text.chars().all(|c| c == '\t' || is_printable(c)) {
        return Ok(text);
    }
    Err(refused("a comment ends with its line, and holds no control characters", ""))
}

/// A value's lines, each at the indentation of the block.
fn lines(block: Block, text: &str, out: &mut String) -> Result<(), Refusal> {
    if let Some(reason) = not_a_block(block, text) {
        return Err(refused(reason, "write it without the block: key: {{ x }}"));
    }
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', block.indent));
        }
        out.push_str(line);
    }
    Ok(())
}

fn not_a_block(block: Block, text: &str) -> Option<&'static str> {
    let is_blank = |line: &str| line.chars().all(|c| c == ' ' || c == '\t');
    let (first, last) = match text.split_once('\n') {
        Some((first, rest)) => (first, rest.rsplit('\n').next().unwrap_or(rest)),
        None => (text, text),
    };
    if !text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c)) {
        Some("a block has no escape for control characters and other line breaks")
    } else if block.folded && text.contains('\n') {
        Some("a folded block (`>`) joins lines: use `|`")
    } else if !block.before && is_blank(first) {
        Some("a blank line at its start or end could be lost")
    } else if !block.before && (block.first || block.folded) && first.starts_with([' ', '\t']) {
        Some("a blank at the start of the line would change the block's indentation")
    } else if !block.after && is_blank(last) && (text.contains('\n') || !block.before) {
        Some("a line feed at its end could be lost")
    } else {
        None
    }
}
