//! `msmtprc`, as msmtp 1.8 reads it.
//!
//! A line is a command, blanks, and the rest as one argument. Blanks around the argument
//! go; then, if it begins and ends with `"`, these two go. There is no escape, and none is
//! needed: whatever stands between the outer quotes is kept, quotes too.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | argument | the hole is all of it | text in `"…"`; numbers bare; booleans `on`, `off` | line feed, NUL; what makes the line longer than 499 bytes; empty (it means `on`, or unset) | msmtp(1), measured |
//! | inside quotes | the argument begins and ends with the template's own `"` | as it is | line feed, NUL, too long | measured |
//! | part | beside other text | as it is | the same; at an edge of the argument `"`, blanks and carriage return (the reader drops them); empty where that leaves one of these, or `~`, at the edge | measured |
//! | pattern | `from`, `domain` | as above | `%` (`%U`, `%H`, `%C`, `%M` are replaced); in `from` also `?`, `*`, `[` (wildcards) | msmtp(1), measured |
//! | file name | `logfile`, `aliases`, `tls_*_file` | as above | `~` first (replaced by the home directory) | msmtp(1), measured |
//! | account name | `account` | bare | all but letters, digits and `. _ - @ +`: `:` and `,` separate names | msmtp(1), measured |
//! | comment | a line that begins with `#` | as it is | line feed, carriage return, NUL, too long | measured |
//! | shell command | `passwordeval`, `eval` | – | all: the value would be run | msmtp(1) |
//! | command word | before the first blank | – | all | msmtp(1) |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton, Unit, fill_with};

/// The configuration of msmtp.
pub(super) static MSMTP: Format = Format { name: "msmtp", destinations: &["msmtprc", ".msmtprc"], fill };

/// The bytes of a line that msmtp takes, without its line feed.
const LINE: usize = 499;

#[derive(Clone, Copy)]
struct Context {
    place: Place,
    takes: Takes,
    /// How many bytes its line has left for it.
    room: usize,
    /// No text stands beside it in the argument.
    alone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    Quoted,
    Part { first: bool, last: bool, exposes: bool },
    Comment,
}

/// What the command does with its argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Text,
    Domain,
    Sender,
    FileName,
    Account,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex, encode)
}

fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut holes = Vec::with_capacity(skeleton.holes());
    for line in skeleton.units().split(|unit| *unit == Unit::Char('\n')) {
        lex_line(line, &mut holes);
    }
    holes
}

fn lex_line(line: &[Unit], holes: &mut Vec<Result<Context, Refusal>>) {
    let room = room(line);
    let line = trim(line);
    if line.first() == Some(&Unit::Char('#')) {
        let context = Context { place: Place::Comment, takes: Takes::Text, room, alone: false };
        return holes.extend(line.iter().filter(|unit| **unit == Unit::Hole).map(|_| Ok(context)));
    }
    let (command, argument) =
        line.split_at(line.iter().position(|unit| is_blank(*unit)).unwrap_or(line.len()));
    if command.contains(&Unit::Hole) {
        return refuse_all(line, &not_a_command(), holes);
    }
    let command: String =
        command.iter().filter_map(|unit| if let Unit::Char(c) = unit { Some(*c) } else { None }).collect();
    match takes(&command) {
        Some(takes) => lex_argument(trim(argument), takes, room, holes),
        None => refuse_all(argument, &run_by_a_shell(), holes),
    }
}

/// What a line's own text and the quotes around each value leave for each of its holes.
fn room(line: &[Unit]) -> usize {
    let (mut text, mut holes) = (0usize, 0usize);
    for unit in line {
        match unit {
            Unit::Char(c) => text += c.len_utf8(),
            Unit::Hole => holes += 1,
        }
    }
    LINE.saturating_sub(text).saturating_sub(2).checked_div(holes).unwrap_or(0)
}

fn is_blank(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t'))
}

/// Without the blanks at both ends, and the carriage return of a CRLF line end.
fn trim(mut units: &[Unit]) -> &[Unit] {
    while let [first, rest @ ..] = units
        && is_blank(*first)
    {
        units = rest;
    }
    while let [rest @ .., last] = units
        && (is_blank(*last) || *last == Unit::Char('\r'))
    {
        units = rest;
    }
    units
}

/// `None` for a command whose argument a shell runs.
fn takes(command: &str) -> Option<Takes> {
    match command {
        "passwordeval" | "eval" => None,
        "from" => Some(Takes::Sender),
        "domain" => Some(Takes::Domain),
        "account" => Some(Takes::Account),
        "logfile" | "aliases" => Some(Takes::FileName),
        command if command.starts_with("tls_") && command.ends_with("_file") => Some(Takes::FileName),
        _ => Some(Takes::Text),
    }
}

