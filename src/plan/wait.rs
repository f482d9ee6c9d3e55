//! From `[[wait]]` tables to what a start waits for: templates filled in, addresses taken
//! apart. Nothing is looked up or connected to.
//!
//! Invariant: the words by which a wait is shown hold no secret. A text that names one is
//! shown as the spec has it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::program::{argument, compiled};
use crate::diagnostic::{Diagnostic, Located, Place};
use crate::env::{Names, check_url, split_host_port};
use crate::expression::{Expression, TextTemplate};
use crate::protocol::Conversation;
use crate::spec::{Ask, Awaited, Wait as Wish};
use crate::sys::connection::LONGEST_SOCKET_PATH;

const HTTP_PORT: u16 = 80;
/// Characters that are shown of a command or an address.
const LONGEST_SHOWN: usize = 200;

/// Something that a start waits for.
#[derive(Clone)]
pub struct Wait {
    /// What, in words that hold no secret: `db:3306 (mysql)`.
    pub shown: String,
    /// Whether its address is made from a secret, and so is told nowhere.
    pub hides: bool,
    /// What.
    pub target: Target,
    /// Where the spec says so.
    pub place: Place,
    /// What to tell who waited in vain.
    pub message: Option<String>,
    /// When it is given up, counted from when its turn comes.
    pub timeout: Duration,
    /// The longest pause between two attempts.
    pub interval: Duration,
}

/// Shows no more than people see.
impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wait").field(&self.shown).finish()
    }
}

/// What has to come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A server takes a connection and, where it is asked something, answers as it should.
    Server(Endpoint, Option<Conversation>),
    /// Something stands at the path.
    File(PathBuf),
    /// The command succeeds.
    Command(Vec<OsString>),
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At a port of a host, which is a name or an address.
    Host(String, u16),
    /// At a socket of the file system.
    Socket(PathBuf),
}

/// Why a text is no address of the kind, in words that don't repeat it.
type Reason = &'static str;

/// What is wrong with waits whatever the values are: names, expressions, addresses without
/// variables.
#[must_use]
pub fn check_waits(waits: &[Wish], names: &Names<'_>, is_secret: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    waits.iter().flat_map(|wait| check_wait(wait, names, is_secret)).collect()
}

/// What is wrong with one of them.
pub(super) fn check_wait(
    wait: &Wish,
    names: &Names<'_>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut check = |text: &Located<String>, used: Result<BTreeSet<String>, Diagnostic>| match used {
        Ok(used) => problems.extend(names.check(&used, text, &[])),
        Err(problem) => problems.push(problem),
    };
    if let Some(when) = &wait.when {
        check(when, Expression::compile(when).map(|compiled| compiled.names().clone()));
    }
    let is_command = matches!(wait.awaited, Awaited::Command(_));
    for text in wait.awaited.texts() {
        let template = if is_command {
            compiled(text, is_secret)
        } else if is_template(text) {
            TextTemplate::compile(text).map(Some)
        } else {
            let refusal = |reason| unsuitable(Diagnostic::spec, &wait.awaited, reason);
            target(&wait.awaited, &text.value).map_err(refusal).map(|_| None)
        };
        let used = template.map(|template| template.map(|template| template.names().clone()));
        check(text, used.map(Option::unwrap_or_default));
    }
    problems
}

