//! Writes a value for its place in httpd's configuration.

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::{Context, Kind, Place, Shape};

const ARGUMENT: &str = "an apache argument";

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    match (context, value) {
        (Context::Comment { shields }, value) => comment(value, *shields),
        (Context::Argument(Place { shape: Shape::Whole { .. }, .. }), Literal::Bool(value)) => {
            Ok(if *value { "On" } else { "Off" }.to_owned())
        }
        (
            Context::Argument(place @ Place { shape: Shape::Whole { list: true }, .. }),
            Literal::List(values),
        ) => {
            if values.is_empty() {
                return refuse("the directive takes at least one word", "leave it out with {% if %}");
            }
            let words: Result<Vec<String>, Refusal> =
                values.iter().map(|value| argument(place, &content(value)?)).collect();
            Ok(words?.join(" "))
        }
        (Context::Argument(place), value) => argument(place, &content(value)?),
    }
}

fn refuse<T>(reason: &str, instead: &str) -> Result<T, Refusal> {
    Err(Refusal::value(ARGUMENT, reason, instead))
}

fn content(value: &Literal) -> Filling {
    match value.as_text() {
        Some(text) => Ok(text.into_owned()),
        None => refuse(&format!("{} is not one word", value.kind()), "write one hole for each value"),
    }
}

fn comment(value: &Literal, shields: bool) -> Filling {
    let text = content(value)?;
    if text.contains(['\n', '\r', '\0']) || text.ends_with('\\') || (shields && text.is_empty()) {
        return Err(Refusal::value(
            "an apache comment",
            "it ends with its line, and a backslash at its end continues it on the next one",
            "",
        ));
    }
    Ok(text)
}

fn argument(place: &Place, text: &str) -> Filling {
    if text.contains(['\n', '\0']) {
        return refuse("httpd has no escape for line feed and NUL", "");
    }
    if text.contains("${") || (place.before_brace && text.ends_with('$')) {
        return refuse("httpd replaces `${…}` in every argument, and has no escape for it", "");
    }
    match place.kind {
        Kind::Plain => plain(place, text),
        Kind::Text => word(place, text),
        Kind::Path if text.is_empty() && place.start => {
            refuse("an empty path is httpd's own directory", "a default")
        }
        Kind::Path => word(place, text),
        Kind::Header => header(place, text),
        Kind::Message => message(place, text),
    }
}

/// For directives that castoff doesn't know: what means itself in every syntax.
fn plain(place: &Place, text: &str) -> Filling {
    if !text.chars().all(is_plain) {
        return refuse(
            "the directive may give a meaning to all but letters, digits and `_ . / : @ , + -`",
            "another value, or {{ x | raw }} where the image checks it",
        );
    }
    if text.is_empty() && place.start && !matches!(place.shape, Shape::Quoted(_)) {
        return refuse("without it the directive has one argument less", "a default, or {% if %}");
    }
    Ok(text.to_owned())
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@,+-".contains(c)
}

fn header(place: &Place, text: &str) -> Filling {
    if text.contains(|c: char| c.is_ascii_control() && c != '\t') {
        return refuse("a header can't hold control characters", "");
    }
    if text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']) {
        return refuse("blanks at the ends of a header are dropped", "");
    }
    let expression = text.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("expr="));
    let begun =
        !text.is_empty() && "expr".get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
    if place.start && (expression || (begun && !matches!(place.shape, Shape::Whole { .. }))) {
        return refuse("`expr=` at its start would make an expression of it", "");
    }
    word(place, &text.replace('\\', r"\\").replace('%', "%%"))
}

/// httpd reads them as expressions, whose scanner stops the server at some escapes. What is
/// plain is kept as it is: it may be the path or the address of a page.
fn message(place: &Place, text: &str) -> Filling {
    if text.chars().all(is_plain) {
        return plain(place, text);
    }
    if text.contains(|c: char| c.is_ascii_control() || "%$\\".contains(c)) {
        return refuse("`%`, `$`, a backslash or a control character is part of an expression there", "");
    }
    if text.starts_with('/') || is_address(text) || (place.start && text.starts_with('"')) {
        return refuse(
            "what begins as a path, an address or a quote is another thing there than text",
            "begin it with other text",
        );
    }
    word(place, text)
}

/// `ap_is_url`.
pub(super) fn is_address(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)))
}

fn word(place: &Place, text: &str) -> Filling {
    match place.shape {
        Shape::Whole { .. } if !text.is_empty() && text.chars().all(is_plain) => Ok(text.to_owned()),
        Shape::Whole { .. } => Ok(format!("\"{}\"", escaped(text, '"'))),
        Shape::Quoted(quote) => Ok(escaped(text, quote)),
        Shape::Part => {
            let edge = place.start && (text.is_empty() || text.starts_with(['"', '\'']));
            if edge || text.contains([' ', '\t', '\x0b', '\x0c', '\r']) || text.ends_with('\\') {
                return refuse(
                    "outside quotes, blanks, quotes at the start and a backslash at the end would change the words",
                    "put quotes around the whole argument: \"…{{ x }}…\"",
                );
            }
            Ok(text.replace('\\', r"\\"))
        }
    }
}

/// Between quotes only these two can be escaped, and have to be (`substring_conf`).
fn escaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