fn lex_argument(argument: &[Unit], takes: Takes, room: usize, holes: &mut Vec<Result<Context, Refusal>>) {
    let quote = Unit::Char('"');
    let quoted = argument.len() >= 2 && argument.first() == Some(&quote) && argument.last() == Some(&quote);
    let inner = if quoted { argument.get(1..argument.len() - 1).unwrap_or_default() } else { argument };
    let nothing = |unit: &Unit| !quoted && (is_blank(*unit) || *unit == Unit::Char('\r'));
    let alone = inner.iter().all(|unit| *unit == Unit::Hole || nothing(unit));
    let is_text = |unit: &Unit| *unit != Unit::Hole && !nothing(unit);
    let first_text = argument.iter().position(is_text).unwrap_or(argument.len());
    let last_text = argument.iter().rposition(is_text);
    // What an empty value would leave at an edge, and means something there.
    let opens =
        matches!(argument.iter().find(|unit| **unit != Unit::Hole), Some(Unit::Char(' ' | '\t' | '"' | '~')));
    let closes = matches!(
        argument.iter().rfind(|unit| **unit != Unit::Hole),
        Some(Unit::Char(' ' | '\t' | '\r' | '"'))
    );
    for (index, _) in argument.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
        let place = match (quoted, argument.len()) {
            (true, _) => Place::Quoted,
            (false, 1) => Place::Whole,
            // Text that isn't blank shields a value from the edge; another hole may be empty.
            (false, _) => {
                let (first, last) = (index < first_text, last_text.is_none_or(|text| text < index));
                Place::Part { first, last, exposes: (first && opens) || (last && closes) }
            }
        };
        holes.push(Ok(Context { place, takes, room, alone }));
    }
}

fn refuse_all(units: &[Unit], refusal: &Refusal, holes: &mut Vec<Result<Context, Refusal>>) {
    holes.extend(units.iter().filter(|unit| **unit == Unit::Hole).map(|_| Err(refusal.clone())));
}

fn not_a_command() -> Refusal {
    Refusal::template(
        "an msmtprc command",
        "a value can't name a command",
        "write the command out: user {{ x }}",
    )
}

