//! Parses `[[wait]]`: what a start waits for before it goes on. Syntax of the table only: the
//! addresses may be templates, and are looked at when their variables are known.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Reading};
use super::service::read_command;
use crate::diagnostic::{Diagnostic, Located, Place};

/// How long is waited where nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest pause between two attempts where nothing else is said.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
/// Both.
pub(super) const USUAL: (Duration, Duration) = (DEFAULT_TIMEOUT, DEFAULT_INTERVAL);
/// What a web server may answer where nothing else is said.
const DEFAULT_STATUS: RangeInclusive<u16> = 200..=399;
/// Keys that say what is waited for.
const KINDS: [&str; 9] = ["tcp", "http", "unix", "file", "command", "mysql", "mariadb", "postgres", "redis"];

/// `[[wait]]`.
#[derive(Clone, Debug)]
pub struct Wait {
    /// What for.
    pub awaited: Awaited,
    /// When it is given up.
    pub timeout: Duration,
    /// The longest pause between two attempts.
    pub interval: Duration,
    /// An expression; it is waited for only where it is true.
    pub when: Option<Located<String>>,
    /// What to tell who waited in vain.
    pub message: Option<String>,
}

/// What is waited for. The texts may be templates.
#[derive(Clone, Debug)]
pub enum Awaited {
    /// A server that takes connections, and answers what it is asked.
    Server(Ask, Located<String>),
    /// A web server that answers a URL with a status of this range.
    Http(Located<String>, RangeInclusive<u16>),
    /// A socket of the file system that takes connections.
    Unix(Located<String>),
    /// A path at which something stands.
    File(Located<String>),
    /// A command that succeeds.
    Command(Located<Vec<Located<String>>>),
}

impl Awaited {
    /// Where it is written.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Server(_, text) | Self::Http(text, _) | Self::Unix(text) | Self::File(text) => &text.place,
            Self::Command(words) => &words.place,
        }
    }

    /// All that may be a template.
    #[must_use]
    pub fn texts(&self) -> &[Located<String>] {
        match self {
            Self::Server(_, text) | Self::Http(text, _) | Self::Unix(text) | Self::File(text) => {
                std::slice::from_ref(text)
            }
            Self::Command(words) => &words.value,
        }
    }
}

/// What a server is asked, once it has taken a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `tcp`: nothing.
    Nothing,
    /// `mysql`, `mariadb`: for its greeting.
    Mysql,
    /// `postgres`: whether it takes logins.
    Postgres,
    /// `redis`: PING.
    Redis,
}

