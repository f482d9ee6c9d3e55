//! Parses `[env.NAME]`: one declared variable. That its default fits its type is checked
//! where values are (env), not here.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::check_regex;
use super::fields::{Fields, Reading, list_of};
use super::model::{Alphabet, Default, Generate, Kind, Variable};
use crate::diagnostic::{Diagnostic, Located, nearest};
use crate::{duration, size};

/// Names that castoff keeps for itself.
const OWN_PREFIX: &str = "CASTOFF_";

/// A generated value longer than this is surely a mistake.
const LONGEST_GENERATED: i64 = 4096;

const KINDS: [(&str, Kind); 13] = [
    ("string", Kind::Text),
    ("bool", Kind::Bool),
    ("int", Kind::Int),
    ("float", Kind::Float),
    ("port", Kind::Port),
    ("host", Kind::Host),
    ("host-port", Kind::HostPort),
    ("url", Kind::Url),
    ("email", Kind::Email),
    ("path", Kind::Path),
    ("size", Kind::Size),
    ("duration", Kind::Duration),
    ("json", Kind::Json),
];

pub(super) fn read_all(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Variable> {
    fields.named_tables(reading, "env").into_iter().map(|(name, table)| read(reading, name, table)).collect()
}

fn read(reading: &mut Reading, name: Located<String>, table: &DeTable<'_>) -> Variable {
    check_name(reading, &name);
    let header = name.place.span.clone();
    let mut fields = Fields::new(table, format!("[env.{}]", name.value), header);
    let kind = read_kind(reading, &mut fields);
    let pattern = fields.string(reading, "pattern");
    if let Some(pattern) = &pattern {
        check_regex(reading, pattern, false);
    }
    let empty_words = [("unset", false), ("keep", true)];
    let aliases = fields.strings(reading, "aliases").map(|list| list.value).unwrap_or_default();
    for alias in &aliases {
        check_name(reading, alias);
    }
    let variable = Variable {
        description: fields.string(reading, "description").map(|text| text.value),
        choices: read_choices(reading, &mut fields),
        min: read_bound(reading, &mut fields, "min", &kind),
        max: read_bound(reading, &mut fields, "max", &kind),
        default: read_default(reading, &mut fields, &kind),
        required: fields.boolean(reading, "required").unwrap_or(false),
        required_if: fields.string(reading, "required-if"),
        secret: fields.boolean(reading, "secret").unwrap_or(false),
        export: fields.boolean(reading, "export"),
        keep_empty: fields.word(reading, "empty", &empty_words).unwrap_or(false),
        generate: read_generate(reading, &mut fields),
        name,
        kind,
        pattern,
        aliases,
    };
    fields.finish(reading);
    check_together(reading, &variable);
    variable
}

/// A name that a shell, and every tool that sets variables, can write.
fn check_name(reading: &mut Reading, name: &Located<String>) {
    let mut bytes = name.value.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !starts_well || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        reading.report(
            Diagnostic::spec(format!("`{}` can't be the name of a variable", name.value))
                .at(&name.place, "letters, digits and `_`, not starting with a digit"),
        );
    } else if name.value.starts_with(OWN_PREFIX) {
        reading.report(
            Diagnostic::spec(format!("`{}` can't be declared", name.value))
                .at(&name.place, format!("names that begin with {OWN_PREFIX} are castoff's own settings")),
        );
    }
}

fn read_kind(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Kind {
    let named = fields.string(reading, "type");
    let separator = fields.string(reading, "separator");
    let Some(named) = named else {
        if let Some(separator) = separator {
            reading.report(
                Diagnostic::spec("`separator` belongs to a list")
                    .at(&separator.place, "add `type = \"list\"`"),
            );
        }
        return Kind::Text;
    };
    if named.value == "list" {
        let separator = separator.unwrap_or_else(|| Located { value: ",".to_owned(), place: named.place });
        if separator.value.is_empty() {
            reading.report(
                Diagnostic::spec("`separator` can't be empty").at(&separator.place, "one character or more"),
            );
        }
        return Kind::List { separator: separator.value };
    }
    if let Some(separator) = separator {
        reading.report(
            Diagnostic::spec("`separator` belongs to a list")
                .at(&separator.place, format!("the type is `{}`", named.value)),
        );
    }
    if let Some((_, kind)) = KINDS.iter().find(|(word, _)| *word == named.value) {
        return kind.clone();
    }
    let words = || KINDS.iter().map(|(word, _)| *word).chain(["list"]);
    let mut problem = Diagnostic::spec(format!("there is no type `{}`", named.value))
        .at(&named.place, format!("must be {}", list_of(words())));
    if let Some(near) = nearest(&named.value, words()) {
        problem = problem.help(format!("did you mean `{near}`?"));
    }
    reading.report(problem);
    Kind::Text
}

fn read_choices(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Located<String>> {
    let Some(value) = fields.take("choices") else { return Vec::new() };
    let DeValue::Array(items) = value.get_ref() else {
        reading.wrong_type("choices", value, "an array");
        return Vec::new();
    };
    if items.is_empty() {
        let place = reading.place(value.span());
        reading.report(Diagnostic::spec("`choices` is empty").at(&place, "no value would be allowed"));
    }
    items.iter().filter_map(|item| scalar_text(reading, "choices", item)).collect()
}

/// A string, number or boolean as the text that a variable would hold.
fn scalar_text(reading: &mut Reading, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Located<String>> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => number.to_string(),
            Err(_) => {
                reading.wrong_type(key, value, "a number of at most 64 bits");
                return None;
            }
        },
        _ => {
            reading.wrong_type(key, value, "a string, a number or a boolean");
            return None;
        }
    };
    Some(reading.located(value.span(), text))
}