fn run_by_a_shell() -> Refusal {
    Refusal::template(
        "an msmtprc shell command",
        "msmtp hands it to a shell, which would run what the value says",
        "password {{ x }}",
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    let (text, plain) = match value {
        Literal::Bool(value) => (if *value { "on" } else { "off" }.to_owned(), true),
        Literal::Text(text) => (text.clone(), false),
        value => match value.as_text() {
            Some(text) => (text.into_owned(), true),
            None => return Err(refused(format!("msmtp has no form for {}", value.kind()))),
        },
    };
    if let Some(reason) = problem(context, &text) {
        return Err(refused(reason));
    }
    let quotes = context.place == Place::Whole && !plain && context.takes != Takes::Account;
    Ok(if quotes { format!("\"{text}\"") } else { text })
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::value("an msmtprc argument", reason, "")
}

fn problem(context: &Context, text: &str) -> Option<String> {
    let reason = if text.contains('\n') {
        "a line feed ends the command, and msmtp has no way to quote it"
    } else if text.contains('\0') {
        "msmtp ends the line at a NUL"
    } else if context.place == Place::Comment && text.contains('\r') {
        "a carriage return may end the comment"
    } else if context.alone && text.is_empty() {
        "msmtp takes an empty argument for `on`, or for none: leave the line out with {% if %}"
    } else if loses_an_edge(context.place, text) {
        "msmtp drops blanks and quotes at the ends of an argument: make it one value, or put quotes around all of it"
    } else if text.len() > context.room {
        return Some(format!("msmtp takes lines of {LINE} bytes, which leaves {} for it", context.room));
    } else {
        return meaning(context, text).map(str::to_owned);
    };
    Some(reason.to_owned())
}

fn loses_an_edge(place: Place, text: &str) -> bool {
    const EDGES: [char; 4] = [' ', '\t', '\r', '"'];
    let Place::Part { first, last, exposes } = place else { return false };
    (first && text.starts_with(EDGES)) || (last && text.ends_with(EDGES)) || (exposes && text.is_empty())
}

/// Values that msmtp reads whole, and then takes for something else.
fn meaning(context: &Context, text: &str) -> Option<&'static str> {
    if context.place == Place::Comment {
        return None;
    }
    let first = !matches!(context.place, Place::Part { first: false, .. });
    match context.takes {
        Takes::Domain | Takes::Sender if text.contains('%') => {
            Some("msmtp replaces `%U`, `%H`, `%C` and `%M` there")
        }
        Takes::Sender if text.contains(['?', '*', '[']) => {
            Some("msmtp takes `?`, `*` and `[` for a wildcard there")
        }
        Takes::FileName if first && text.starts_with('~') => {
            Some("msmtp replaces a leading `~` by a home directory")
        }
        Takes::Account if !text.chars().all(|c| c.is_ascii_alphanumeric() || "._-@+".contains(c)) => {
            Some("an account name is of letters, digits and `. _ - @ +`")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::Blame;
    use super::*;

    /// Fills a template whose holes are written `^`.
    fn outcome(template: &str, value: &Literal) -> Result<String, Blame> {
        let mut skeleton = Skeleton::default();
        for (index, part) in template.split('^').enumerate() {
            if index > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(part);
        }
        fill(&skeleton, &vec![value.clone(); skeleton.holes()]).remove(0).map_err(|refusal| refusal.blame)
    }

    fn text(value: &str) -> Literal {
        Literal::Text(value.into())
    }

    #[test]
    fn values_by_context() {
        let long = "a".repeat(489);
        let too_long = "a".repeat(490);
        for (template, value, expected) in [
            ("password ^\n", "a", Some("\"a\"")),
            ("password ^", "a\"b\"", Some("\"a\"b\"\"")),
            (" \tpassword\t ^ \r\n", " a\r", Some("\" a\r\"")),
            ("password ^\n", "\"", Some("\"\"\"")),
            ("password ^\n", "%U~\\#$", Some("\"%U~\\#$\"")),
            ("password ^\n", "", None),
            ("password ^\n", "a\nb", None),
            ("password ^\n", "a\0b", None),
            ("password ^\n", &long[1..], Some(&format!("\"{}\"", &long[1..]))),
            ("password ^\n", &too_long, None),
            ("password \"^\"\n", " a\" ", Some(" a\" ")),
            ("password \"^\"\n", "a\n", None),
            ("password \"^\"\n", "", None),
            ("user ^^\n", "", None),
            ("user \" ^\"\n", "", Some("")),
            ("user ^@x\n", "a", Some("a")),
            ("user ^@x\n", "\"a", None),
            ("user ^@x\n", " a", None),
            ("user ^@x\n", "a ", Some("a ")),
            ("user x@^\n", "a\"", None),
            ("user x@^\n", "a\r", None),
            ("user x@^\n", "\" a", Some("\" a")),
            ("user \"x^\n", "a\"", None),
            ("user ^\"x\"\n", "", None),
            ("user ^\"^\"\n", "", None),
            ("user x ^\n", "", None),
            ("user ^\r^\n", "", None),
            ("logfile ^~/x\n", "", None),
            ("user x^\n", "", Some("")),
            ("user x~^\n", "", Some("")),
            ("user x\r^\n", "", None),
            ("user ^^\n", "\"", None),
            ("user ^ ^\n", " ", None),
            ("from ^\n", "a@b", Some("\"a@b\"")),
            ("from ^\n", "%U", None),
            ("from ^\n", "*@b", None),
            ("from a@^\n", "b[", None),
            ("domain ^\n", "%H", None),
            ("domain ^\n", "*", Some("\"*\"")),
            ("logfile ^\n", "~/x", None),
            ("logfile /x^\n", "~", Some("~")),
            ("tls_trust_file ^\n", "~", None),
            ("tls_trust_file \"^\"\n", "~", None),
            ("account ^\n", "my-account", Some("my-account")),
            ("account ^\n", "a:b", None),
            ("account default : ^\n", "a,b", None),
            ("account default : ^\n", "a", Some("a")),
            ("# ^\nhost a\n", "b \" c", Some("b \" c")),
            ("# ^\nhost a\n", "b\nhost c", None),
        ] {
            let expected = expected.map(str::to_owned).ok_or(Blame::Value);
            assert_eq!(outcome(template, &text(value)), expected, "{template:?} {value:?}");
        }
    }

    #[test]
    fn no_value_names_a_command_or_reaches_a_shell() {
        for template in
            ["^ a\n", "pass^ a\n", "passwordeval ^\n", "passwordeval \"echo ^\"\n", "eval echo ^\n"]
        {
            assert_eq!(outcome(template, &text("v")), Err(Blame::Template), "{template}");
        }
    }

    #[test]
    fn other_types() {
        for (value, expected) in [
            (Literal::Int(587), Ok("587".to_owned())),
            (Literal::Bool(true), Ok("on".to_owned())),
            (Literal::Bool(false), Ok("off".to_owned())),
            (Literal::None, Err(Blame::Value)),
            (Literal::List(vec![]), Err(Blame::Value)),
        ] {
            assert_eq!(outcome("port ^\n", &value), expected);
        }
    }

    #[test]
    fn a_line_never_grows_past_the_readers_buffer() {
        for template in ["user ^\n", "user \"^\"", "user a^b^c\n", "# ^ ^\n"] {
            let mut skeleton = Skeleton::default();
            for (index, part) in template.split('^').enumerate() {
                if index > 0 {
                    skeleton.push_hole();
                }
                skeleton.push_text(part);
            }
            let length = (1..LINE)
                .rev()
                .find(|length| outcome(template, &text(&"a".repeat(*length))).is_ok())
                .unwrap();
            let filled = template.replace('^', &outcome(template, &text(&"a".repeat(length))).unwrap());
            assert!(filled.trim_end_matches('\n').len() <= LINE && length > 200, "{template}: {length}");
        }
    }
}
