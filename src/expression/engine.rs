//! The one set-up of minijinja: strict about undefined names, without the filters that
//! would switch escaping off behind castoff's back.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};

use super::bounds;
use super::filters;
use super::spelling::word_length;

/// A template that recurses deeper than this is a mistake, and must not overflow the stack.
const DEEPEST: usize = 64;

/// Set up once: that takes longer than most of what is done with it.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(set_up);

/// An engine without templates.
#[must_use]
pub fn engine() -> Environment<'static> {
    ENGINE.clone()
}

fn set_up() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_recursion_limit(DEEPEST);
    engine.set_debug(false);
    // a line that holds nothing but a tag leaves nothing behind in a config file
    if let Ok(syntax) =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()
    {
        engine.set_syntax(syntax);
    }
    // `raw` is castoff's word, so that every use of it can be found and listed.
    for filter in ["safe", "escape", "e"] {
        engine.remove_filter(filter);
    }
    for name in ["debug", "range_debug"] {
        engine.remove_global(name);
    }
    bounds::install(&mut engine);
    engine.add_filter("size", filters::size);
    engine.add_filter("duration", filters::duration);
    engine.add_filter("host", filters::host);
    engine.add_filter("port", filters::port);
    engine.add_filter("url", filters::url);
    engine
}

/// The identifiers that stand in a piece of template source, in order, strings left out.
/// Attribute names (after a dot) are not listed.
pub fn identifiers(expression: &str) -> impl Iterator<Item = &str> {
    let mut rest = expression;
    let mut after_dot = false;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            if first == '\'' || first == '"' {
                let mut escaped = false;
                let end = rest
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| {
                        let closes = !escaped && *c == first;
                        escaped = !escaped && *c == '\\';
                        closes
                    })
                    .map_or(rest.len(), |(at, c)| at + c.len_utf8());
                rest = rest.get(end..).unwrap_or_default();
                after_dot = false;
            } else if first.is_alphanumeric() || first == '_' {
                let (word, next) = rest.split_at(word_length(rest));
                rest = next;
                let attribute = std::mem::take(&mut after_dot);
                if !attribute && !first.is_numeric() {
                    return Some(word);
                }
            } else {
                after_dot = first == '.';
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{engine, identifiers};

    #[test]
    fn identifiers_are_found_outside_strings_and_attributes() {
        let found: Vec<_> =
            identifiers(r#" A ~ "B\" C" ~ 'D' | upper ~ container.memory * 0.8 ~ E_1 "#).collect();
        assert_eq!(found, ["A", "upper", "container", "E_1"]);
        assert_eq!(identifiers("'unterminated").count(), 0);
    }

    #[test]
    fn an_undefined_name_is_an_error_and_escaping_cannot_be_switched_off() {
        assert!(engine().render_str("{{ MISSING }}", ()).is_err());
        for filter in ["safe", "escape", "e"] {
            assert!(engine().render_str(&format!("{{{{ 'x' | {filter} }}}}"), ()).is_err(), "{filter}");
        }
        assert!(engine().render_str("{{ debug() }}", ()).is_err());
    }
}
