//! PHP source: where in it a value stands, and how the value is written there.
//!
//! | context | recognised by | encoding | refuses | source |
//! |---|---|---|---|---|
//! | expression | code, after an operator, `(`, `,`, `=`, `return`, a cast | a whole literal: `'…'` (`"…"` with escapes where control characters are in it), digits, `true`, `null`, `[…]` | whole numbers beyond 64 bits; places where a literal would name, call or begin something | manual: language.types; read back |
//! | single-quoted | `'…'` | `\` before `\` and `'` | `none`, lists, maps | manual: single quoted |
//! | double-quoted | `"…"` | `\` before `\` `"` `$`; a last `{` as `\x7b` | the same; a hole inside or right after an interpolation | zend_language_scanner.l; read back |
//! | heredoc | `<<<X` | as double-quoted, line breaks as `\n`, the first character of a line by its code | the same; less indented than the end | manual: heredoc (7.3) |
//! | nowdoc | `<<<'X'` | as it is | a line that could be the end, line breaks where an indentation is removed | manual: nowdoc |
//! | line comment | `//`, `#` | as it is | line breaks, `?>` | manual: comments |
//! | block comment | `/* */` | as it is | `*/` | manual: comments |
//! | anything else | HTML, backticks, interpolations, names, statements | – | every value | – |
//!
//! A refused hole ends the rendering, so a lexer may go on after one as it likes.

mod encode;
mod lex;
mod strings;

use super::registry::Format;
use super::skeleton::fill_with;

/// PHP source, 7.3 and later.
pub(super) static PHP: Format = Format {
    name: "php",
    destinations: &["*.php"],
    fill: |skeleton, values| fill_with(skeleton, values, lex::lex, encode::encode),
};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Context {
    /// An operand. `apart`: no operator beside it could join a number or its sign.
    Expression { apart: bool },
    /// Inside `'…'`.
    SingleQuoted,
    /// Inside `"…"`.
    DoubleQuoted,
    /// Inside a heredoc. `line_start`: only white space before it in its line.
    Heredoc { line_start: bool },
    /// Inside a nowdoc.
    Nowdoc { label: String, line_start: bool, indented: bool, alone: bool },
    /// After `//` or `#`. `before`, `after`: a `?` or a value right before, a `>` or one right after.
    LineComment { before: bool, after: bool },
    /// Inside `/* */`. `before`, `after`: a `*` or a value right before, a `/` or one right after.
    BlockComment { before: bool, after: bool },
}

/// Characters that continue a name (`LABEL` of the scanner: any byte from 0x80 on counts).
fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}
