//! `ssmtp.conf`, as ssmtp 2.64 of Debian 12 reads it.
//!
//! It has no quotes and no escapes: a value stands as it is, or not at all. The reader
//! takes 2,047 bytes of a line, cuts it at the first `#`, takes what precedes the first
//! of `=`, space and tab as the key, and what follows up to the next of them as the value.
//! Whatever it doesn't understand it drops without a word, so everything below was
//! measured by running it against a mail server.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | credential | value of `AuthUser`, `AuthPass` | as it is | `#`, `=`, space, tab, line feed, NUL (all cut it); more than 1,533 bytes (it overruns its stack at 1,600); empty | measured |
//! | address | value of another key | as it is | the same, control characters (they would end a command of SMTP), more than 1,000 bytes, `@` in `rewriteDomain` (it aborts), more than 63 bytes in `hostname` (it cuts) | measured |
//! | mail hub | `mailhub=…`, whole or part before `:` | as it is; a whole one may be `host:port` | any other `:` (it cuts there, IPv6 addresses too) | measured |
//! | port | `mailhub=…:{{ x }}`, all of it | digits | all but 1 to 65535 | measured |
//! | switch | value of `FromLineOverride`, `UseTLS`, `UseSTARTTLS`, `UseTLSCert`, `UseOldAUTH`, `Debug` | `YES`, `NO` | any text but yes and no (it reads them as no) | ssmtp.conf(5), source |
//! | header | `AddHeader=…`, to the end of the line | as it is | `#`, control characters but tab, more than 1,000 bytes | measured |
//! | comment | after `#` | as it is | line feed, carriage return, NUL; what makes the line longer than the reader's buffer, as the rest would be a line of its own | measured |
//! | key, indented line, spaces around `=`, after the value | – | – | all: the reader takes another part of the line for the value, or none | measured |
//! | not ended by a space, tab or line feed | the end of the file, `#`, CRLF | – | all: the reader drops the value, or keeps the carriage return in it | measured |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton, Unit, fill_with};

/// The configuration of ssmtp.
pub(super) static SSMTP: Format = Format { name: "ssmtp", destinations: &["ssmtp.conf"], fill };

/// The bytes of a line that the reader takes at once, without its line feed.
const LINE: usize = 2047;
/// The longest password and user name whose base64 still fits the reader's other buffer.
const CREDENTIAL: usize = 1533;
/// Room for an address in a command of at most 2,046 bytes, next to other parts.
const ADDRESS: usize = 1000;
/// `MAXHOSTNAMELEN` without its NUL.
const HOSTNAME: usize = 63;

const SWITCHES: &[&str] = &["fromlineoverride", "usetls", "usestarttls", "usetlscert", "useoldauth", "debug"];

#[derive(Clone, Copy)]
struct Context {
    kind: Kind,
    /// The hole is all of the value.
    whole: bool,
    /// How many bytes its line has left for it.
    room: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Credential,
    Address,
    Domain,
    Hostname,
    Hub,
    HubAndPort,
    Port,
    Switch,
    Header,
    Comment,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex, encode)
}

fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut lines = skeleton.units().split(|unit| *unit == Unit::Char('\n')).peekable();
    let mut holes = Vec::with_capacity(skeleton.holes());
    while let Some(line) = lines.next() {
        // The last piece has no line feed after it.
        lex_line(line, lines.peek().is_some(), &mut holes);
    }
    holes
}

fn lex_line(line: &[Unit], terminated: bool, holes: &mut Vec<Result<Context, Refusal>>) {
    let room = room(line);
    let comment = line.iter().position(|unit| *unit == Unit::Char('#'));
    let (content, comment) = line.split_at(comment.unwrap_or(line.len()));
    let terminated = terminated && comment.is_empty();
    lex_setting(content, terminated, room, holes);
    holes.extend(each_hole(comment).map(|()| Ok(Context { kind: Kind::Comment, whole: false, room })));
}

/// What a line's own text leaves for each of its holes.
fn room(line: &[Unit]) -> usize {
    share(line, LINE)
}

/// What the text among `units` leaves of `most` bytes for each of the holes.
fn share(units: &[Unit], most: usize) -> usize {
    let (mut text, mut holes) = (0usize, 0usize);
    for unit in units {
        match unit {
            Unit::Char(c) => text += c.len_utf8(),
            Unit::Hole => holes += 1,
        }
    }
    most.saturating_sub(text).checked_div(holes).unwrap_or(0)
}

