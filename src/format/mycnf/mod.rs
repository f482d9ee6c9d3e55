//! Option files of MariaDB and MySQL (`my.cnf`), as their programs read them.
//!
//! A line is an option, `=`, and a value to the end of the line or to a `#` outside quotes.
//! White space around the value goes, then one pair of quotes around all of it, then the
//! escapes are replaced, inside quotes and outside.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | the hole is all of it | text in `"…"` with `\` before `\` and `"`, line breaks as `\n`, `\r`; numbers bare; booleans `ON`, `OFF` | NUL; what makes the line longer than 4094 bytes; `none`, lists, maps | MariaDB manual: option files; measured |
//! | inside quotes | the value begins and ends with the template's own quotes of one kind | the same, with its own quote escaped | the same | measured |
//! | part | beside other text | `\` doubled, line breaks as `\n`, `\r`, a blank at an end as `\s`, `\t` | the same; `#`, quotes; at an end of the value vertical tab, form feed and the byte A0 (as in `à`: the reader takes it for a blank), empty beside blanks or quotes | measured |
//! | option | before the first `=` | as it is | all but letters, digits, `_`, `-` and `.`; empty | measured |
//! | group | `[…]` | as it is | the same | measured |
//! | file | `!include`, `!includedir` | as it is | all but letters, digits and `_ - . /`; empty | measured |
//! | comment | `#` or `;` at the start of a line, `#` behind a value | as it is | line breaks, NUL, too long | measured |
//! | after a `\`, behind `[…]`, in quotes that don't enclose the whole value, beside an option whose name has quotes | – | – | all | measured |

mod encode;
mod lex;

use super::registry::Format;
use super::skeleton::fill_with;

/// The configuration of MariaDB and MySQL.
pub(super) static MYCNF: Format = Format {
    name: "mycnf",
    destinations: &[
        "my.cnf",
        ".my.cnf",
        "my.cnf.d/*.cnf",
        "mysql/*.cnf",
        "mysql/*/*.cnf",
        "mariadb/*.cnf",
        "mariadb/*/*.cnf",
    ],
    fill: |skeleton, values| fill_with(skeleton, values, lex::lex, encode::encode),
};

/// The bytes of a line that the programs take, without its line feed.
const LINE: usize = 4094;

#[derive(Clone, Copy)]
struct Context {
    place: Place,
    /// How many bytes its line has left for it.
    room: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    Quoted(char),
    Part(Part),
    Option,
    File,
    Comment,
}

/// Where in a value a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part {
    /// No text of the template stands before it.
    first: bool,
    /// No text of the template stands behind it.
    last: bool,
    /// Without it, what stands beside it would be at an end of the value.
    shields: bool,
}

#[cfg(test)]
mod tests {
    use super::super::literal::Literal;
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::MYCNF;

    #[test]
    fn a_bare_hole_takes_a_whole_value() {
        check(
            &MYCNF,
            &[
                ("[mysqld]\na=@\n", text("x"), File("[mysqld]\na=\"x\"\n")),
                ("a = @ # c\r\n", text("it's # \"\\\n"), File("a = \"it's # \\\"\\\\\\n\" # c\r\n")),
                ("a=@", text(""), File("a=\"\"")),
                ("a=@", Literal::Int(-5), File("a=-5")),
                ("a=@", Literal::Bool(true), File("a=ON")),
                ("a=@", Literal::Bool(false), File("a=OFF")),
                ("a=@", Literal::None, BadValue),
                ("a=@", Literal::List(vec![]), BadValue),
                ("a=@", text("\0"), BadValue),
                (
                    "a=@",
                    text(&"x".repeat(4090)),
                    File(Box::leak(format!("a=\"{}\"", "x".repeat(4090)).into_boxed_str())),
                ),
                ("a=@", text(&"x".repeat(4091)), BadValue),
                ("# @\na=1", text(&"x".repeat(4093)), BadValue),
            ],
        );
    }

    #[test]
    fn quotes_and_parts_take_their_own_escapes() {
        check(
            &MYCNF,
            &[
                ("a=\"b @\" # @", text("\" # '\t"), File("a=\"b \\\" # '\t\" # \" # '\t")),
                ("a='b @'", text("it's \""), File("a='b it\\'s \"'")),
                ("a='b \\' @'", text("x"), File("a='b \\' x'")),
                ("a=/b/@.sock", text("c d\\"), File("a=/b/c d\\\\.sock")),
                ("a=@/b", text(" "), File("a=\\s/b")),
                ("a=b@", text("\t"), File("a=b\\t")),
                ("a=@b", text(" é "), File("a=\\sé b")),
                ("a=b@", text("à"), BadValue),
                ("a=@b", text("à"), File("a=àb")),
                ("a=b@", text("\x0c"), BadValue),
                ("a=b@", text("#"), BadValue),
                ("a=b@", text("'"), BadValue),
                ("a='b'@", text(""), BadValue),
                ("a=@ b", text(""), BadValue),
                ("a=b@", text(""), File("a=b")),
                ("a=b;@", text("x"), File("a=b;x")),
            ],
        );
    }

    #[test]
    fn names_take_names() {
        check(
            &MYCNF,
            &[
                ("[@]\n", text("mysqld"), File("[mysqld]\n")),
                ("[client-@] # @\n", text("a"), File("[client-a] # a\n")),
                ("[@]\n", text("a]\nb=c"), BadValue),
                ("@=1", text("max_connections"), File("max_connections=1")),
                ("skip-@", text("networking"), File("skip-networking")),
                ("@=1", text("a=b"), BadValue),
                ("@=1", text(""), BadValue),
                ("!include /etc/@.cnf\n", text("a/b"), File("!include /etc/a/b.cnf\n")),
                ("!includedir @", text("a b"), BadValue),
                (" ; @\n", text("a b"), File(" ; a b\n")),
                ("# @\n", text("a\nb=c"), BadValue),
            ],
        );
    }

    #[test]
    fn no_value_stands_where_the_lexer_is_not_sure() {
        for template in [
            "a\"=\"@'@'\" #",
            "a=\"\\@\"",
            "a=\\@",
            "[a @",
            "[a] @",
            "!@ b",
            "a='b @' c",
            "a='b' @ 'c'",
            "a=b'@",
            "=@",
        ] {
            check(&MYCNF, &[(template, text("v"), BadTemplate)]);
        }
    }
}