/// The waits whose `when` holds, in order, and what is wrong with the others. Their names are
/// those that [`check_waits`] has checked.
#[must_use]
pub fn waits(
    wishes: &[Wish],
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> (Vec<Wait>, Vec<Diagnostic>) {
    let mut found = (Vec::new(), Vec::new());
    for wish in wishes {
        match holds(wish.when.as_ref(), context) {
            Ok(false) => {}
            Ok(true) => match fill(wish, context, is_secret) {
                Ok(wait) => found.0.push(wait),
                Err(problem) => found.1.push(problem),
            },
            Err(problem) => found.1.push(problem),
        }
    }
    found
}

/// Whether a `when` is true; it is where nothing is said.
pub(super) fn holds(when: Option<&Located<String>>, context: &Value) -> Result<bool, Diagnostic> {
    let Some(when) = when else { return Ok(true) };
    let value = Expression::compile(when)?.evaluate(context)?;
    match value.kind() {
        ValueKind::Bool => Ok(value.is_true()),
        _ => Err(Diagnostic::spec("`when` is neither true nor false")
            .at(&when.place, "compare it, or test `is defined`")),
    }
}

pub(super) fn fill(
    wish: &Wish,
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<Wait, Diagnostic> {
    let (target, shown, hides) = match &wish.awaited {
        Awaited::Command(words) => {
            let argv = words.value.iter().map(|word| argument(word, context, is_secret));
            let argv = argv.collect::<Result<Vec<_>, _>>()?;
            let shown: Vec<_> = argv.iter().map(|word| word.to_string_lossy()).collect();
            let shown = shown.join(" ");
            (Target::Command(argv), shown, false)
        }
        Awaited::Server(_, text) | Awaited::Http(text, _) | Awaited::Unix(text) | Awaited::File(text) => {
            let template = is_template(text).then(|| TextTemplate::compile(text)).transpose()?;
            let value = match &template {
                Some(template) => template.render(context)?,
                None => text.value.clone(),
            };
            let target = target(&wish.awaited, &value).map_err(|reason| {
                let mistake = if template.is_some() { Diagnostic::environment } else { Diagnostic::spec };
                unsuitable(mistake, &wish.awaited, reason)
            })?;
            let hides = template.iter().flat_map(TextTemplate::names).any(|name| is_secret(name));
            let shown = if hides { text.value.clone() } else { shown_address(&target, value) };
            (target, shown, hides)
        }
    };
    Ok(Wait {
        shown: format!("{}{}", plain(&shown), kind(&wish.awaited)),
        hides,
        target,
        place: wish.awaited.place().clone(),
        message: wish.message.clone(),
        timeout: wish.timeout,
        interval: wish.interval,
    })
}

fn is_template(text: &Located<String>) -> bool {
    text.value.contains("{{") || text.value.contains("{%")
}

fn unsuitable(mistake: fn(String) -> Diagnostic, awaited: &Awaited, reason: Reason) -> Diagnostic {
    let what = match awaited {
        Awaited::Server(..) => "this is not the address of a server",
        Awaited::Http(..) => "castoff can't wait for this URL",
        Awaited::Unix(_) => "this is not the path of a socket",
        Awaited::File(_) => "this is not the path of a file",
        Awaited::Command(_) => "this is not a command",
    };
    let problem = mistake(what.to_owned()).at(awaited.place(), reason);
    if reason == NO_TLS { problem.help("wait for its port with `tcp`, or with a `command`") } else { problem }
}

/// With the port that is used, where none is written.
fn shown_address(target: &Target, value: String) -> String {
    match target {
        Target::Server(Endpoint::Host(host, port), conversation)
            if !matches!(conversation, Some(Conversation::Http { .. })) =>
        {
            if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            }
        }
        _ => value,
    }
}

fn kind(awaited: &Awaited) -> &'static str {
    match awaited {
        Awaited::Server(Ask::Nothing, _) | Awaited::Http(..) => "",
        Awaited::Server(Ask::Mysql, _) => " (mysql)",
        Awaited::Server(Ask::Postgres, _) => " (postgres)",
        Awaited::Server(Ask::Redis, _) => " (redis)",
        Awaited::Unix(_) => " (socket)",
        Awaited::File(_) => " (file)",
        Awaited::Command(_) => " (command)",
    }
}

/// On one line of a log.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_SHOWN).collect()
}

/// What a text without variables means.
fn target(awaited: &Awaited, text: &str) -> Result<Target, Reason> {
    match awaited {
        Awaited::Server(ask, _) => server(*ask, text),
        Awaited::Http(_, status) => {
            let (endpoint, host, path) = url(text)?;
            Ok(Target::Server(endpoint, Some(Conversation::http(&host, &path, status.clone()))))
        }
        Awaited::Unix(_) => socket(text).map(|endpoint| Target::Server(endpoint, None)),
        Awaited::File(_) => path(text).map(Target::File),
        Awaited::Command(_) => Err("it is a command"),
    }
}