fn each_hole(units: &[Unit]) -> impl Iterator<Item = ()> {
    units.iter().filter(|unit| **unit == Unit::Hole).map(|_| ())
}

fn lex_setting(content: &[Unit], terminated: bool, room: usize, holes: &mut Vec<Result<Context, Refusal>>) {
    let key_end = content.iter().position(|unit| is_delimiter(*unit)).unwrap_or(content.len());
    let (key, rest) = content.split_at(key_end);
    if key.contains(&Unit::Hole) || key.is_empty() || rest.first() != Some(&Unit::Char('=')) {
        return refuse_all(content, &not_a_value(), holes);
    }
    let key: String =
        key.iter().filter_map(|unit| if let Unit::Char(c) = unit { Some(*c) } else { None }).collect();
    let key = key.to_ascii_lowercase();
    let value = rest.get(1..).unwrap_or_default();
    if key == "addheader" {
        return lex_header(value, terminated, room, holes);
    }
    let hub = key == "mailhub";
    let end = value.iter().position(|unit| is_delimiter(*unit) || (hub && *unit == Unit::Char(':')));
    let (token, after) = value.split_at(end.unwrap_or(value.len()));
    let kind = match kind_of(&key) {
        // One value may bring both, if the template doesn't name the port.
        Kind::Hub if token.len() == 1 && after.first() != Some(&Unit::Char(':')) => Kind::HubAndPort,
        kind => kind,
    };
    lex_token(token, kind, ends(token, after, terminated), room, holes);
    match after.split_first() {
        Some((Unit::Char(':'), port)) => {
            let end = port.iter().position(|unit| is_delimiter(*unit) || *unit == Unit::Char(':'));
            let (token, after) = port.split_at(end.unwrap_or(port.len()));
            lex_token(token, Kind::Port, ends(token, after, terminated), room, holes);
            refuse_all(after, &ignored(), holes);
        }
        Some((_, after)) => refuse_all(after, &ignored(), holes),
        None => {}
    }
}

fn kind_of(key: &str) -> Kind {
    match key {
        "authuser" | "authpass" => Kind::Credential,
        "rewritedomain" => Kind::Domain,
        "hostname" => Kind::Hostname,
        "mailhub" => Kind::Hub,
        key if SWITCHES.contains(&key) => Kind::Switch,
        _ => Kind::Address,
    }
}

fn is_delimiter(unit: Unit) -> bool {
    matches!(unit, Unit::Char('=' | ' ' | '\t'))
}

/// Whether the reader sees where the token ends.
fn ends(token: &[Unit], after: &[Unit], terminated: bool) -> bool {
    // values behind a carriage return may be empty
    let last = token.iter().rfind(|unit| **unit != Unit::Hole);
    (terminated || !after.is_empty()) && last != Some(&Unit::Char('\r'))
}

fn lex_header(value: &[Unit], terminated: bool, room: usize, holes: &mut Vec<Result<Context, Refusal>>) {
    lex_token(value, Kind::Header, ends(value, &[], terminated), room, holes);
}

fn lex_token(token: &[Unit], kind: Kind, ends: bool, room: usize, holes: &mut Vec<Result<Context, Refusal>>) {
    if !ends {
        return refuse_all(token, &not_ended(), holes);
    }
    if matches!(kind, Kind::Port | Kind::Switch) && token.len() > 1 {
        return refuse_all(token, &joined(), holes);
    }
    let whole = token.iter().all(|unit| *unit == Unit::Hole);
    let most = match kind {
        Kind::Credential | Kind::Hostname => share(token, longest(kind)),
        // these bounds leave room for the template's own text
        _ => longest(kind) / each_hole(token).count().max(1),
    };
    let room = room.min(most);
    holes.extend(each_hole(token).map(|()| Ok(Context { kind, whole, room })));
}

fn refuse_all(units: &[Unit], refusal: &Refusal, holes: &mut Vec<Result<Context, Refusal>>) {
    holes.extend(each_hole(units).map(|()| Err(refusal.clone())));
}

fn not_a_value() -> Refusal {
    Refusal::template(
        "an ssmtp.conf line",
        "ssmtp takes what stands there for a key, or for nothing: a line is `Key=value`, not indented, \
         with no space before or after the `=`",
        "Key={{ x }}",
    )
}

fn ignored() -> Refusal {
    Refusal::template("what follows an ssmtp.conf value", "ssmtp ignores it", "remove it, or give it a key")
}

fn joined() -> Refusal {
    Refusal::template(
        "an ssmtp.conf switch or port",
        "castoff can't tell what it would be with the text or value beside it",
        "write all of it in one value",
    )
}

