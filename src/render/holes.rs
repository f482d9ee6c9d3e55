//! Holes: while the engine renders, each printed value is put aside and a marker takes its
//! place. Afterwards the text is taken apart at the markers.
//!
//! A marker is the value's number between two private-use characters, chosen so that no value
//! holds them; a template that does is refused. Text with markers in it (a captured block, a
//! macro's result) can be printed and passed on; whatever would change or cut it is refused,
//! because it would work on the markers and not on the values.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Rest, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value, filters};

use super::convert;
use crate::format::Literal;

/// Supplementary Private Use Area-A: 65,534 characters that no standard assigns.
const FIRST_CANDIDATE: u32 = 0xF_0000;
const LAST_CANDIDATE: u32 = 0xF_FFFD;

/// One printed value.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    pub(super) value: Literal,
    /// Printed by `| raw`: its text becomes part of the template's own.
    pub(super) raw: bool,
}

/// A piece of what was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// The number of a hole. The same one may stand in several places, or in none.
    Hole(usize),
}

/// The two characters around a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    open: char,
    close: char,
}

impl Marker {
    pub(super) fn stands_in(self, text: &str) -> bool {
        text.contains([self.open, self.close])
    }

    /// Whether a value was made from text with markers in it.
    fn stands_in_value(self, value: &Value, depth: usize) -> bool {
        let inner = |value: &Value| self.stands_in_value(value, depth + 1);
        match value.kind() {
            ValueKind::String => value.as_str().is_some_and(|text| self.stands_in(text)),
            ValueKind::Seq if depth < 64 => value.try_iter().into_iter().flatten().any(|item| inner(&item)),
            ValueKind::Map if depth < 64 => value
                .try_iter()
                .into_iter()
                .flatten()
                .any(|key| inner(&key) || value.get_item(&key).is_ok_and(|item| inner(&item))),
            _ => false,
        }
    }
}

/// The values put aside in one rendering.
#[derive(Debug)]
pub(super) struct Holes {
    marker: Marker,
    found: Mutex<Vec<Hole>>,
    /// Fail when this one is printed: the engine's error then says where that is.
    fail_at: Option<usize>,
}

/// The first two candidates that stand in none of the values.
pub(super) fn choose_marker(context: &Value) -> Marker {
    let mut taken = std::collections::BTreeSet::new();
    collect_candidates(context, &mut taken, 0);
    let mut free = (FIRST_CANDIDATE..=LAST_CANDIDATE)
        .filter_map(char::from_u32)
        .filter(|candidate| !taken.contains(candidate));
    // a context that holds all 65,534 is still safe: `print` refuses what holds a marker
    Marker { open: free.next().unwrap_or('\u{E000}'), close: free.next().unwrap_or('\u{E001}') }
}

fn collect_candidates(value: &Value, taken: &mut std::collections::BTreeSet<char>, depth: usize) {
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            taken
                .extend(text.chars().filter(|c| (FIRST_CANDIDATE..=LAST_CANDIDATE).contains(&u32::from(*c))));
        }
        ValueKind::Map | ValueKind::Seq if depth < 64 => {
            for key in value.try_iter().into_iter().flatten() {
                collect_candidates(&key, taken, depth + 1);
                if let Ok(item) = value.get_item(&key) {
                    collect_candidates(&item, taken, depth + 1);
                }
            }
        }
        _ => {}
    }
}

impl Holes {
    pub(super) fn new(marker: Marker, fail_at: Option<usize>) -> Arc<Self> {
        Arc::new(Self { marker, found: Mutex::default(), fail_at })
    }

