//! Writes a value for its place in an HTML document.

use super::super::literal::Literal;
use super::super::markup::escaped;
use super::super::skeleton::{Filling, Refusal};
use super::{Comment, Context};

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    let name = match context {
        Context::Text { .. } => "html text",
        Context::Attribute { start: Some(_), .. } => "the start of an address in html",
        Context::Attribute { .. } => "an html attribute",
        Context::Comment(_) => "an html comment",
    };
    let refuse = |reason: &str, instead: &str| Err(Refusal::value(name, reason, instead));
    let Some(text) = value.as_text() else {
        return refuse(
            &format!("HTML has no form for {}", value.kind()),
            "write one element for each item, with {% for %}",
        );
    };
    if text.contains('\0') {
        return refuse("browsers drop or replace U+0000, even escaped", "");
    }
    match context {
        Context::Text { newline_dropped } => Ok(in_text(&text, *newline_dropped)),
        Context::Attribute { start: Some(start), .. } if !start.takes(&text) => refuse(
            "it may name a scheme that the browser runs, as `javascript:` does",
            "an address that begins with http:, https:, mailto:, tel: or /",
        ),
        Context::Attribute { quoted, .. } => {
            let content = escaped(&text, |c| "\"'\t\n\r".contains(c));
            Ok(if *quoted { content } else { format!("\"{content}\"") })
        }
        Context::Comment(comment) if ends_or_changes(&text, *comment) => {
            refuse("HTML comments can't hold `--`, a carriage return, and at their ends `-`, `>` and `!`", "")
        }
        Context::Comment(_) => Ok(text.into_owned()),
    }
}

/// The first line feed is a reference, because one of the template's own carriage returns
/// would take it in. `<pre>` and `<textarea>` drop a first line feed, so they get one to drop.
fn in_text(text: &str, newline_dropped: bool) -> String {
    let (first, rest) = match text.strip_prefix('\n') {
        Some(rest) => ("&#10;", rest),
        None => ("", text),
    };
    let dropped = if newline_dropped && (text.is_empty() || !first.is_empty()) { "\n" } else { "" };
    format!("{dropped}{first}{}", escaped(rest, |c| c == '\r'))
}

/// Whether the value would end the comment, or be read as something else there.
fn ends_or_changes(text: &str, place: Comment) -> bool {
    text.contains("--")
        || text.contains('\r')
        || (place.first && (text.starts_with(['>', '-']) || (text.is_empty() && place.before_end)))
        || (place.after_dash && (text.is_empty() || text.starts_with(['-', '>', '!'])))
        || (place.after_exclamation && (text.is_empty() || text.starts_with('>')))
        || (place.before_dash && text.ends_with('-'))
        || (place.after_return && text.starts_with('\n'))
}
