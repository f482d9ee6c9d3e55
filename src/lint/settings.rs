//! Reads settings out of rendered files, as far as lints need them: names, plain values, and
//! sizes. Not a parser of these formats: what it doesn't understand is left out.

use super::File;

/// One `name = value` of an ini file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    pub(super) section: &'a str,
    pub(super) name: &'a str,
    /// Without quotes.
    pub(super) value: &'a str,
    /// From 1.
    pub(super) line: usize,
}

/// The settings of a php.ini or a php-fpm file, in order.
pub(super) fn of_ini<'a>(file: &File<'a>) -> Vec<Setting<'a>> {
    let mut section = "";
    let mut settings = Vec::new();
    for (index, line) in file.content.lines().enumerate() {
        let line = line.trim();
        if line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((name, value)) = line.split_once('=') {
            let value = unquoted(value.trim());
            settings.push(Setting { section, name: name.trim(), value, line: index + 1 });
        }
    }
    settings
}

fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(inner, _)| inner);
    inner.unwrap_or_else(|| value.split(';').next().unwrap_or_default().trim_end())
}

/// The arguments of each `name ...;` of an nginx file, with the line.
pub(super) fn of_nginx<'a>(file: &File<'a>, name: &str) -> Vec<(&'a str, usize)> {
    let lines = file.content.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let rest = line.trim().strip_prefix(name)?;
            let arguments = rest.strip_prefix([' ', '\t'])?.trim().split(';').next()?;
            Some((arguments.trim_matches(['"', '\'']), index + 1))
        })
        .collect()
}

/// What php makes of a size: digits, and at most one of K, M and G after them; the rest it
/// ignores. The second is whether there is a rest.
pub(super) fn php_size(value: &str) -> Option<(i64, bool)> {
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let number: i64 = digits.parse().ok()?;
    // php takes the last character for the unit, whatever stands before it
    let factor = match unit.chars().last().map(|c| c.to_ascii_uppercase()) {
        Some('K') => 1 << 10,
        Some('M') => 1 << 20,
        Some('G') => 1 << 30,
        _ => 1,
    };
    Some((number.checked_mul(factor)?, unit.chars().count() > usize::from(factor != 1)))
}
