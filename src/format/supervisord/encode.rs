//! Writes a value for its place in supervisord.conf.

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::lex::is_blank;
use super::{Context, Place};

const QUOTES: [char; 2] = ['"', '\''];

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    let text = value
        .as_text()
        .ok_or_else(|| refused(format!("an option of supervisor has no form for {}", value.kind())))?;
    if let Some(reason) = line_problem(context, &text).or_else(|| place_problem(context, &text)) {
        return Err(refused(reason));
    }
    if context.place == Place::Comment {
        return Ok(text.into_owned());
    }
    let text = (0..context.expansions).fold(text.into_owned(), |text, _| text.replace('%', "%%"));
    Ok(match context.place {
        Place::Variable if text.contains('"') => format!("'{text}'"),
        Place::Variable => format!("\"{text}\""),
        _ => text,
    })
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::value("supervisord.conf", reason, "")
}

/// What Python's ini files can't hold.
fn line_problem(context: &Context, text: &str) -> Option<&'static str> {
    let around = context.around;
    if text.contains(['\n', '\r', '\0']) {
        return Some("a line end ends the option, a NUL ends it for the programs, and there is no escape");
    }
    if around.commented && text.contains([';', '#']) {
        return Some("with a comment on its line, a `;` or `#` could move the comment's start");
    }
    if context.place == Place::Comment {
        return None;
    }
    // quotes of its own shield the ends of a value
    let bare = context.place != Place::Variable;
    let mut blank_before = bare && around.behind_blank;
    for c in text.chars() {
        if blank_before && matches!(c, ';' | '#') {
            return Some("a `;` or `#` behind a blank begins a comment, and there is no escape");
        }
        blank_before = is_blank(c);
    }
    let starts = around.starts && text.starts_with(is_blank);
    let ends = around.ends && text.ends_with(is_blank);
    if bare && (starts || ends) {
        return Some("blanks at the ends of an option are dropped, and there are no quotes");
    }
    if bare && around.needed && text.is_empty() {
        return Some("without it, the blanks beside it or its line would be dropped");
    }
    (text.contains("%(") || (around.before_bracket && text.ends_with('%')))
        .then_some("supervisor replaces `%(here)s` before it reads the `%%` that would escape it")
}

/// What an option makes of its value.
fn place_problem(context: &Context, text: &str) -> Option<&'static str> {
    match context.place {
        Place::Password if context.around.starts && text.starts_with("{SHA}") => {
            Some("a password that begins with `{SHA}` is taken for a hash")
        }
        Place::Word { commas } if !text.chars().all(|c| is_word(c, commas)) => Some(
            "a command or a list takes it apart, so only letters, digits and `_ . / : @ + = -` can stand there",
        ),
        Place::Variable if QUOTES.iter().all(|quote| text.contains(*quote)) => {
            Some("`environment` has two kinds of quotes and no escapes, so it can't hold both")
        }
        Place::Quoted { by, .. } if text.contains(by) => {
            Some("the quote would end the value, and `environment` has no escapes")
        }
        Place::Quoted { edges: (true, true), alone: false, .. } if text.is_empty() => {
            Some("without it, a quote beside it could be stripped")
        }
        Place::Variable if text.starts_with(QUOTES) || text.ends_with(QUOTES) => Some(STRIPPED),
        Place::Quoted { edges, .. }
            if (edges.0 && text.starts_with(QUOTES)) || (edges.1 && text.ends_with(QUOTES)) =>
        {
            Some(STRIPPED)
        }
        _ => None,
    }
}

const STRIPPED: &str = "supervisor strips all quotes at the ends of a variable";

fn is_word(c: char, commas: bool) -> bool {
    c.is_ascii_alphanumeric() || "_./:@+=-".contains(c) || (commas && c == ',')
}
