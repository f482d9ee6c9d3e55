//! What the running half says, on stderr: whole lines, one write each. It needs no logger,
//! and a stderr that nobody reads any more changes nothing.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

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
        #[cold]
        fn say(voice: Voice, message: impl FnOnce() -> String) {
            voice.say(Level::Trace, &message());
        }
        if self.level >= Level::Trace {
            say(self, message);
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

/// Lines that wait for being written by who knows that stderr has room for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Whole lines.
    pub(super) text: Vec<u8>,
    /// How many more there were.
    pub(super) lost: u64,
}

/// So many bytes are held at most.
const MOST_HELD: usize = 64 << 10;

/// `None`: lines are written at once. One thread speaks here; the lock is for the tests.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// From now on what is said is held, and written by who takes it.
pub(super) fn hold() {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Held::default());
}

/// What has been said since it was asked last.
pub(super) fn take_held() -> Held {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.as_mut().map(std::mem::take).unwrap_or_default()
}

/// From now on what is said is written at once.
pub(super) fn hold_no_more() {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

fn write(text: &str) {
    match HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(held) if held.text.len() < MOST_HELD => held.text.extend_from_slice(text.as_bytes()),
        Some(held) => held.lost += 1,
        // Nobody is left to be told of a failed write.
        None => drop(std::io::stderr().write_all(text.as_bytes())),
    }
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