fn server(ask: Ask, text: &str) -> Result<Target, Reason> {
    let (port, conversation) = match ask {
        Ask::Nothing => (None, None),
        Ask::Mysql => (Some(3306), Some(Conversation::Mysql)),
        Ask::Postgres => (Some(5432), Some(Conversation::Postgres)),
        Ask::Redis => (Some(6379), Some(Conversation::Redis)),
    };
    let endpoint = match text.starts_with('/') {
        true if ask == Ask::Nothing => return Err("a socket of the file system is waited for with `unix`"),
        true => socket(text)?,
        false => {
            let (host, written) = split_host_port(text)?;
            let port = written.or(port).ok_or("it has no port: write `host:port`")?;
            Endpoint::Host(host.to_owned(), port)
        }
    };
    Ok(Target::Server(endpoint, conversation))
}

fn path(text: &str) -> Result<PathBuf, Reason> {
    match text {
        text if !text.starts_with('/') => Err("must begin with `/`"),
        text if text.contains('\0') => Err("no path holds a NUL"),
        text => Ok(PathBuf::from(text)),
    }
}

fn socket(text: &str) -> Result<Endpoint, Reason> {
    if text.len() > LONGEST_SOCKET_PATH {
        return Err("the path of a socket has at most 107 bytes");
    }
    path(text).map(Endpoint::Socket)
}

const NO_TLS: Reason = "castoff speaks no TLS";

