//! What castoff says while it works: one line per event on stderr, for people or as JSON.
//!
//! A line that can't be written is dropped: a closed stderr must never end a container.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

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
    // the only failure is that logging was started before
    let _ = tracing::subscriber::set_global_default(Lines { level, format });
}

/// Writes each event as a line. There are no spans in castoff.
struct Lines {
    level: tracing::Level,
    format: Format,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level))
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        let mut line = match self.format {
            Format::Text => fields.as_text(level),
            Format::Json => fields.as_json(level),
        };
        line.push('\n');
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
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