fn not_ended() -> Refusal {
    Refusal::template(
        "an ssmtp.conf value",
        "ssmtp loses a value that isn't followed by a space or a line feed (not `#`, a carriage return, or the end of the file)",
        "end the line with a line feed",
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    let text = match value {
        Literal::Bool(value) => if *value { "YES" } else { "NO" }.to_owned(),
        value => value.as_text().map(String::from).ok_or_else(|| {
            refused(
                context.kind,
                format!("ssmtp has no form for {}", value.kind()),
                "leave the line out with {% if %}",
            )
        })?,
    };
    match problem(*context, &text) {
        None => Ok(text),
        Some((reason, instead)) => Err(refused(context.kind, reason, instead)),
    }
}

fn refused(kind: Kind, reason: impl Into<String>, instead: &'static str) -> Refusal {
    let context = match kind {
        Kind::Comment => "an ssmtp.conf comment",
        Kind::Header => "an ssmtp.conf header",
        Kind::Switch => "an ssmtp.conf switch",
        Kind::Hub | Kind::HubAndPort | Kind::Port => "an ssmtp.conf mail hub",
        Kind::Credential | Kind::Address | Kind::Domain | Kind::Hostname => "an ssmtp.conf value",
    };
    Refusal::value(context, reason, instead)
}

/// Why `text` can't stand there, and what to choose instead.
fn problem(context: Context, text: &str) -> Option<(String, &'static str)> {
    if let Some(c) = text.chars().find(|c| cuts(context.kind, *c)) {
        return Some((
            format!("ssmtp ends a value at {}, and has no way to quote it", name(c)),
            "choose another value, or use msmtp, which takes any",
        ));
    }
    if context.kind != Kind::Comment && context.whole && text.is_empty() {
        return Some(("ssmtp ignores a key without a value".into(), "leave the line out with {% if %}"));
    }
    if text.len() > context.room {
        return Some((format!("it is longer than the {} bytes that ssmtp takes there", context.room), ""));
    }
    meaning(context, text).map(|reason| (reason.into(), ""))
}

fn cuts(kind: Kind, c: char) -> bool {
    match kind {
        Kind::Comment => matches!(c, '\n' | '\r' | '\0'),
        Kind::Header => c == '#' || (c != '\t' && c.is_ascii_control()),
        Kind::Credential => matches!(c, '#' | '=' | ' ' | '\t' | '\n' | '\0'),
        _ => matches!(c, '#' | '=' | ' ') || c.is_ascii_control(),
    }
}

fn longest(kind: Kind) -> usize {
    match kind {
        Kind::Comment => LINE,
        Kind::Credential => CREDENTIAL,
        Kind::Hostname => HOSTNAME,
        _ => ADDRESS,
    }
}

/// Values that ssmtp reads whole, and then takes for something else.
fn meaning(context: Context, text: &str) -> Option<&'static str> {
    let wrong = match context.kind {
        Kind::Domain if text.contains('@') => "ssmtp aborts when rewriteDomain holds an `@`",
        Kind::Hub if text.contains(':') => "ssmtp ends the mail hub at a `:`",
        Kind::HubAndPort if text.contains(':') && !is_host_and_port(text) => {
            "ssmtp ends the mail hub at a `:`, and reads a port behind it"
        }
        Kind::Port if !is_port(text) => "a port is a number from 1 to 65535",
        Kind::Switch if !(text.eq_ignore_ascii_case("yes") || text.eq_ignore_ascii_case("no")) => {
            "ssmtp reads everything but YES as NO"
        }
        _ => return None,
    };
    Some(wrong)
}

