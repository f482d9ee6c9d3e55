//! Shell scripts: what POSIX sh, dash, bash and busybox ash read the same way.
//!
//! The lexer follows the grammar far enough to know quotes, expansions, here-documents
//! and which word names a command. At a construct where shells differ, or that it does not
//! follow, it is lost, and every later hole is refused.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | word | bare: an argument, a value of `NAME=`, a file name after `>`, a pattern | in `'…'`, a `'` as `'\''`; a number or boolean that is the whole word, bare; a list that is a whole argument, as one word each | NUL | POSIX XCU 2.2.2 |
//! | double-quoted | between `"` | `"`, `\`, `$` and a backtick escaped | NUL | 2.2.3 |
//! | single-quoted | between `'` | `'` as `'\''` | NUL | 2.2.2 |
//! | here-document | after `<<END`, `<<-END` | `\`, `$` and a backtick escaped | a line that is the delimiter, or begins like it and goes on with a character that isn't ASCII (dash drops it); with `<<-` a line that begins with a tab; NUL | 2.7.4, measured |
//! | quoted here-document | after `<<'END'` | as it is | the same | 2.7.4 |
//! | arithmetic | `$((…))` | digits, in parentheses if negative | all but whole numbers of 64 bits | 2.6.4 |
//! | comment | `#` at the start of a word | as it is | line feed, carriage return, NUL | 2.3 |
//! | command name, variable name, function name | first word of a command, left of `=`, after `for` | – | all | – |
//! | argument of `eval`, `trap`, `alias`, `let`, `unset`, `read`, `sh -c`, `test -v`, of what `ssh` runs, and their like; behind a value that could be that `-c` or `-v` | the command's name | – | all: the shell parses it once more | 2.15 |
//! | `${…}`, backticks, `[[ … ]]`, here-document of a shell, after `>&`, more than 64 constructs deep | – | – | all | – |
//! | after `\`, after `$`, after `$NAME` inside quotes | – | – | all: it would become part of the escape or the name | 2.6.2 |

mod encode;
mod expansion;
mod grammar;
mod heredoc;
mod lexer;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Skeleton, fill_with};

/// Shell scripts.
pub(super) static SHELL: Format = Format { name: "shell", destinations: &["*.sh"], fill };

/// Where a hole stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Context {
    /// A bare word, or a part of one.
    Word {
        /// A number or a boolean can do without quotes.
        bare: bool,
        /// It is a whole argument, so there can be several.
        list: bool,
    },
    DoubleQuoted,
    SingleQuoted,
    Comment,
    Arithmetic,
    Heredoc {
        /// The shell expands `$` and backticks in it.
        expands: bool,
        line: heredoc::Line,
    },
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, |skeleton| lexer::Lexer::new(skeleton.units()).run(), encode::encode)
}

#[cfg(test)]
mod tests;