/// A bound is written as the type's values are: `64M` for a size, `5m` for a duration; for
/// text and lists it is a length.
fn read_bound(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    kind: &Kind,
) -> Option<Located<f64>> {
    let value = fields.take(key)?;
    if matches!(kind, Kind::Bool | Kind::Json) {
        let place = reading.place(value.span());
        reading
            .report(Diagnostic::spec(format!("`{key}` means nothing for this type")).at(&place, "remove it"));
        return None;
    }
    let text = scalar_text(reading, key, value)?;
    let (number, expected) = match kind {
        Kind::Size => (size::parse(&text.value).ok().map(|bytes| bytes as f64), "a size such as \"64M\""),
        Kind::Duration => {
            (duration::parse(&text.value).map(|d| d.as_secs_f64()), "a duration such as \"30s\"")
        }
        _ => (text.value.parse::<f64>().ok().filter(|number| number.is_finite()), "a number"),
    };
    if number.is_none() {
        reading.wrong_type(key, value, expected);
    }
    number.map(|number| Located { value: number, place: text.place })
}

fn read_default(reading: &mut Reading, fields: &mut Fields<'_, '_>, kind: &Kind) -> Option<Located<Default>> {
    let value = fields.take("default")?;
    let default = match (value.get_ref(), kind) {
        (DeValue::Array(items), Kind::List { .. }) => {
            let items = items.iter().filter_map(|item| scalar_text(reading, "default", item));
            Default::Items(items.map(|item| item.value).collect())
        }
        (DeValue::Array(_) | DeValue::Table(_), Kind::Json) => Default::Literal(json_text(value.get_ref())),
        (DeValue::String(text), _) if text.contains("{{") || text.contains("{%") => {
            Default::Computed(text.to_string())
        }
        _ => Default::Literal(scalar_text(reading, "default", value)?.value),
    };
    Some(reading.located(value.span(), default))
}

/// A TOML value as JSON text.
fn json_text(value: &DeValue<'_>) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix())
            .map_or_else(|_| quoted(digits.as_str()), |number| number.to_string()),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => quoted(&date.to_string()),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| json_text(item.get_ref())).collect();
            format!("[{}]", items.join(","))
        }
        DeValue::Table(table) => {
            let entries: Vec<String> = table
                .iter()
                .map(|(key, value)| format!("{}:{}", quoted(key.get_ref()), json_text(value.get_ref())))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn read_generate(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Generate> {
    let scope = fields.string(reading, "scope");
    let Some(value) = fields.take("generate") else {
        if let Some(scope) = scope {
            reading.report(
                Diagnostic::spec("`scope` belongs to a generated variable")
                    .at(&scope.place, "add `generate = { length = 64 }`"),
            );
        }
        return None;
    };
    let table = reading.table("generate", value)?;
    let mut generate = Fields::new(table, "`generate`", value.span());
    let length = generate.integer(reading, "length");
    if length.is_none() && table.get("length").is_none() {
        generate.missing(reading, "length");
    }
    let alphabets = [
        ("alphanumeric", Alphabet::Alphanumeric),
        ("hex", Alphabet::Hex),
        ("printable", Alphabet::Printable),
    ];
    let alphabet = generate.word(reading, "alphabet", &alphabets).unwrap_or(Alphabet::Alphanumeric);
    generate.finish(reading);
    let length = length?;
    if !(1..=LONGEST_GENERATED).contains(&length.value) {
        reading.report(
            Diagnostic::spec("`length` is out of range")
                .at(&length.place, format!("1 to {LONGEST_GENERATED} characters")),
        );
    }
    let scope = scope.and_then(|scope| super::outputs::absolute_path(reading, "scope", scope));
    Some(Generate {
        place: reading.place(value.span()),
        length: usize::try_from(length.value).unwrap_or(0),
        alphabet,
        scope,
    })
}

/// Keys that contradict each other.
fn check_together(reading: &mut Reading, variable: &Variable) {
    let name = &variable.name;
    if let (Some(min), Some(max)) = (&variable.min, &variable.max)
        && min.value > max.value
    {
        reading.report(
            Diagnostic::spec(format!("no value of `{}` is allowed: `min` is above `max`", name.value))
                .at(&min.place, "")
                .and_at(&max.place, "less than that"),
        );
    }
    if let Some(default) = &variable.default {
        if variable.required {
            reading.report(
                Diagnostic::spec(format!("`{}` is required and has a default", name.value))
                    .at(&default.place, "this would never be used")
                    .help("remove `required` or the default"),
            );
        }
        if variable.generate.is_some() {
            reading.report(
                Diagnostic::spec(format!("`{}` is generated and has a default", name.value))
                    .at(&default.place, "this would never be used"),
            );
        }
    }
    if let Some(generate) = &variable.generate {
        if variable.required {
            reading.report(
                Diagnostic::spec(format!("`{}` is required and generated", name.value))
                    .at(&generate.place, "this would never be used"),
            );
        }
        if variable.kind != Kind::Text {
            reading.report(
                Diagnostic::spec(format!("`{}` is generated and not a string", name.value))
                    .at(&generate.place, "castoff generates text"),
            );
        }
    }
}
