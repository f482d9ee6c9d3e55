//! What castoff says while it works: one line per event on stderr, for people or as JSON.
//!
//! A line that can't be written is dropped: a closed stderr must never end a container.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `--log-level`; the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only what ends castoff
    Error,
    /// And what is probably wrong
    Warn,
    /// And what is done
    Info,
    /// And why
    Debug,
    /// And all else
    Trace,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

impl Level {
    /// The levels as people write them.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

impl Format {
    /// The forms as people write them.
    pub const WORDS: [(&'static str, Self); 2] = [("text", Self::Text), ("json", Self::Json)];
}

/// Starts logging. Called once; a second call changes nothing.
pub fn start(level: Level, format: Format) {
    let level = match level {
        Level::Error => tracing::Level::ERROR,
        Level::Warn => tracing::Level::WARN,
        Level::Info => tracing::Level::INFO,
        Level::Debug => tracing::Level::DEBUG,
        Level::Trace => tracing::Level::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .event_format(Line { format })
        .finish();
    // the only failure is that logging was started before
    let _ = tracing::subscriber::set_global_default(subscriber);
}

struct Line {
    format: Format,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        match self.format {
            Format::Text => writeln!(writer, "{}", fields.as_text(level)),
            Format::Json => writeln!(writer, "{}", fields.as_json(level)),
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.put(field, text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }
}

impl Fields {
    fn put(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.push((field.name(), text));
        }
    }

    fn as_text(&self, level: tracing::Level) -> String {
        let mut line = String::from("castoff: ");
        match level {
            tracing::Level::ERROR => line.push_str("error: "),
            tracing::Level::WARN => line.push_str("warning: "),
            _ => {}
        }
        line.push_str(&self.message);
        for (name, value) in &self.others {
            // writing to a string can't fail
            let _ = write!(line, " {name}={value}");
        }
        line
    }

    fn as_json(&self, level: tracing::Level) -> String {
        let mut object = serde_json::Map::new();
        object.insert("source".to_owned(), "castoff".into());
        object.insert("level".to_owned(), level.as_str().to_ascii_lowercase().into());
        object.insert("message".to_owned(), self.message.as_str().into());
        for (name, value) in &self.others {
            object.insert((*name).to_owned(), value.as_str().into());
        }
        serde_json::Value::Object(object).to_string()
    }
}