pub(super) fn read_all(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Wait> {
    let mut waits = Vec::new();
    for (table, span) in fields.tables(reading, "wait") {
        let mut wait = Fields::new(table, "[[wait]]", span);
        let read = read_wait(reading, &mut wait, table);
        wait.finish(reading);
        waits.extend(read);
    }
    waits
}

fn read_wait(reading: &mut Reading, wait: &mut Fields<'_, '_>, table: &DeTable<'_>) -> Option<Wait> {
    let found = read_sign(reading, wait, table, false, USUAL);
    let when = wait.string(reading, "when");
    let message = wait.string(reading, "message").map(|message| message.value);
    Some(Wait { when, message, ..found.1? })
}

/// What can be waited for, with its times, in a table that has other keys too. `instead`: one
/// of those stands for it. Then the times where nothing is said of them. The timeout is there whether the rest is or not.
pub(super) fn read_sign(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
    table: &DeTable<'_>,
    instead: bool,
    (timeout, interval): (Duration, Duration),
) -> (Duration, Option<Wait>) {
    let awaited = read_awaited(reading, fields);
    let is_one = has_one_kind(reading, fields, table, instead);
    let timeout = read_positive(reading, fields, "timeout", timeout);
    let interval = read_positive(reading, fields, "interval", interval);
    let wait = |awaited| Wait { awaited, timeout, interval, when: None, message: None };
    (timeout, awaited.filter(|_| is_one).map(wait))
}

/// The first that is there. Each is read, so that each has its mistakes told.
fn read_awaited(reading: &mut Reading, wait: &mut Fields<'_, '_>) -> Option<Awaited> {
    let mut found = Vec::new();
    let asks =
        [("tcp", Ask::Nothing), ("mysql", Ask::Mysql), ("mariadb", Ask::Mysql), ("postgres", Ask::Postgres)];
    for (key, ask) in asks.into_iter().chain([("redis", Ask::Redis)]) {
        found.extend(wait.string(reading, key).map(|text| Awaited::Server(ask, text)));
    }
    let status = read_status(reading, wait);
    match wait.string(reading, "http") {
        Some(url) => {
            let range = status.map_or(DEFAULT_STATUS, |status| status.value);
            found.push(Awaited::Http(url, range));
        }
        None => {
            if let Some(status) = status {
                reading.report(
                    Diagnostic::spec("`status` without `http`")
                        .at(&status.place, "only a web server answers with a status"),
                );
            }
        }
    }
    found.extend(wait.string(reading, "unix").map(Awaited::Unix));
    found.extend(wait.string(reading, "file").map(Awaited::File));
    if wait.take("command").is_some() {
        found.extend(read_command(reading, wait).map(Awaited::Command));
    }
    found.into_iter().next()
}

fn has_one_kind(reading: &mut Reading, wait: &Fields<'_, '_>, table: &DeTable<'_>, instead: bool) -> bool {
    let mut given = KINDS.iter().filter_map(|kind| table.get_key_value(*kind)).map(|(name, _)| name.span());
    let what = wait.what();
    match (given.next(), given.next()) {
        (Some(_), None) if !instead => true,
        (None, _) if instead => false,
        (Some(one), None) => {
            let place = reading.place(one);
            let title = format!("{what} names more than one thing to wait for");
            reading.report(Diagnostic::spec(title).at(&place, "this is one more"));
            false
        }
        (Some(first), Some(second)) => {
            let (first, second) = (reading.place(first), reading.place(second));
            reading.report(
                Diagnostic::spec(format!("{what} names more than one thing to wait for"))
                    .at(&second, "this is one more")
                    .and_at(&first, "this is one")
                    .help(if what != "[[wait]]" { "choose one" } else { "write a [[wait]] for each" }),
            );
            false
        }
        (None, _) => {
            let place = reading.place(wait.header());
            reading.report(
                Diagnostic::spec(format!("{what} doesn't say what to wait for"))
                    .at(&place, "needed here")
                    .help(format!("one of {}", KINDS.join(", "))),
            );
            false
        }
    }
}

fn read_positive(
    reading: &mut Reading,
    wait: &mut Fields<'_, '_>,
    key: &'static str,
    otherwise: Duration,
) -> Duration {
    let Some(duration) = wait.duration(reading, key) else { return otherwise };
    if duration.value.is_zero() {
        reading.report(
            Diagnostic::spec(format!("`{key}` of {} can't be 0", wait.what()))
                .at(&duration.place, "must be longer")
                .note("castoff never waits without a limit"),
        );
    }
    duration.value
}

/// `204`, `"204"`, or `"200-299"`.
fn read_status(reading: &mut Reading, wait: &mut Fields<'_, '_>) -> Option<Located<RangeInclusive<u16>>> {
    let value = wait.take("status")?;
    let text = match value.get_ref() {
        DeValue::Integer(digits) => digits.as_str().to_owned(),
        _ => reading.string("status", value)?.value,
    };
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    let number = |text: &str| text.parse().ok().filter(|status| (200..=599).contains(status));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some(reading.located(value.span(), first..=last)),
        _ => {
            let place = reading.place(value.span());
            reading.report(
                Diagnostic::spec(format!("`{text}` is not a status of HTTP"))
                    .at(&place, "a number from 200 to 599, or a range such as \"200-299\""),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Ask, Awaited, Wait};
    use crate::diagnostic::Source;
    use crate::spec::parse;

    fn read(lines: &str) -> Result<Wait, Vec<String>> {
        let document = parse(&Source::new("t", format!("version = 1\n[[wait]]\n{lines}\n")), Path::new(""));
        let titles: Vec<String> = document.problems.into_iter().map(|problem| problem.title).collect();
        if titles.is_empty() { Ok(document.spec.waits.into_iter().next().unwrap()) } else { Err(titles) }
    }

    #[test]
    fn kinds() {
        for (lines, ask) in [
            ("tcp = 'h:1'", Ask::Nothing),
            ("mysql = 'h'", Ask::Mysql),
            ("mariadb = 'h'", Ask::Mysql),
            ("postgres = 'h'", Ask::Postgres),
            ("redis = 'h'", Ask::Redis),
        ] {
            let Awaited::Server(found, text) = read(lines).unwrap().awaited else { panic!("{lines}") };
            assert_eq!((found, &text.value[..1]), (ask, "h"), "{lines}");
        }
        assert!(matches!(read("unix = '/s'").unwrap().awaited, Awaited::Unix(_)));
        assert!(matches!(read("file = '/f'").unwrap().awaited, Awaited::File(_)));
        let Awaited::Command(words) = read("command = ['a', 'b']").unwrap().awaited else { panic!() };
        assert_eq!(words.value.len(), 2);
    }

    #[test]
    fn limits_and_what_they_are_otherwise() {
        let wait = read("tcp = 'h:1'").unwrap();
        assert_eq!((wait.timeout, wait.interval), (Duration::from_secs(60), Duration::from_secs(1)));
        let wait = read("tcp = 'h:1'\ntimeout = '5m'\ninterval = '200ms'").unwrap();
        assert_eq!((wait.timeout, wait.interval), (Duration::from_secs(300), Duration::from_millis(200)));
        for (line, range) in [
            ("", 200..=399),
            ("status = 204", 204..=204),
            ("status = '301'", 301..=301),
            ("status = '200-499'", 200..=499),
        ] {
            let Awaited::Http(_, found) = read(&format!("http = 'http://h'\n{line}")).unwrap().awaited else {
                panic!("{line}")
            };
            assert_eq!(found, range, "{line}");
        }
    }

    #[test]
    fn refused() {
        for (lines, title) in [
            ("", "[[wait]] doesn't say what to wait for"),
            ("timeout = '1s'", "[[wait]] doesn't say what to wait for"),
            ("tcp = 'h:1'\nfile = '/f'", "[[wait]] names more than one thing to wait for"),
            ("mysql = 'h'\nmariadb = 'h'", "[[wait]] names more than one thing to wait for"),
            ("tcp = 1", "`tcp` must be a string"),
            ("tpc = 'h:1'\nfile = '/f'", "unknown key `tpc` in [[wait]]"),
            ("tcp = 'h:1'\ntimeout = '0s'", "`timeout` of [[wait]] can't be 0"),
            ("tcp = 'h:1'\ntimeout = '60'", "`60` is not a duration"),
            ("tcp = 'h:1'\nstatus = 200", "`status` without `http`"),
            ("http = 'http://h'\nstatus = 99", "`99` is not a status of HTTP"),
            ("http = 'http://h'\nstatus = '300-200'", "`300-200` is not a status of HTTP"),
            ("http = 'http://h'\nstatus = true", "`status` must be a string"),
            ("command = 'sleep 1'", "`command` must be an array of strings"),
            ("command = []", "`command` is empty"),
        ] {
            assert_eq!(read(lines).map(drop).unwrap_err(), [title], "{lines}");
        }
    }
}
