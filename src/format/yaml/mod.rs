//! YAML, so that readers of 1.1 and of 1.2 agree: where in it a value stands, and how the
//! value is written there.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | bare, all of a plain scalar, in a block or a flow collection | a whole literal: text always in `"…"` (`no`, `1.0`, `~` stay text); numbers, `true`, `null`; lists and maps as `[…]`, `{…}` | whole numbers beyond 64 bits | YAML 1.2.2 §5.7, §7, §10; PyYAML's and ruamel.yaml's resolvers; read back |
//! | key | the same, before `:` | text in `"…"` | all but text; more than 1024 characters with its own text | §7.4; PyYAML's and ruamel's limit of simple keys |
//! | part | beside the text of a plain scalar that no value can turn into a number, a date or a word of YAML | as it is | all but letters, digits and `_ . / @ + = : -`; empty; `:` at an end; `. @ + = -` where it begins the scalar | §7.3.3; read back |
//! | double-quoted | `"…"` | `"`, `\`, what isn't printable and all line breaks escaped; a space at its end as `\x20` | `none`, lists, maps; empty at the end of a line of several | §5.7, §7.3.1 |
//! | single-quoted | `'…'` | `'` doubled | line breaks and what isn't printable; blanks at the end of a line of several | §7.3.2 |
//! | block, literal | a line below `\|` | as it is, each further line at the block's indentation | what isn't printable, line breaks but line feed; a blank line at its start or end (chomping); a blank first in a block without indentation indicator | §8.1 |
//! | block, folded | a line below `>` | as it is | the same, and line feed; a blank first in a line | §8.1.3 |
//! | comment | `#` at the start of a line or after a blank | as it is | line breaks, what isn't printable | §6.6 |
//! | tag, anchor, alias, directive, block header, plain scalar of several lines, `? ` key, within an escape | – | – | all | – |
//!
//! Where the text isn't YAML of this kind the lexer is sure of nothing any more, and every
//! later hole is refused.

mod encode;
mod flow;
mod lex;
mod scalar;

use super::registry::Format;
use super::skeleton::fill_with;

/// YAML documents.
pub(super) static YAML: Format = Format {
    name: "yaml",
    destinations: &["*.yaml", "*.yml"],
    fill: |skeleton, values| fill_with(skeleton, values, lex::lex, encode::encode),
};

/// The characters of a key that readers take on one line.
const KEY: usize = 1000;

/// Where a value stands, and how many characters there are left for it (`None`: any).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    context: Context,
    room: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    /// Where a whole value is due.
    Value,
    /// Where a whole key is due.
    Key,
    /// In a plain scalar with other text; `first`: it begins the scalar.
    Part { first: bool },
    /// Inside `"…"`. `edge`: at the end of a line where that isn't the scalar's.
    Double { edge: bool },
    /// Inside `'…'`, the same.
    Single { edge: bool },
    /// In a line of a block scalar.
    Block(Block),
    /// After `#`.
    Comment,
}

/// The line of a block scalar that a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    /// `>`: readers join the lines.
    folded: bool,
    /// The spaces that each line begins with.
    indent: usize,
    /// It is the line that sets the indentation.
    first: bool,
    /// Text stands before it in its line.
    before: bool,
    /// Text stands behind it in its line.
    after: bool,
}

#[cfg(test)]
mod tests;
