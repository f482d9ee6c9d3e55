//! Writes a value for its place in an XML document.

use super::super::literal::Literal;
use super::super::markup;
use super::super::skeleton::{Filling, Refusal};
use super::Context;

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    let name = match context {
        Context::Text { .. } => "xml text",
        Context::Attribute { .. } => "an xml attribute",
        Context::Cdata { .. } => "an xml CDATA section",
        Context::Comment { .. } => "an xml comment",
    };
    let refuse = |reason: &str, instead: &str| Err(Refusal::value(name, reason, instead));
    let Some(text) = value.as_text() else {
        return refuse(
            &format!("XML has no form for {}", value.kind()),
            "write one element for each item, with {% for %}",
        );
    };
    if text.chars().any(|c| !is_char(c)) {
        return refuse("XML 1.0 can't hold control characters, U+FFFE and U+FFFF, not even escaped", "");
    }
    match *context {
        Context::Text { before_bracket: true, after_bracket: true } if text.is_empty() => {
            refuse("without it the text around it could be `]]>`, which XML can't hold", "&gt; for the `>`")
        }
        Context::Text { before_bracket, .. } => {
            // one of the template's own carriage returns would take it in (§2.11)
            let (first, rest) = text.strip_prefix('\n').map_or(("", &*text), |rest| ("&#10;", rest));
            Ok(first.to_owned() + &escaped(rest, |c| c == '\r' || (before_bracket && c == ']')))
        }
        Context::Attribute { normalised: true, .. }
            if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") =>
        {
            refuse("the document type may declare that such spaces are dropped", "an element's text")
        }
        Context::Attribute { quoted, .. } => {
            let content = escaped(&text, |c| "\"'\t\n\r".contains(c));
            Ok(if quoted { content } else { format!("\"{content}\"") })
        }
        Context::Cdata { split_before, split_after } => {
            Ok(cdata(&text, split_before || text.starts_with('\n'), split_after))
        }
        Context::Comment { first, after_dash, after_return, before_dash, closes } => {
            let breaks = text.contains("--")
                || text.contains('\r')
                || (first && text.starts_with('>'))
                || ((first || after_dash) && text.starts_with('-'))
                || (after_return && text.starts_with('\n'))
                || (before_dash && text.ends_with('-'))
                || (text.is_empty() && after_dash && before_dash)
                || (text.is_empty() && after_dash && closes);
            if breaks {
                return refuse("XML comments can't hold `--`, a `-` at an end, and carriage returns", "");
            }
            Ok(text.into_owned())
        }
    }
}

/// What XML 1.0 §2.2 calls Char.
fn is_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// With references for the characters that `special` picks, and for those that an XML 1.1
/// reader would change or refuse.
fn escaped(text: &str, special: impl Fn(char) -> bool) -> String {
    markup::escaped(text, |c| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}') || special(c))
}

/// As it is, but for `]]>`, carriage return and, as in text, a first line feed, for which the section
/// ends and begins again.
fn cdata(text: &str, split_before: bool, split_after: bool) -> String {
    const SPLIT: &str = "]]><![CDATA[";
    let content = text.replace("]]>", "]]]]><![CDATA[>").replace('\r', "]]>&#13;<![CDATA[");
    let before = if split_before { SPLIT } else { "" };
    let after = if split_after { SPLIT } else { "" };
    format!("{before}{content}{after}")
}
