//! Walks one TOML table: takes the keys that are known, with their types checked, and
//! reports every other key. Mistakes are collected, never returned early.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Located, Place, Source, nearest};
use crate::duration;

/// What is being read, and all that is wrong with it.
pub(super) struct Reading {
    /// The file.
    pub(super) source: Arc<Source>,
    /// What is wrong with it.
    pub(super) problems: Vec<Diagnostic>,
}

impl Reading {
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place::new(&self.source, span)
    }

    pub(super) fn located<T>(&self, span: Range<usize>, value: T) -> Located<T> {
        Located { value, place: self.place(span) }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    /// A value of the wrong type.
    pub(super) fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let found = kind_name(value.get_ref());
        let place = self.place(value.span());
        self.report(
            Diagnostic::spec(format!("`{key}` must be {expected}")).at(&place, format!("this is {found}")),
        );
    }

    /// The text of a string value.
    pub(super) fn string(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Located<String>> {
        match value.get_ref() {
            DeValue::String(text) => Some(self.located(value.span(), text.to_string())),
            _ => {
                self.wrong_type(key, value, "a string");
                None
            }
        }
    }

    /// The table that a value must be.
    pub(super) fn table<'t, 'i>(
        &mut self,
        key: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<&'t DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.wrong_type(key, value, "a table");
                None
            }
        }
    }
}

/// What messages call a TOML value.
fn kind_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The keys of one table.
pub(super) struct Fields<'t, 'i> {
    table: &'t DeTable<'i>,
    /// `[env.NAME]`: what messages call the table.
    what: String,
    /// Its header, for what is missing.
    header: Range<usize>,
    known: Vec<&'static str>,
}

impl<'t, 'i> Fields<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, what: impl Into<String>, header: Range<usize>) -> Self {
        Self { table, what: what.into(), header, known: Vec::new() }
    }

    pub(super) fn header(&self) -> Range<usize> {
        self.header.clone()
    }

    /// What messages call the table.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// The value of a key, whatever its type.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.get(key)
    }

    pub(super) fn string(&mut self, reading: &mut Reading, key: &'static str) -> Option<Located<String>> {
        let value = self.take(key)?;
        reading.string(key, value)
    }

    pub(super) fn required_string(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
    ) -> Option<Located<String>> {
        if self.table.get(key).is_none() {
            self.missing(reading, key);
        }
        self.string(reading, key)
    }

    pub(super) fn missing(&mut self, reading: &mut Reading, key: &'static str) {
        self.known.push(key);
        let place = reading.place(self.header());
        reading.report(
            Diagnostic::spec(format!("`{key}` is missing in {}", self.what)).at(&place, "needed here"),
        );
    }

    pub(super) fn boolean(&mut self, reading: &mut Reading, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                reading.wrong_type(key, value, "`true` or `false`");
                None
            }
        }
    }

    pub(super) fn integer(&mut self, reading: &mut Reading, key: &'static str) -> Option<Located<i64>> {
        let value = self.take(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            reading.wrong_type(key, value, "an integer");
        }
        number.map(|number| reading.located(value.span(), number))
    }

    /// A span of time, such as `30s`.
    pub(super) fn duration(&mut self, reading: &mut Reading, key: &'static str) -> Option<Located<Duration>> {
        let text = self.string(reading, key)?;
        match duration::parse(&text.value) {
            Some(duration) => Some(Located { value: duration, place: text.place }),
            None => {
                reading.report(
                    Diagnostic::spec(format!("`{}` is not a duration", text.value))
                        .at(&text.place, "a number with a unit: \"500ms\", \"30s\", \"5m\", \"1h30m\""),
                );
                None
            }
        }
    }

    /// An array of strings.
    pub(super) fn strings(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
    ) -> Option<Located<Vec<Located<String>>>> {
        let value = self.take(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            reading.wrong_type(key, value, "an array of strings");
            return None;
        };
        let items = items.iter().filter_map(|item| reading.string(key, item)).collect();
        Some(reading.located(value.span(), items))
    }

    /// An array of integers.
    pub(super) fn integers(&mut self, reading: &mut Reading, key: &'static str) -> Vec<Located<i64>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            reading.wrong_type(key, value, "an array of integers");
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Integer(digits) => {
                    let number = i64::from_str_radix(digits.as_str(), digits.radix());
                    found.push(reading.located(item.span(), number.unwrap_or(i64::MAX)));
                }
                _ => reading.wrong_type(key, item, "an array of integers"),
            }
        }
        found
    }

    /// The place of the first of these keys that is there.
    pub(super) fn first_of(&self, reading: &Reading, keys: &[&str]) -> Option<Place> {
        let spans = keys.iter().filter_map(|key| self.table.get_key_value(*key)).map(|(name, _)| name.span());
        spans.min_by_key(|span| span.start).map(|span| reading.place(span))
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.string(reading, key)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*meaning);
        }
        let allowed = list_of(words.iter().map(|(word, _)| *word));
        let mut problem = Diagnostic::spec(format!("`{key}` can't be `{}`", text.value))
            .at(&text.place, format!("must be {allowed}"));
        if let Some(near) = nearest(&text.value, words.iter().map(|(word, _)| *word)) {
            problem = problem.help(format!("did you mean `{near}`?"));
        }
        reading.report(problem);
        None
    }

    /// An array of tables (`[[key]]`), each with the span that stands for it.
    pub(super) fn tables(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
    ) -> Vec<(&'t DeTable<'i>, Range<usize>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            reading.wrong_type(key, value, &format!("an array of tables: write `[[{key}]]`"));
            return Vec::new();
        };
        items.iter().filter_map(|item| reading.table(key, item).map(|table| (table, item.span()))).collect()
    }

    /// The tables of a table of tables (`[key.NAME]`), in the order of the file.
    pub(super) fn named_tables(
        &mut self,
        reading: &mut Reading,
        key: &'static str,
    ) -> Vec<(Located<String>, &'t DeTable<'i>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(outer) = reading.table(key, value) else { return Vec::new() };
        let mut found: Vec<_> = outer
            .iter()
            .filter_map(|(name, value)| {
                let table = reading.table(&format!("{key}.{}", name.get_ref()), value)?;
                Some((reading.located(name.span(), name.get_ref().to_string()), table))
            })
            .collect();
        found.sort_by_key(|(name, _)| name.place.span.start);
        found
    }

    /// A key that castoff will know one day: refused in so many words.
    pub(super) fn not_yet(&mut self, reading: &mut Reading, key: &'static str) {
        self.known.push(key);
        if let Some((name, _)) = self.table.get_key_value(key) {
            let place = reading.place(name.span());
            reading.report(
                Diagnostic::spec(format!("`{key}` in {} is not supported yet", self.what))
                    .at(&place, "this version of castoff can't do it")
                    .help("remove it: castoff does not ignore what it can't do"),
            );
        }
    }

    /// Reports every key that nobody took.
    pub(super) fn finish(self, reading: &mut Reading) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let place = reading.place(key.span());
            let mut problem = Diagnostic::spec(format!("unknown key `{name}` in {}", self.what))
                .at(&place, "not a key of this table");
            problem = match nearest(name, self.known.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("known keys: {}", self.known.join(", "))),
            };
            reading.report(problem);
        }
    }
}

/// `a`, `b` or `c`, each in backquotes.
pub(super) fn list_of<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