/// `http://host[:port][/path][?query]`: where it is, the host as a request names it, and what
/// is asked for.
fn url(text: &str) -> Result<(Endpoint, String, String), Reason> {
    check_url(text)?;
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https") {
        return Err(NO_TLS);
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err("must begin with `http://`");
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("castoff sends no credentials: remove what stands before the `@`");
    }
    let (host, port) = split_host_port(authority)?;
    let endpoint = Endpoint::Host(host.to_owned(), port.unwrap_or(HTTP_PORT));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((endpoint, authority.to_owned(), path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use minijinja::context;
    use proptest::prelude::*;

    use super::{Awaited, Endpoint, Target, check_waits, target, waits};
    use crate::diagnostic::{Located, Place, Source};
    use crate::env::Names;
    use crate::exit::ExitCode;
    use crate::protocol::Conversation;
    use crate::spec::{Spec, parse};

    fn spec(lines: &str) -> Spec {
        let text =
            format!("version = 1\n[env.HOST]\n[env.DSN]\nsecret = true\n[env.ON]\n[[wait]]\n{lines}\n");
        let document = parse(&Source::new("t", text), Path::new(""));
        assert!(document.problems.is_empty(), "{:?}", document.problems);
        document.spec
    }

    fn filled(lines: &str) -> Result<Option<super::Wait>, (ExitCode, String)> {
        let spec = spec(lines);
        let is_secret = |name: &str| name == "DSN";
        let context = context! { HOST => "db:3307", DSN => "hunter2.example", ON => false };
        let mut problems = check_waits(&spec.waits, &Names::of(&spec), &is_secret);
        let mut found = Vec::new();
        if problems.is_empty() {
            (found, problems) = waits(&spec.waits, &context, &is_secret);
        }
        match problems.pop() {
            None => Ok(found.pop()),
            Some(problem) => {
                let label = problem.place.map(|(_, label)| label).unwrap_or_default();
                Err((problem.exit, format!("{}: {label}", problem.title)))
            }
        }
    }

    #[test]
    fn where_and_how_it_is_shown() {
        let host = |name: &str, port| Endpoint::Host(name.to_owned(), port);
        for (lines, endpoint, shown) in [
            ("tcp = 'h:1'", host("h", 1), "h:1"),
            ("tcp = '{{ HOST }}'", host("db", 3307), "db:3307"),
            ("mysql = 'h'", host("h", 3306), "h:3306 (mysql)"),
            ("mariadb = '[::1]'", host("::1", 3306), "[::1]:3306 (mysql)"),
            ("postgres = '{{ HOST }}'", host("db", 3307), "db:3307 (postgres)"),
            ("redis = '::1'", host("::1", 6379), "[::1]:6379 (redis)"),
            ("redis = '/run/r.sock'", Endpoint::Socket("/run/r.sock".into()), "/run/r.sock (redis)"),
            ("unix = '/run/x'", Endpoint::Socket("/run/x".into()), "/run/x (socket)"),
            ("http = 'http://h/a?b#c'", host("h", 80), "http://h/a?b#c"),
            ("http = 'HTTP://[::1]:8080'", host("::1", 8080), "HTTP://[::1]:8080"),
            ("tcp = '{{ DSN }}:1'", host("hunter2.example", 1), "{{ DSN }}:1"),
        ] {
            let wait = filled(lines).unwrap().unwrap();
            let Target::Server(found, _) = &wait.target else { panic!("{lines}") };
            assert_eq!((found, wait.shown.as_str()), (&endpoint, shown), "{lines}");
            assert!(!format!("{wait:?}").contains("hunter2"), "{lines}");
        }
        assert_eq!(filled("file = '/f'").unwrap().unwrap().shown, "/f (file)");
        assert_eq!(filled("command = ['a', '{{ HOST }}']").unwrap().unwrap().shown, "a db:3307 (command)");
        assert!(filled("file = '/f'\nwhen = 'ON'").unwrap().is_none());
    }

    #[test]
    fn what_a_web_server_is_asked() {
        for (url, host, path) in [
            ("http://h", "h", "/"),
            ("http://h:8080/", "h:8080", "/"),
            ("http://[::1]:1/a/b?c=d#e", "[::1]:1", "/a/b?c=d"),
            ("http://h?x", "h", "/?x"),
        ] {
            let wait = filled(&format!("http = '{url}'")).unwrap().unwrap();
            let Target::Server(_, Some(Conversation::Http { request, .. })) = wait.target else { panic!() };
            let request = String::from_utf8(request).unwrap();
            assert!(request.starts_with(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n")), "{request}");
        }
    }

    proptest! {
        /// Whatever a variable holds, what is sent is one request, and what is shown one line.
        #[test]
        fn no_value_makes_two_requests(text in "(http://)?[a-z0-9.:/?#@\\[\\]\r\n\t \0é-]{1,16}") {
            let source = Source::new("t", text.clone());
            let text = Located { value: text, place: Place::new(&source, 0..0) };
            let Ok(found) = target(&Awaited::Http(text.clone(), 200..=399), &text.value) else { return Ok(()) };
            let Target::Server(_, Some(Conversation::Http { request, .. })) = found else { panic!() };
            let request = String::from_utf8(request).unwrap();
            prop_assert_eq!(request.matches("\r\n").count(), 6, "{}", request);
            prop_assert_eq!(request.matches(char::is_control).count(), 12, "{}", request);
            prop_assert_eq!(request.split(' ').count(), 7, "{}", request);
        }
    }

    #[test]
    fn refused() {
        let (spec, environment) = (ExitCode::SPEC, ExitCode::ENVIRONMENT);
        for (lines, exit, words) in [
            ("tcp = 'h'", spec, "no port"),
            ("tcp = '/run/x'", spec, "with `unix`"),
            ("tcp = '{{ HOST }}:1'", environment, "more than one `:`"),
            ("tcp = '{{ HOTS }}'", spec, "there is no variable `HOTS`"),
            ("tcp = '{{ HOST'", spec, "t"),
            ("mysql = 'h:x'", spec, "digits only"),
            ("mysql = '{{ DSN }}:x'", environment, "not the address of a server: a port is written"),
            ("unix = 'run/x'", spec, "begin with `/`"),
            ("file = 'x'", spec, "begin with `/`"),
            ("http = 'https://h/'", spec, "speaks no TLS"),
            ("http = 'ftp://h/'", spec, "begin with `http://`"),
            ("http = 'h/health'", spec, "no `://`"),
            ("http = 'http://a:b@h/'", spec, "no credentials"),
            ("http = 'http://h/ x'", spec, "no space"),
            ("command = ['a', '{{ DSN }}']", spec, "`DSN` is a secret"),
            ("file = '/f'\nwhen = 'HOST'", spec, "neither true nor false"),
            ("file = '/f'\nwhen = 'HOTS'", spec, "there is no variable `HOTS`"),
        ] {
            let (found, said) = filled(lines).map(drop).unwrap_err();
            assert_eq!(found, exit, "{lines}: {said}");
            assert!(said.contains(words) && !said.contains("hunter2"), "{lines}: {said}");
        }
        let long = format!("unix = '/{}'", "a".repeat(107));
        assert!(filled(&long).is_err());
    }
}