fn is_host_and_port(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn name(c: char) -> String {
    match c {
        ' ' => "a space".into(),
        '\t' => "a tab".into(),
        '\n' => "a line feed".into(),
        '\r' => "a carriage return".into(),
        '\0' => "a NUL".into(),
        c if c.is_ascii_control() => "a control character".into(),
        c => format!("`{c}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::Blame;
    use super::*;

    /// Fills a template whose holes are written `~`.
    fn fillings(template: &str, value: &Literal) -> Vec<Filling> {
        let mut skeleton = Skeleton::default();
        for (index, part) in template.split('~').enumerate() {
            if index > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(part);
        }
        fill(&skeleton, &vec![value.clone(); skeleton.holes()])
    }

    fn text(value: &str) -> Literal {
        Literal::Text(value.into())
    }

    fn outcome(template: &str, value: &Literal) -> Result<String, Blame> {
        fillings(template, value).remove(0).map_err(|refusal| refusal.blame)
    }

    #[test]
    fn a_value_stands_as_it_is_or_is_refused() {
        for (template, value, expected) in [
            ("AuthPass=~\n", "p'\"\\$`;!%é:@\r\x0b", true),
            ("AuthPass=x~y\n", "", true),
            ("AuthPass=~\n", "", false),
            ("AuthPass=~\n", "a#b", false),
            ("AuthPass=~\n", "a=b", false),
            ("AuthPass=~\n", "a b", false),
            ("AuthPass=~\n", "a\tb", false),
            ("AuthPass=~\n", "a\nb", false),
            ("AuthPass=~\n", "a\0b", false),
            ("root=~\n", "a@b.c", true),
            ("root=~\n", "a\rb", false),
            ("root=~ # who\n", "a", true),
            ("rewriteDomain=~\n", "example.org", true),
            ("rewriteDomain=~\n", "a@example.org", false),
            ("mailhub=~\n", "db", true),
            ("mailhub=~\n", "db:25", true),
            ("mailhub=~\n", "db:0", false),
            ("mailhub=~\n", "db:+25", false),
            ("mailhub=~\n", "::1", false),
            ("mailhub=~:25\n", "db", true),
            ("mailhub=~:25\n", "db:25", false),
            ("mailhub=db:~\n", "65535", true),
            ("mailhub=db:~\n", "65536", false),
            ("mailhub=db:~\n", "x", false),
            ("UseTLS=~\n", "yes", true),
            ("UseTLS=~\n", "on", false),
            ("AddHeader=X-A: ~\n", "b c=d:e\tf", true),
            ("AddHeader=X-A: ~\n", "b#c", false),
            ("AddHeader=X-A: ~\n", "b\r\nBcc: x", false),
            ("# ~\nroot=a\n", "a # = b", true),
            ("# ~\nroot=a\n", "a\nroot=b", false),
            ("root=a # ~", "a", true),
        ] {
            let wanted = if expected { Ok(value.to_owned()) } else { Err(Blame::Value) };
            assert_eq!(outcome(template, &text(value)), wanted, "{template:?} {value:?}");
        }
    }

    #[test]
    fn places_that_ssmtp_does_not_read_are_refused() {
        for template in [
            "~=a\n",
            "Auth~=a\n",
            "AuthPass ~\n",
            "AuthPass =~\n",
            "AuthPass= ~\n",
            " AuthPass=~\n",
            "=~\n",
            "AuthPass=a ~\n",
            "AuthPass=a=~\n",
            "mailhub=a:25:~\n",
            "mailhub=a 25:~\n",
            "AuthPass=~",
            "AuthPass=~#c\n",
            "AuthPass=~\r\n",
            "AuthPass=~\r~\n",
            "mailhub=a:2~\n",
            "UseTLS=~~\n",
            "mailhub=a:~\r\n",
            "AddHeader=~",
            "AddHeader=~#\n",
            "~\n",
        ] {
            assert_eq!(outcome(template, &text("v")), Err(Blame::Template), "{template:?}");
        }
    }

    #[test]
    fn booleans_and_numbers_have_the_words_of_ssmtp() {
        assert_eq!(outcome("UseTLS=~\n", &Literal::Bool(true)).as_deref(), Ok("YES"));
        assert_eq!(outcome("UseTLS=~\n", &Literal::Bool(false)).as_deref(), Ok("NO"));
        assert_eq!(outcome("mailhub=a:~\n", &Literal::Int(587)).as_deref(), Ok("587"));
        for value in [Literal::None, Literal::List(vec![]), Literal::Map(vec![])] {
            assert_eq!(outcome("root=~\n", &value), Err(Blame::Value));
        }
    }

    #[test]
    fn a_line_never_grows_past_the_readers_buffer() {
        for (template, longest) in [
            ("AuthPass=~\n", CREDENTIAL),
            ("hostname=~\n", HOSTNAME),
            ("hostname=~~.org\n", (HOSTNAME - 4) / 2),
            ("AuthPass=~~\n", CREDENTIAL / 2),
            ("root=~\n", ADDRESS),
            ("#~\n", LINE - 1),
            ("AuthUser=~ # ~\n", (LINE - "AuthUser= # ".len()) / 2),
        ] {
            for (length, fits) in [(longest, true), (longest + 1, false)] {
                let outcome = outcome(template, &text(&"a".repeat(length)));
                assert_eq!(outcome.is_ok(), fits, "{template:?} {length}");
            }
        }
    }
}