    /// Makes an engine print holes in the place of values.
    pub(super) fn install(self: &Arc<Self>, engine: &mut Environment<'static>) {
        engine.set_auto_escape_callback(|_| AutoEscape::Custom("holes".into()));
        let holes = Arc::clone(self);
        engine.set_formatter(move |output, _state, value| {
            let text = holes.print(value)?;
            output.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, ""))
        });
        let holes = Arc::clone(self);
        engine.add_filter("raw", move |value: &Value| -> Result<Value, Error> {
            let text = holes.print_raw(value)?;
            Ok(Value::from_safe_string(text))
        });
        for (name, filter) in text_filters() {
            self.guard(engine, name, filter);
        }
    }

    /// Lets a filter see values only, never text with markers in it.
    fn guard(&self, engine: &mut Environment<'static>, name: &'static str, filter: Value) {
        let marker = self.marker;
        engine.add_filter(
            name,
            move |state: &mut State<'_, '_>, arguments: Rest<Value>| -> Result<Value, Error> {
                if arguments.iter().any(|argument| marker.stands_in_value(argument, 0)) {
                    return Err(changed());
                }
                filter.call(state, &arguments)
            },
        );
    }

    fn print(&self, value: &Value) -> Result<String, Error> {
        if value.is_safe() {
            // a captured block, a macro's result, or a raw value: its holes are in it
            return Ok(value.as_str().unwrap_or_default().to_owned());
        }
        if self.marker.stands_in_value(value, 0) {
            return Err(changed());
        }
        self.put_aside(value, false)
    }

    fn print_raw(&self, value: &Value) -> Result<String, Error> {
        if value.is_safe() {
            return Ok(value.as_str().unwrap_or_default().to_owned());
        }
        self.put_aside(value, true)
    }

    fn put_aside(&self, value: &Value, raw: bool) -> Result<String, Error> {
        let literal =
            convert::literal(value).map_err(|reason| Error::new(ErrorKind::InvalidOperation, reason))?;
        if raw && literal.as_text().is_none() {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "`raw` takes text, numbers and booleans, which have one spelling",
            ));
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let number = found.len();
        if self.fail_at == Some(number) {
            return Err(Error::new(ErrorKind::InvalidOperation, "`located`"));
        }
        found.push(Hole { value: literal, raw });
        Ok(format!("{}{number}{}", self.marker.open, self.marker.close))
    }

    /// The values, by number.
    pub(super) fn take(&self) -> Vec<Hole> {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes rendered text apart. `None`: the engine cut or turned text with markers in it.
    pub(super) fn split(&self, rendered: &str) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut rest = rendered;
        while let Some((text, after)) = rest.split_once(self.marker.open) {
            let (number, next) = after.split_once(self.marker.close)?;
            pieces.push(Piece::Text(text.to_owned()));
            pieces.push(Piece::Hole(number.parse().ok()?));
            rest = next;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let sound = |piece: &Piece| !matches!(piece, Piece::Text(text) if self.marker.stands_in(text));
        pieces.iter().all(sound).then_some(pieces)
    }
}

/// Text with holes in it was about to be changed.
pub(super) fn changed() -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        "`{% set %}` blocks, macros and raw values can only be printed as they are: \
         apply filters and operators to the values inside them",
    )
}

/// The filters that look into text, cut it, or encode it.
fn text_filters() -> [(&'static str, Value); 19] {
    [
        ("lower", Value::from_function(filters::lower)),
        ("upper", Value::from_function(filters::upper)),
        ("title", Value::from_function(filters::title)),
        ("capitalize", Value::from_function(filters::capitalize)),
        ("replace", Value::from_function(filters::replace)),
        ("reverse", Value::from_function(filters::reverse)),
        ("trim", Value::from_function(filters::trim)),
        ("split", Value::from_function(filters::split)),
        ("lines", Value::from_function(filters::lines)),
        ("first", Value::from_function(filters::first)),
        ("last", Value::from_function(filters::last)),
        ("indent", Value::from_function(filters::indent)),
        ("length", Value::from_function(filters::length)),
        ("count", Value::from_function(filters::length)),
        ("slice", Value::from_function(filters::slice)),
        ("batch", Value::from_function(filters::batch)),
        ("list", Value::from_function(filters::list)),
        ("format", Value::from_function(filters::format)),
        ("url", Value::from_function(crate::expression::url)),
    ]
}
