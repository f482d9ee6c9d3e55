//! What keeps a template from taking for ever, or all memory: the number of the engine's steps,
//! and bounds on filters that make much of one number. A number may come from the environment.

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};

/// So many steps one rendering, or one expression, may take: a file of some hundred thousand
/// values, and less than a second or two.
const STEPS: u64 = 10_000_000;

/// The largest number that `indent`, `slice` and `batch` take, and the widest that `format` makes.
const MOST: i64 = 9_999;

/// Bounds what an engine does.
pub(super) fn install(engine: &mut Environment<'static>) {
    engine.set_fuel(Some(STEPS));
    for (name, filter) in bounded_filters() {
        engine.add_filter(name, move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| {
            filter.call(state, &arguments.into_values())
        });
    }
}

/// The engine's filters that are bounded.
pub(crate) fn bounded_filters() -> [(&'static str, Value); 4] {
    [
        ("indent", bounded(Value::from_function(filters::indent), &counts)),
        ("slice", bounded(Value::from_function(filters::slice), &counts)),
        ("batch", bounded(Value::from_function(filters::batch), &counts)),
        ("format", bounded(Value::from_function(filters::format), &widths)),
    ]
}

fn bounded(filter: Value, check: &'static (dyn Fn(&[Value]) -> bool + Send + Sync)) -> Value {
    Value::from_function(
        move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| -> Result<Value, Error> {
            let arguments = arguments.into_values();
            if !check(&arguments) {
                let reason = "`indent`, `slice`, `batch` and `format` take numbers up to 9999";
                return Err(Error::new(ErrorKind::InvalidOperation, reason));
            }
            filter.call(state, &arguments)
        },
    )
}

/// Whether the numbers behind the value, named ones too, are within bounds.
fn counts(arguments: &[Value]) -> bool {
    let within = |value: &Value| match value.kind() {
        ValueKind::Number => i64::try_from(value.clone()).is_ok_and(|number| number <= MOST),
        _ => true,
    };
    let named = |value: &Value| {
        let names = value.try_iter().into_iter().flatten();
        names.filter_map(|name| value.get_item(&name).ok()).all(|item| within(&item))
    };
    arguments.iter().skip(1).all(|value| match value.kind() {
        ValueKind::Map => named(value),
        _ => within(value),
    })
}

/// Whether the widths in a format are within bounds, and none is left to a value.
fn widths(arguments: &[Value]) -> bool {
    let format = arguments.first().and_then(Value::as_str).unwrap_or_default();
    let mut digits = 0;
    format.chars().all(|c| {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        digits <= 4 && c != '*'
    })
}

#[cfg(test)]
mod tests {
    use crate::expression::engine;

    #[test]
    fn a_number_makes_no_more_of_a_value_than_memory_holds() {
        for (expression, fits) in [
            ("'a' | indent(2, true)", true),
            ("'a' | indent(width=9999)", true),
            ("'a' | indent(99999999999999)", false),
            ("'a' | indent(18446744073709551615)", false),
            ("'a' | indent(width=99999999999999)", false),
            ("[1] | batch(3, 0)", true),
            ("[1] | batch(99999999999999, 0)", false),
            ("[1] | slice(99999999999999)", false),
            ("'%05d' | format(1)", true),
            ("'%d' | format(99999999)", true),
            ("'%099999999999999d' | format(1)", false),
            ("'%*d' | format(99999999999999, 1)", false),
            ("['a'] | map('indent', 99999999999999) | list", false),
        ] {
            let shown = engine().render_str(&format!("{{{{ {expression} }}}}"), ());
            assert_eq!(shown.is_ok(), fits, "{expression}");
        }
    }

    #[test]
    fn a_long_loop_is_no_endless_one() {
        let long = "{% for a in range(99999) %}{{ a }}{% endfor %}";
        assert!(engine().render_str(long, ()).is_ok());
    }
}
