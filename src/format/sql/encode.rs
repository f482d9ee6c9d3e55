//! Writes a value for its place in SQL. It must not look at the template: all that it
//! needs of it is in the context.

use std::fmt::Write as _;

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::{Context, Dialect};

const OUTSIDE: &str = "leave the template's own quotes out: {{ x }}";

pub(super) fn encode(dialect: Dialect, context: Context, value: &Literal) -> Filling {
    if let Context::Value { operator, listed, plain } = context {
        return match value {
            Literal::List(items) => list(dialect, items, listed, plain),
            value => scalar(dialect, value, operator, plain),
        };
    }
    let text = value.as_text().ok_or_else(|| {
        refused(format!("a text of SQL has no form for {}", value.kind()), "write it outside quotes: {{ x }}")
    })?;
    if text.contains('\0') {
        return Err(refused("no reader of SQL scripts takes a NUL there", ""));
    }
    match context {
        Context::Quoted { escapes: true, .. } => Ok(escape(&text)),
        Context::Quoted { by, .. } => quoted(dialect, by, &text),
        Context::Name { by, room } => name(dialect, by, room, &text),
        Context::Comment { block, parts } => comment(dialect, block, parts, &text),
        Context::Value { .. } => Ok(String::new()),
    }
}

fn list(dialect: Dialect, items: &[Literal], listed: bool, plain: bool) -> Filling {
    if items.is_empty() {
        return Err(refused(
            "SQL has no empty list",
            "leave the condition out where the list is empty: {% if x %}",
        ));
    }
    let items: Result<Vec<String>, Refusal> =
        items.iter().map(|item| scalar(dialect, item, false, plain)).collect();
    let items = items?.join(", ");
    Ok(if listed { items } else { format!("({items})") })
}

fn scalar(dialect: Dialect, value: &Literal, operator: bool, plain: bool) -> Filling {
    let number = match value {
        Literal::Text(text) => return literal(dialect, text, plain),
        Literal::None => return Ok("NULL".to_owned()),
        Literal::Bool(value) => return Ok(if *value { "TRUE" } else { "FALSE" }.to_owned()),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::List(_) | Literal::Map(_) => {
            return Err(refused(format!("SQL has no literal for {} there", value.kind()), ""));
        }
    };
    // `--1` is a comment, and `%-1` an operator of PostgreSQL
    Ok(if operator && number.starts_with('-') { format!(" {number}") } else { number })
}

fn literal(dialect: Dialect, text: &str, plain: bool) -> Filling {
    if !text.contains(|c: char| c == '\\' || (c.is_ascii_control() && c != '\t')) {
        return Ok(format!("'{}'", text.replace('\'', "''")));
    }
    match dialect {
        Dialect::Postgres if text.contains('\0') => {
            Err(refused("PostgreSQL keeps no NUL in a text", "encode it: decode({{ … }}, 'base64')"))
        }
        Dialect::Postgres => Ok(format!("E'{}'", escape(text))),
        Dialect::MariaDb if plain => Err(refused(
            "MariaDB takes `'…'` only there, in which its settings decide what a backslash means and its \
             clients change line ends",
            "SET STATEMENT sql_mode = '' FOR EXECUTE IMMEDIATE CONCAT('CREATE USER app IDENTIFIED BY ', QUOTE({{ x }}))",
        )),
        Dialect::MariaDb => {
            let mut hex = "_utf8mb4 X'".to_owned();
            for byte in text.bytes() {
                let _ = write!(hex, "{byte:02X}");
            }
            hex.push('\'');
            Ok(hex)
        }
    }
}

/// For `E'…'`. No other escape is needed, and `''` is not subject to `backslash_quote`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\'' => escaped.push_str("''"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if c.is_ascii_control() && c != '\t' => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn quoted(dialect: Dialect, by: char, text: &str) -> Filling {
    if text.contains('\\') {
        return Err(refused("a setting of the server decides what a backslash means there", OUTSIDE));
    }
    if dialect == Dialect::MariaDb && text.contains(['\n', '\r', '\x1a']) {
        return Err(refused("clients and init files of MariaDB change or split lines there", OUTSIDE));
    }
    Ok(double(by, text))
}

fn double(quote: char, text: &str) -> String {
    text.replace(quote, &format!("{quote}{quote}"))
}

fn name(dialect: Dialect, by: char, room: usize, text: &str) -> Filling {
    let length = match dialect {
        Dialect::Postgres => text.len(),
        Dialect::MariaDb => text.chars().count(),
    };
    let mariadb = dialect == Dialect::MariaDb;
    if text.is_empty() {
        return Err(refused("a name can't be empty", ""));
    }
    if length > room {
        let unit = if mariadb {
            "characters of the 64 that MariaDB takes"
        } else {
            "bytes of the 63 that PostgreSQL keeps"
        };
        return Err(refused(format!("the name has room for {room} {unit}"), "choose a shorter one"));
    }
    if mariadb && (text.ends_with(' ') || text.contains(|c: char| c.is_ascii_control() || c > '\u{ffff}')) {
        return Err(refused(
            "MariaDB takes no name with control characters, characters above U+FFFF, or a blank at the end",
            "",
        ));
    }
    Ok(double(by, text))
}

fn comment(dialect: Dialect, block: bool, parts: bool, text: &str) -> Filling {
    const SIGNS: [char; 2] = ['/', '*'];
    let joins = (parts && text.is_empty())
        || text.contains("*/")
        || text.contains("/*")
        || text.starts_with(SIGNS)
        || text.ends_with(SIGNS);
    if block && joins {
        return Err(refused("it could open or close a comment", ""));
    }
    if text.contains(['\n', '\r']) && (!block || dialect == Dialect::MariaDb) {
        return Err(refused("a line end may end the comment", ""));
    }
    Ok(text.to_owned())
}

fn refused(reason: impl Into<String>, instead: &str) -> Refusal {
    Refusal::value("SQL", reason, instead)
}
