//! From the engine's values to the plain ones that formats encode.

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::format::Literal;

/// Deeper values than this are refused: encoders recurse.
const DEEPEST: usize = 32;

/// The plain value, or why there is none.
pub(super) fn literal(value: &Value) -> Result<Literal, &'static str> {
    nested(value, 0)
}

fn nested(value: &Value, depth: usize) -> Result<Literal, &'static str> {
    if depth > DEEPEST {
        return Err("`lists and maps nested more than 32 deep can't be written");
    }
    match value.kind() {
        ValueKind::None => Ok(Literal::None),
        ValueKind::Bool => Ok(Literal::Bool(value.is_true())),
        ValueKind::Number => number(value),
        ValueKind::String => Ok(Literal::Text(value.as_str().unwrap_or_default().to_owned())),
        ValueKind::Seq | ValueKind::Iterable => Ok(Literal::List(items(value, depth)?)),
        ValueKind::Map => {
            let keys = value.try_iter().map_err(|_| UNPRINTABLE)?;
            let mut entries = Vec::new();
            for key in keys {
                let item = value.get_item(&key).map_err(|_| UNPRINTABLE)?;
                entries.push((text_of_key(&key)?, nested(&item, depth + 1)?));
            }
            Ok(Literal::Map(entries))
        }
        _ => Err(UNPRINTABLE),
    }
}

const UNPRINTABLE: &str =
    "`{{ }}` can print text, numbers, booleans, lists and maps, and this is none of them";

fn items(value: &Value, depth: usize) -> Result<Vec<Literal>, &'static str> {
    value.try_iter().map_err(|_| UNPRINTABLE)?.map(|item| nested(&item, depth + 1)).collect()
}

fn text_of_key(key: &Value) -> Result<String, &'static str> {
    match key.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => Ok(key.to_string()),
        _ => Err(UNPRINTABLE),
    }
}

fn number(value: &Value) -> Result<Literal, &'static str> {
    if value.is_integer() {
        return i128::try_from(value.clone())
            .map(Literal::Int)
            .map_err(|_| "`{{ }}` got a whole number of more than 127 bits");
    }
    match f64::try_from(value.clone()) {
        Ok(number) if number.is_finite() => Ok(Literal::Float(number)),
        _ => Err("`{{ }}` got a number that is not finite: a division by zero?"),
    }
}

#[cfg(test)]
mod tests {
    use super::literal;
    use crate::format::Literal;

    fn of(expression: &str) -> Result<Literal, &'static str> {
        let engine = crate::expression::engine();
        let compiled = engine.compile_expression(expression).unwrap();
        literal(&compiled.eval(()).unwrap())
    }

    #[test]
    fn table() {
        for (expression, expected) in [
            ("none", Literal::None),
            ("true", Literal::Bool(true)),
            ("3", Literal::Int(3)),
            ("3.0", Literal::Float(3.0)),
            ("'3'", Literal::Text("3".into())),
            ("[1, 'a']", Literal::List(vec![Literal::Int(1), Literal::Text("a".into())])),
            ("{'k': false}", Literal::Map(vec![("k".into(), Literal::Bool(false))])),
        ] {
            assert_eq!(of(expression), Ok(expected), "{expression}");
        }
        assert!(of("1e308 * 1e308").is_err());
    }
}
