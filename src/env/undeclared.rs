//! Finds variables that look like the image's own and that nobody declared: a misspelt name
//! would otherwise be ignored. Values are not looked at.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::snapshot::Snapshot;
use super::source::declared_names;
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::spec::{Spec, UndeclaredAction};

/// One diagnostic for each variable that begins with a declared prefix and is neither
/// declared, nor an old name, nor NAME_FILE of one. A name that isn't UTF-8 is nobody's.
pub(super) fn check(spec: &Spec, snapshot: &Snapshot) -> Vec<Diagnostic> {
    let Some(undeclared) = &spec.undeclared else { return Vec::new() };
    let declared = declared_names(spec);
    let mut problems = Vec::new();
    for (name, value) in snapshot.variables() {
        let Some(name) = name.to_str().filter(|name| !is_known(name, &declared)) else { continue };
        if is_service_link(name, value) {
            continue;
        }
        let Some(prefix) = undeclared.prefixes.iter().find(|prefix| name.starts_with(&prefix.value)) else {
            continue;
        };
        let mut problem =
            Diagnostic::environment(format!("`{}` is not a variable of this image", name.escape_debug()))
                .at(&prefix.place, "names that begin so must be declared");
        if undeclared.action == UndeclaredAction::Warn {
            problem.severity = Severity::Warning;
            problem.exit = crate::exit::ExitCode::OK;
        }
        if let Some(place) = snapshot.place(name) {
            problem = problem.and_at(place, "set here");
        }
        if let Some(near) = suggestion(name, &declared) {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        problems.push(problem);
    }
    problems
}

/// Kubernetes (and Docker's old links) put a service's address into every container of the
/// namespace, as `NAME_SERVICE_HOST`, `NAME_PORT=tcp://...` and `NAME_PORT_80_TCP_ADDR`: a
/// service that is called as the image is must not look like a misspelt variable.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    let is_address = |value: &OsStr| {
        let value = value.as_bytes();
        [b"tcp://".as_slice(), b"udp://", b"sctp://"].iter().any(|scheme| value.starts_with(scheme))
    };
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    if name.ends_with("_PORT") {
        return is_address(value);
    }
    let Some((_, rest)) = name.rsplit_once("_PORT_") else { return false };
    let mut parts = rest.split('_');
    let number = parts.next().is_some_and(|port| port.parse::<u16>().is_ok());
    let protocol = matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"));
    number
        && protocol
        && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
        && parts.next().is_none()
}

/// Whether a name is a variable's, an old name, or NAME_FILE of one.
pub(super) fn is_known(name: &str, declared: &BTreeSet<&str>) -> bool {
    declared.contains(name) || name.strip_suffix("_FILE").is_some_and(|of| declared.contains(of))
}

/// The nearest declared name; of a misspelt NAME_FILE, that with `_FILE`.
fn suggestion(name: &str, declared: &BTreeSet<&str>) -> Option<String> {
    let near = |name: &str| nearest(name, declared.iter().copied());
    match name.strip_suffix("_FILE").and_then(near) {
        Some(of) => Some(format!("{of}_FILE")),
        None => near(name).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::Path;

    use super::check;
    use crate::diagnostic::{Severity, Source};
    use crate::env::Snapshot;
    use crate::exit::ExitCode;
    use crate::spec::{Spec, parse};

    fn spec(action: &str) -> Spec {
        let text = format!(
            "version = 1\n[undeclared]\nprefixes = ['MSMTP_', 'PHP_']\naction = '{action}'\n\
             [env.MSMTP_FROM]\naliases = ['MSMTP_SENDER']\n[env.MSMTP_HOST]\n"
        );
        parse(&Source::new("t.toml", text), Path::new("")).spec
    }

    #[test]
    fn table() {
        for (name, expected) in [
            ("MSMTP_FROM", None),
            ("MSMTP_FROM_FILE", None),
            ("MSMTP_SENDER", None),
            ("MSMTP_SENDER_FILE", None),
            ("PATH", None),
            ("MSMTP_FORM", Some(Some("did you mean `MSMTP_FROM`?"))),
            ("MSMTP_FORM_FILE", Some(Some("did you mean `MSMTP_FROM_FILE`?"))),
            ("PHP_UNHEARD_OF", Some(None)),
            ("MSMTP_FROM_FILE_FILE", Some(Some("did you mean `MSMTP_FROM_FILE`?"))),
        ] {
            let problems = check(&spec("error"), &Snapshot::from_pairs([(name, "hunter2")]));
            assert_eq!(problems.len(), usize::from(expected.is_some()), "{name}");
            if let (Some(help), Some(problem)) = (expected, problems.first()) {
                assert_eq!(problem.helps.first().map(String::as_str), help, "{name}");
                assert_eq!(problem.exit, ExitCode::ENVIRONMENT);
                assert!(!problem.render(false).contains("hunter2"));
            }
        }
    }

    #[test]
    fn warn_warns_and_bytes_are_let_alone() {
        let bytes = OsString::from_vec(b"PHP_\xff".to_vec());
        let value = OsString::from_vec(b"\xff".to_vec());
        let snapshot = Snapshot::from_pairs([(bytes, OsString::new()), ("PHP_X".into(), value)]);
        let problems = check(&spec("warn"), &snapshot);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].severity, Severity::Warning);
    }

    #[test]
    fn addresses_of_services_are_no_misspelt_variables() {
        let source = Source::new("s", "version = 1\n[undeclared]\nprefixes = [\"WORDPRESS_\"]\n");
        let spec = parse(&source, Path::new("")).spec;
        for (name, value, is_link) in [
            ("WORDPRESS_SERVICE_HOST", "10.0.0.1", true),
            ("WORDPRESS_SERVICE_PORT", "80", true),
            ("WORDPRESS_SERVICE_PORT_HTTP", "80", true),
            ("WORDPRESS_PORT", "tcp://10.0.0.1:80", true),
            ("WORDPRESS_PORT", "8080", false),
            ("WORDPRESS_PORT_80_TCP", "tcp://10.0.0.1:80", true),
            ("WORDPRESS_PORT_80_TCP_ADDR", "10.0.0.1", true),
            ("WORDPRESS_PORT_80_TCP_OTHER", "x", false),
            ("WORDPRESS_PORT_X_TCP", "x", false),
            ("WORDPRESS_DB_HOTS", "db", false),
        ] {
            let found = check(&spec, &Snapshot::from_pairs([(name, value)]));
            assert_eq!(found.is_empty(), is_link, "{name}={value}");
        }
    }
}
