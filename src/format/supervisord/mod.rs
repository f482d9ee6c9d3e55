//! `supervisord.conf`, as supervisor 4 reads it: Python's ini files, then `%(name)s` in
//! values, then what an option makes of its value.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | behind `=` or `:`, also on lines that go on | `%` as `%%`, and as `%%%%` where supervisor expands twice (`*_logfile` of programs, `environment` of `[supervisord]`) | line ends, NUL, `%(`; blanks at an end; `;` or `#` behind a blank (a comment) | supervisor manual, source, measured |
//! | value of `environment` | `KEY={{ x }}` | in `"…"`, or `'…'` if it holds `"`; `%` as above | the above; both quotes; a quote at an end (supervisor strips them) | source, measured |
//! | inside the quotes of `environment` | `KEY="a{{ x }}"` | `%` as above | the above; the quote around it; a quote beside it | source, measured |
//! | word | `command`, `programs`, `events`, `exitcodes`, `files` | as it is | all but letters, digits and `_ . / : @ + = -`, in commands `,`: it would be more words, or a wildcard | source |
//! | password | `password` | as a value | `{SHA}` first (what follows is taken for a hash) | supervisor manual |
//! | comment | a line that begins with `;` or `#`; behind a blank and one of these | as it is | line ends, NUL; at the end of a line `;` and `#` | source |
//! | section, option, inside `%(…)s`, behind a `%` | – | – | all | |
//! | sections of plug-ins, `[DEFAULT]` | – | – | all: a plug-in may read its options by rules of its own | |

mod encode;
mod environment;
mod lex;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Skeleton, fill_with};

/// The configuration of supervisord.
pub(super) static SUPERVISORD: Format = Format {
    name: "supervisord",
    destinations: &[
        "supervisord.conf",
        "supervisor/conf.d/*.conf",
        "supervisord.d/*.ini",
        "supervisor.d/*.ini",
    ],
    fill,
};

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Context {
    place: Place,
    /// How often supervisor expands `%` there.
    expansions: u32,
    around: Around,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Text,
    Password,
    /// One word of a command or of a list.
    Word {
        /// Commas separate it from others.
        commas: bool,
    },
    /// All of a value of `environment`.
    Variable,
    /// Between quotes of `environment`.
    Quoted {
        by: char,
        /// A quote or another value stands before or behind it.
        edges: (bool, bool),
        /// It is all that stands between them.
        alone: bool,
    },
    Comment,
}

/// What stands on the same line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Around {
    /// Only blanks stand before it, or a value.
    starts: bool,
    /// Only blanks stand behind it, or a value.
    ends: bool,
    /// A blank or a value touches it in front.
    behind_blank: bool,
    /// `(` or a value touches it behind.
    before_bracket: bool,
    /// The line ends in a comment.
    commented: bool,
    /// It is all of a line that goes on, or an end of one, with a blank to the rest: if it
    /// is empty, supervisor drops more than it.
    needed: bool,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex::lex, encode::encode)
}

#[cfg(test)]
mod tests;
