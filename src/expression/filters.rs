//! castoff's own filters. Their errors never hold the value: it may be a secret.

use std::time::Duration;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use crate::{duration as durations, size as sizes};

fn refuse(reason: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

/// A number of bytes in its shortest exact spelling: `134217728 | size` is `128M`.
pub(super) fn size(bytes: i64) -> String {
    sizes::format(bytes)
}

/// A number of seconds in its shortest exact spelling: `90 | duration` is `1m30s`.
pub(super) fn duration(seconds: f64) -> Result<String, Error> {
    Duration::try_from_secs_f64(seconds)
        .map(durations::format)
        .map_err(|_| refuse("`duration` takes a number of seconds, not below 0"))
}

/// The host of `host[:port]`, without the brackets of an IPv6 address.
pub(super) fn host(host_port: &str) -> String {
    split(host_port).0.to_owned()
}

/// The port of `host[:port]` as a number; `otherwise` where there is none.
pub(super) fn port(host_port: &str, otherwise: Option<u16>) -> Result<u16, Error> {
    match (split(host_port).1, otherwise) {
        (Some(port), _) => {
            port.parse().map_err(|_| refuse("`port` takes `host:port`, and this port is no number"))
        }
        (None, Some(otherwise)) => Ok(otherwise),
        (None, None) => Err(refuse("`port` found none: give the one to use then, as in `port(3306)`")),
    }
}

/// A component of a URL, percent-encoded as UTF-8: all but the unreserved characters of
/// RFC 3986 (2.3: letters, digits, `- . _ ~`). What comes out is still a value, which is
/// encoded for the place that it stands in.
pub(crate) fn url(value: &Value) -> Result<String, Error> {
    match value.kind() {
        // the engine would print a boolean as Python does
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::String | ValueKind::Number => Ok(percent_encoded(&value.to_string())),
        _ => Err(refuse("`url` takes text, numbers and booleans: a list or a map has no one spelling")),
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn split(host_port: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = host_port.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match host_port.rsplit_once(':') {
        // more than one colon without brackets is an IPv6 address, which has no port
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (host_port, None),
    }
}

#[cfg(test)]
mod tests {
    use crate::expression::engine;

    #[test]
    fn table() {
        for (expression, expected) in [
            ("(1 == 1) | url", "true"),
            ("134217728 | size", "128M"),
            ("-1 | size", "-1"),
            ("90 | duration", "1m30s"),
            ("0.5 | duration", "500ms"),
            ("'db:3307' | host", "db"),
            ("'db:3307' | port", "3307"),
            ("'db' | port(3306)", "3306"),
            ("'[::1]:3307' | host", "::1"),
            ("'[::1]:3307' | port", "3307"),
            ("'::1' | host", "::1"),
            ("'::1' | port(3306)", "3306"),
            ("'p@ss:w/d?#é%' | url", "p%40ss%3Aw%2Fd%3F%23%C3%A9%25"),
            ("'aZ09-._~' | url", "aZ09-._~"),
            ("' +' | url", "%20%2B"),
            ("'' | url", ""),
            ("3306 | url", "3306"),
        ] {
            let shown = engine().render_str(&format!("{{{{ {expression} }}}}"), ());
            assert_eq!(shown.ok().as_deref(), Some(expected), "{expression}");
        }
    }

    #[test]
    fn refused_without_the_value() {
        for expression in
            ["-1 | duration", "'hunter2:x' | port", "'hunter2' | port", "['hunter2'] | url", "none | url"]
        {
            let error = engine().render_str(&format!("{{{{ {expression} }}}}"), ()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
