//! What the running half says, on stderr: whole lines, one write each. It needs no logger,
//! and a stderr that nobody reads any more changes nothing.

use std::io::Write;

use crate::diagnostic::{Diagnostic, Severity};

/// How important a line is; the most important first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// castoff can't do what it is for.
    Error,
    /// Something needs a look.
    Warn,
    /// What castoff does.
    #[default]
    Info,
    /// How it does it.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// All levels, in order.
    pub(super) const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The form of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LineFormat {
    /// `castoff: warning: …`; the level is left out at info.
    #[default]
    Text,
    /// One JSON object per line: `level`, `message`, `source`; the words are the logger's.
    Json,
}

/// How much is said, and in which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Voice {
    /// What is less important is not said.
    pub level: Level,
    /// The form.
    pub format: LineFormat,
}

impl Voice {
    /// Says one line, if it is important enough.
    pub fn say(self, level: Level, message: &str) {
        if level <= self.level {
            write(&self.line(level, message));
        }
    }

    /// Says what goes on in detail; what nobody wants to hear is not even put into words.
    pub(super) fn detail(self, message: impl FnOnce() -> String) {
        if self.level >= Level::Trace {
            self.say(Level::Trace, &message());
        }
    }

    /// Tells a diagnostic.
    pub(super) fn tell(self, diagnostic: &Diagnostic) {
        let level = match diagnostic.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warn,
            Severity::Notice => Level::Info,
        };
        if level > self.level {
            return;
        }
        match self.format {
            LineFormat::Text => write(&format!("{}\n", diagnostic.render(false))),
            LineFormat::Json => {
                let parts = [&diagnostic.title].into_iter().chain(&diagnostic.notes).chain(&diagnostic.helps);
                write(&self.line(level, &parts.map(String::as_str).collect::<Vec<_>>().join("; ")));
            }
        }
    }

    fn line(self, level: Level, message: &str) -> String {
        match self.format {
            LineFormat::Text if level == Level::Info => format!("castoff: {message}\n"),
            LineFormat::Text => format!("castoff: {}: {message}\n", level.name()),
            LineFormat::Json => {
                let message = serde_json::Value::from(message);
                let level = if level == Level::Warn { "warn" } else { level.name() };
                format!("{{\"level\":\"{level}\",\"message\":{message},\"source\":\"castoff\"}}\n")
            }
        }
    }
}

fn write(text: &str) {
    // Nobody is left to be told of a failed write.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::{Level, LineFormat, Voice};

    #[test]
    fn lines() {
        let text = Voice::default();
        let json = Voice { format: LineFormat::Json, ..text };
        for (voice, level, message, expected) in [
            (text, Level::Info, "a", "castoff: a\n"),
            (text, Level::Warn, "a", "castoff: warning: a\n"),
            (
                json,
                Level::Warn,
                "a\"\n",
                "{\"level\":\"warn\",\"message\":\"a\\\"\\n\",\"source\":\"castoff\"}\n",
            ),
        ] {
            assert_eq!(voice.line(level, message), expected);
        }
    }
}
