//! The INI dialect of PHP's `zend_ini_scanner.l` (normal mode), which both php-ini and
//! php-fpm read. What is common to them; what only one of them does is told by [`Dialect`].

mod encode;
mod lex;

pub(super) use encode::encode;
pub(super) use lex::lex;

/// What sets the two readers apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// `php.ini` and what is scanned beside it: read as a whole.
    Php,
    /// php-fpm's own files: each line by itself, as a C string, with `$pool` replaced.
    Fpm,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) context: Context,
    /// The name of the setting, as written: `env[TZ]`.
    pub(super) key: String,
    /// Nothing but values comes before it in the setting.
    pub(super) first: bool,
    /// The setting is made of values only.
    pub(super) only_values: bool,
    /// Text or another value comes after it in the setting.
    pub(super) continued: bool,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// The whole of a setting.
    Whole,
    /// Beside bare or quoted text. `space_before`, `space_after`: white space that a
    /// double quote there would swallow. `anchored`: it touches bare text that can't be
    /// a keyword or constant, and nothing else.
    Joined { space_before: bool, space_after: bool, anchored: bool },
    /// Inside `"…"`. `exposed`: what comes next may be a line break or a value.
    DoubleQuoted { exposed: bool },
    /// Inside `'…'`. `may_be_empty`: the quotes would still be read without it.
    SingleQuoted { may_be_empty: bool },
    /// After `;`.
    Comment,
    /// The whole name of a section.
    Section,
}
