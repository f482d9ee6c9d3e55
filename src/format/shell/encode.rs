//! How a value is written in each context of a shell script. Knows nothing of the script.

use super::Context;
use crate::format::literal::Literal;
use crate::format::skeleton::{Filling, Refusal};

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    if let (Context::Word { list: true, .. }, Literal::List(items)) = (context, value) {
        let words: Result<Vec<_>, _> =
            items.iter().map(|item| text(item).map(|text| single_quoted(&text))).collect();
        return Ok(words?.join(" "));
    }
    let text = text(value)?;
    match context {
        Context::Word { bare: true, .. } if !matches!(value, Literal::Text(_)) => Ok(text),
        Context::Word { .. } => Ok(single_quoted(&text)),
        Context::SingleQuoted => Ok(text.replace('\'', r"'\''")),
        Context::DoubleQuoted => Ok(escaped(&text, &['"', '\\', '$', '`'])),
        Context::Comment => comment(text),
        Context::Arithmetic => arithmetic(value),
        Context::Heredoc { expands, line } => {
            let encoded = if *expands { escaped(&text, &['\\', '$', '`']) } else { text };
            line.accept(encoded)
        }
    }
}

fn text(value: &Literal) -> Filling {
    let text = value.as_text().ok_or_else(|| {
        Refusal::value(
            "a shell word",
            format!("{} isn't one word", value.kind()),
            "a list can stand as whole arguments: for x in {{ LIST }}",
        )
    })?;
    if text.contains('\0') {
        return Err(Refusal::value("a shell script", "no shell keeps a NUL", ""));
    }
    Ok(text.into_owned())
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn comment(text: String) -> Filling {
    if text.contains(['\n', '\r']) {
        return Err(Refusal::value(
            "a shell comment",
            "a comment ends with its line",
            "move it out of the comment",
        ));
    }
    Ok(text)
}

fn arithmetic(value: &Literal) -> Filling {
    // `-` before a negative number would read as `--`.
    match value {
        Literal::Int(number @ 0..=0x7fff_ffff_ffff_ffff) => Ok(number.to_string()),
        Literal::Int(number @ -0x7fff_ffff_ffff_ffff..0) => Ok(format!("({number})")),
        _ => Err(Refusal::value(
            "shell arithmetic",
            "shells calculate with whole numbers of 64 bits, and would run a command in other text",
            "declare the variable as type = \"int\"",
        )),
    }
}
