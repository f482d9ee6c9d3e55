//! SQL scripts for MariaDB (and MySQL) and for PostgreSQL: two formats, one lexer.
//!
//! What a backslash means depends on a setting of the server (`NO_BACKSLASH_ESCAPES`,
//! `standard_conforming_strings`), which a file can't know: what is written here is read
//! alike under both, or refused. The same for `ANSI_QUOTES`. The script is UTF-8, and its
//! reader (`mariadb`, `psql`) must be told so where its locale says otherwise.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | bare, no word or string beside it | text in `'…'` with `'` doubled; with a backslash or a control character PostgreSQL `E'…'`, MariaDB `_utf8mb4 X'…'`; numbers, `TRUE`, `FALSE`, `NULL`; lists `(a, b)`, or `a, b` behind `(`, `,`, `[` | maps, lists in lists, empty lists; PostgreSQL NUL (no text holds one); MariaDB backslashes and control characters where the grammar takes `'…'` only (accounts, `CREATE`, `ALTER`, `GRANT`…) | PostgreSQL 4.1.2, MariaDB "String Literals", measured |
//! | inside `'…'` (MariaDB `"…"` too) | the template's quotes | the quote doubled | backslash; NUL; MariaDB line feed, carriage return, U+001A | the same |
//! | inside `E'…'` | the template's quotes | `\\`, `''`, `\n`, `\r` | NUL | PostgreSQL 4.1.2.2 |
//! | name | inside PostgreSQL `"…"`, MariaDB backticks | the quote doubled | empty; too long (63 bytes are kept, 64 characters taken); NUL; MariaDB control characters, characters above U+FFFF, a blank at the end | PostgreSQL 4.1.1, MariaDB "Identifier Names" |
//! | comment | `--`, MariaDB `#`, `/* */` | as it is | line ends; in `/* */` what could open or close one, empty between `/` and `*` | measured |
//! | dollar quotes, code in strings (`DO '…'`, `PREPARE … FROM '…'`) | – | – | all: it is code, with quotes of its own | |
//! | `/*! */`, hints, `B'…'`, `X'…'`, `U&'…'`, lines of client commands, psql's `:name` | – | – | all | |

mod encode;
mod lex;
mod refusals;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Skeleton, fill_with};

/// SQL for MariaDB and MySQL.
pub(super) static SQL_MARIADB: Format = Format {
    name: "sql-mariadb",
    destinations: &[],
    fill: |skeleton, values| fill(Dialect::MariaDb, skeleton, values),
};

/// SQL for PostgreSQL.
pub(super) static SQL_POSTGRES: Format = Format {
    name: "sql-postgres",
    destinations: &[],
    fill: |skeleton, values| fill(Dialect::Postgres, skeleton, values),
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dialect {
    MariaDb,
    Postgres,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Context {
    Value {
        /// An operator touches it, which a minus sign would join.
        operator: bool,
        /// It stands in a list already.
        listed: bool,
        /// The grammar takes `'…'` and no other spelling of a text.
        plain: bool,
    },
    Quoted {
        by: char,
        /// Backslashes escape under every setting: `E'…'`.
        escapes: bool,
    },
    Name {
        by: char,
        /// Bytes (PostgreSQL) or characters (MariaDB) that are left for it.
        room: usize,
    },
    Comment {
        block: bool,
        /// It may stand between two characters that would open or close a comment together.
        parts: bool,
    },
}

fn fill(dialect: Dialect, skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(
        skeleton,
        values,
        |skeleton| lex::lex(dialect, skeleton),
        |context, value| encode::encode(dialect, *context, value),
    )
}

#[cfg(test)]
mod tests;
