//! Holes: while the engine renders, each printed value is put aside and a marker takes its
//! place. Afterwards the text is taken apart at the markers.
//!
//! A marker is the value's number between two private-use characters, chosen so that no value
//! holds them; a template that does is refused. Text with markers in it (a captured block, a
//! macro's result) is printed as it is. Where a filter or an operator works on such text, the
//! markers are replaced by their values first, and the result is an ordinary value, which
//! gets a hole of its own. What cut a marker in two (a slice) is refused.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value, filters};

use super::convert;
use crate::env::Container;
use crate::expression::bounded_filters;
use crate::format::Literal;

/// Supplementary Private Use Area-A: 65,534 characters that no standard assigns.
const FIRST_CANDIDATE: u32 = 0xF_0000;
const LAST_CANDIDATE: u32 = 0xF_FFFD;
/// What each of them begins with in UTF-8.
const FIRST_BYTE: u8 = 0xF3;

/// Bytes of a number between two markers.
const LONGEST_MARK: usize = 4 + 20 + 4;

/// One printed value.
#[derive(Clone, Debug)]
pub(super) struct Hole {
    pub(super) value: Literal,
    /// Printed by `| raw`: its text becomes part of the template's own.
    pub(super) raw: bool,
}

/// A piece of what was rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// The number of a hole. The same one may stand in several places, or in none.
    Hole(usize),
}

/// The two characters around a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    open: char,
    close: char,
}

impl Marker {
    pub(super) fn stands_in(self, text: &str) -> bool {
        has_candidate_byte(text) && text.contains([self.open, self.close])
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
    let mut taken = BTreeSet::new();
    collect_candidates(context, &mut taken, 0);
    let mut free = (FIRST_CANDIDATE..=LAST_CANDIDATE)
        .filter_map(char::from_u32)
        .filter(|candidate| !taken.contains(candidate));
    // a context that holds all 65,534 is still safe: `print` refuses what holds a marker
    Marker { open: free.next().unwrap_or('\u{E000}'), close: free.next().unwrap_or('\u{E001}') }
}

fn collect_candidates(value: &Value, taken: &mut BTreeSet<char>, depth: usize) {
    match value.kind() {
        ValueKind::String => {
            collect_from_text(value.as_str().unwrap_or_default(), taken);
        }
        // asked for one by one, its values would be found out for nothing
        ValueKind::Map if value.downcast_object_ref::<Container>().is_some() => {
            let container = value.downcast_object_ref::<Container>();
            container.into_iter().flat_map(Container::texts).for_each(|text| collect_from_text(text, taken));
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

fn collect_from_text(text: &str, taken: &mut BTreeSet<char>) {
    if has_candidate_byte(text) {
        taken.extend(text.chars().filter(|c| (FIRST_CANDIDATE..=LAST_CANDIDATE).contains(&u32::from(*c))));
    }
}

/// Bytes are looked at faster, and nearly no text has this one.
fn has_candidate_byte(text: &str) -> bool {
    text.as_bytes().contains(&FIRST_BYTE)
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
        for (name, filter) in text_filters().into_iter().chain(bounded_filters()) {
            self.guard(engine, name, filter);
        }
    }

    /// Lets a filter see values only, never markers.
    fn guard(self: &Arc<Self>, engine: &mut Environment<'static>, name: &'static str, filter: Value) {
        let holes = Arc::clone(self);
        engine.add_filter(
            name,
            move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| -> Result<Value, Error> {
                let arguments = arguments.into_values();
                let resolved: Option<Vec<Value>> =
                    arguments.iter().map(|argument| holes.resolve(argument, 0)).collect();
                filter.call(state, &resolved.ok_or_else(changed)?)
            },
        );
    }

    fn print(&self, value: &Value) -> Result<String, Error> {
        if value.is_safe() {
            // a captured block, a macro's result, or a raw value: its holes are in it
            return Ok(value.as_str().unwrap_or_default().to_owned());
        }
        let resolved = self.resolve(value, 0).ok_or_else(changed)?;
        self.put_aside(&resolved, false)
    }

    fn print_raw(&self, value: &Value) -> Result<String, Error> {
        if value.is_safe() {
            return Ok(value.as_str().unwrap_or_default().to_owned());
        }
        self.put_aside(value, true)
    }

    /// The value without markers: each replaced by the text of what stands for it. `None`: a
    /// marker was cut, or stands for a list or a map, which has no text.
    fn resolve(&self, value: &Value, depth: usize) -> Option<Value> {
        if !self.marker.stands_in_value(value, depth) {
            return Some(value.clone());
        }
        match value.kind() {
            ValueKind::String => self.resolve_text(value.as_str()?).map(Value::from),
            ValueKind::Seq => {
                let items = value.try_iter().ok()?;
                items.map(|item| self.resolve(&item, depth + 1)).collect::<Option<Vec<_>>>().map(Value::from)
            }
            ValueKind::Map => {
                let mut entries = Vec::new();
                for key in value.try_iter().ok()? {
                    let item = self.resolve(&value.get_item(&key).ok()?, depth + 1)?;
                    entries.push((self.resolve(&key, depth + 1)?.as_str()?.to_owned(), item));
                }
                Some(match value.is_kwargs() {
                    true => Value::from(Kwargs::from_iter(entries)),
                    false => Value::from_pairs(entries),
                })
            }
            _ => None,
        }
    }

    fn resolve_text(&self, text: &str) -> Option<String> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut resolved = String::new();
        for piece in self.split(text)? {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Hole(number) => resolved.push_str(&found.get(number)?.value.as_text()?),
            }
        }
        Some(resolved)
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
        let mut printed = String::with_capacity(LONGEST_MARK);
        printed.push(self.marker.open);
        // writing to a string can't fail
        let _ = write!(printed, "{number}");
        printed.push(self.marker.close);
        Ok(printed)
    }

    /// The values, by number.
    pub(super) fn take(&self) -> Vec<Hole> {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes rendered text apart. `None`: the engine cut or turned text with markers in it.
    pub(super) fn split<'t>(&self, rendered: &'t str) -> Option<Vec<Piece<'t>>> {
        let mut pieces = Vec::new();
        let mut rest = rendered;
        while let Some((text, after)) = rest.split_once(self.marker.open) {
            let (number, next) = after.split_once(self.marker.close)?;
            pieces.push(Piece::Text(text));
            pieces.push(Piece::Hole(number.parse().ok()?));
            rest = next;
        }
        pieces.push(Piece::Text(rest));
        let sound = |piece: &Piece<'_>| !matches!(piece, Piece::Text(text) if self.marker.stands_in(text));
        pieces.iter().all(sound).then_some(pieces)
    }
}

/// Text with holes in it was changed in a way that castoff can't follow.
pub(super) fn changed() -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        "`{% set %}` blocks, macros and raw values can't be cut or turned: \
         do that to the values inside them",
    )
}

/// The filters that look into text, cut it, or encode it, without those that have bounds.
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
        ("length", Value::from_function(filters::length)),
        ("count", Value::from_function(filters::length)),
        ("list", Value::from_function(filters::list)),
        ("join", Value::from_function(filters::join)),
        ("int", Value::from_function(filters::int)),
        ("float", Value::from_function(filters::float)),
        ("string", Value::from_function(filters::string)),
        ("url", Value::from_function(crate::expression::url)),
    ]
}
