//! Writes a value for its context. Pure text; knows nothing of where the context came from.

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::Context;

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    match context {
        Context::Expression { apart } => {
            let text = literal(value)?;
            let number = matches!(value, Literal::Int(_) | Literal::Float(_));
            Ok(if number && !apart { format!("({text})") } else { text })
        }
        Context::SingleQuoted => content("a single-quoted php string", value).map(|text| single(&text)),
        Context::DoubleQuoted => {
            content("a double-quoted php string", value).map(|text| escaped(&text, Quoting::Double))
        }
        Context::Heredoc { line_start } => {
            let text = content("a php heredoc", value)?;
            Ok(escaped(&text, if *line_start { Quoting::HeredocLine } else { Quoting::Heredoc }))
        }
        Context::Nowdoc { label, line_start, indented, alone } => {
            let text = content(NOWDOC, value)?;
            check_nowdoc(&text, label, *line_start, *indented, *alone)?;
            Ok(text)
        }
        Context::LineComment { before, after } => {
            let text = content("a php line comment", value)?;
            check_line_comment(&text, *before, *after)?;
            Ok(text)
        }
        Context::BlockComment { before, after } => {
            let text = content("a php comment", value)?;
            let ends = text.contains("*/")
                || (*before && text.starts_with('/'))
                || (*after && text.ends_with('*'))
                || (*before && *after && text.is_empty());
            if ends {
                return Err(Refusal::value("a php comment", "`*/` would end the comment", OUTSIDE));
            }
            Ok(text)
        }
    }
}

const NOWDOC: &str = "a php nowdoc";
const OUTSIDE: &str = "leave the value out of the comment";

/// The text that stands in a string or a comment.
fn content(context: &'static str, value: &Literal) -> Result<String, Refusal> {
    value.as_text().map(std::borrow::Cow::into_owned).ok_or_else(|| {
        Refusal::value(
            context,
            format!("{} is not text", value.kind()),
            "write the value without quotes around it, as an expression of its own",
        )
    })
}

fn literal(value: &Literal) -> Filling {
    Ok(match value {
        Literal::None => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => int(*value)?,
        // `{:?}` is the shortest text that reads back the same, always with `.` or `e`.
        Literal::Float(value) if value.is_finite() => format!("{value:?}"),
        Literal::Float(_) => return Err(Refusal::value(EXPRESSION, "it is not a finite number", "")),
        Literal::Text(text) => string(text),
        Literal::List(values) => {
            let values: Vec<String> = values.iter().map(literal).collect::<Result<_, _>>()?;
            format!("[{}]", values.join(", "))
        }
        Literal::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| Ok(format!("{} => {}", string(key), literal(value)?)))
                .collect::<Result<_, _>>()?;
            format!("[{}]", entries.join(", "))
        }
    })
}

const EXPRESSION: &str = "a php expression";

fn int(value: i128) -> Filling {
    match i64::try_from(value) {
        // The scanner reads the digits before the sign: 9223372036854775808 is a float.
        Ok(i64::MIN) => Ok("\\PHP_INT_MIN".to_owned()),
        Ok(value) => Ok(value.to_string()),
        Err(_) => Err(Refusal::value(
            EXPRESSION,
            "php has no whole numbers beyond 64 bits",
            "declare the variable as a string",
        )),
    }
}

/// A whole string literal. Line breaks and tabs stay as they are; other control
/// characters are written as escapes, so that editors and diffs take the file as text.
fn string(text: &str) -> String {
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        format!("\"{}\"", escaped(text, Quoting::Double))
    } else {
        format!("'{}'", single(text))
    }
}

fn single(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Double,
    Heredoc,
    HeredocLine,
}

/// The content of a double-quoted string or a heredoc. Each escape is complete, so that
/// nothing after it can join it; a `{` at the end can't join a `$` after it.
fn escaped(text: &str, quoting: Quoting) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let last = chars.peek().is_none();
        match c {
            _ if at == 0 && quoting == Quoting::HeredocLine => push_code(&mut out, c),
            '\\' | '$' => out.extend(['\\', c]),
            '"' if quoting == Quoting::Double => out.push_str("\\\""),
            '{' if last => push_code(&mut out, c),
            '\n' if quoting != Quoting::Double => out.push_str("\\n"),
            '\n' | '\t' => out.push(c),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => push_code(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

fn push_code(out: &mut String, c: char) {
    let code = u32::from(c);
    out.push_str(&if c.is_ascii() { format!("\\x{code:02x}") } else { format!("\\u{{{code:x}}}") });
}

fn check_nowdoc(
    text: &str,
    label: &str,
    line_start: bool,
    indented: bool,
    alone: bool,
) -> Result<(), Refusal> {
    let refuse = |reason| Err(Refusal::value(NOWDOC, reason, "use a heredoc, or a string"));
    if indented && text.contains(['\n', '\r']) {
        return refuse("its lines would have to be indented as the end of the nowdoc is");
    }
    if alone && text.ends_with('\r') {
        return refuse("php takes a carriage return before the line feed for a part of it");
    }
    let mut lines = text.split(['\n', '\r']).skip(usize::from(!line_start)).peekable();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches([' ', '\t']);
        // What follows the hole in its line may complete the end.
        let open = lines.peek().is_none() && !alone;
        if line.starts_with(label) || (open && label.starts_with(line)) {
            return refuse("one of its lines could end the nowdoc");
        }
    }
    Ok(())
}

fn check_line_comment(text: &str, before: bool, after: bool) -> Result<(), Refusal> {
    const CONTEXT: &str = "a php line comment";
    if text.contains(['\n', '\r']) {
        return Err(Refusal::value(CONTEXT, "a line break would end the comment", OUTSIDE));
    }
    let closes = text.contains("?>")
        || (before && text.starts_with('>'))
        || (after && text.ends_with('?'))
        || (before && after && text.is_empty());
    if closes {
        return Err(Refusal::value(CONTEXT, "`?>` would end the comment and the php code", OUTSIDE));
    }
    Ok(())
}
