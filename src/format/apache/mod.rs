//! Apache httpd's configuration, `.htaccess` too.
//!
//! httpd first joins lines that end in a backslash (comments too), then replaces `${NAME}`
//! in the line as text, then cuts it into words. None of the first two has an escape, and a
//! quote that `${NAME}` brings along ends the quotes around it (measured); so what `Define`
//! takes has to be plain everywhere. Beyond the words each directive has its own syntax. castoff
//! knows those below; to the others it gives only characters that mean themselves in all.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | text, whole | the value of `SetEnv`, and the path of `DocumentRoot`, bare | bare where plain, else `"…"` with `\` before `"` and `\`; `On`, `Off` | `${`, line feed, NUL; none, lists, maps | ap_getword_conf; read back |
//! | text in quotes | the same, inside `"…"` or `'…'` | `\` before the quote and `\` | the same | read back |
//! | text, part | the same, beside other text | `\` before `\` | the same; blanks, `\` at the end, a quote or nothing at the start of the word | read back |
//! | header | the value of `Header` and `RequestHeader` `set`, `setifempty`, `append`, `add`, `merge` | `%%`, `\\`; then as text | the same; control characters, blanks at an end, `expr=` at the start | mod_headers; read back |
//! | message | the text of `ErrorDocument`, the name of `AuthName` | as it is where plain, else as text | the same; `%`, `$`, `\`, control characters, which httpd's expressions read or stop at; what begins as an address, a path or a quote and isn't plain, which `ErrorDocument` takes for another thing | read back |
//! | plain | an argument of any other directive or section | as it is; `On`, `Off`; for `ServerAlias`, `DirectoryIndex`, `Require` a list as several words | all but letters, digits and `_ . / : @ , + -`; nothing where the word would vanish | – |
//! | comment | `#` at the start of a line | as it is | line feed, carriage return, NUL, `\` at the end, and nothing behind a `\` | read back: it continues a comment |
//! | any line | | | more than 8,000 bytes in all | measured: 8,190 in `.htaccess` |
//! | names of directives, what `Header` and `Require` begin with; expressions, regular expressions (`<If>`, `RewriteRule`, `SetEnvIf`, `…Match`, `~`, `Header edit`); `<Macro>`, `<Perl>`; behind `$`, `%`, `\` or in `${…}`, `%{…}`; quotes that aren't closed | | – | all | – |

mod encode;
mod lex;
mod words;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton};

/// Apache httpd.
pub(super) static APACHE: Format = Format {
    name: "apache",
    destinations: &[
        ".htaccess",
        "apache2.conf",
        "httpd.conf",
        "apache2/ports.conf",
        "apache2/conf.d/*.conf",
        "apache2/conf/extra/*.conf",
        "apache2/conf-*/*.conf",
        "apache2/mods-*/*.conf",
        "apache2/sites-*/*.conf",
        "httpd/conf.d/*.conf",
    ],
    fill,
};

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Context {
    Comment {
        /// Without it the comment could end with a backslash.
        shields: bool,
    },
    Argument(Place),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    kind: Kind,
    shape: Shape,
    /// Nothing but values before it in the word.
    start: bool,
    /// A `$` at its end could meet a `{`.
    before_brace: bool,
}

/// What the directive makes of the argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// It keeps the text.
    Text,
    /// It keeps the text as a path.
    Path,
    /// It reads a header's format, with escapes of its own.
    Header,
    /// An expression of text, shown to people.
    Message,
    /// It isn't known.
    Plain,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// The hole is the whole word. `list`: there may be several.
    Whole { list: bool },
    /// A part of a bare word.
    Part,
    /// Inside these quotes.
    Quoted(char),
}

/// In `.htaccess` httpd reads no line of more than 8,190 bytes, continued ones as one (measured).
const LONGEST: usize = 8_000;

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    let mut values = values.iter();
    let mut fillings = Vec::with_capacity(skeleton.holes());
    for line in lex::lex(skeleton) {
        let contexts = line.holes.into_iter().zip(values.by_ref());
        let mut filled: Vec<Filling> = contexts
            .map(|(context, value)| context.and_then(|context| encode::encode(&context, value)))
            .collect();
        let values: usize = filled.iter().flatten().map(String::len).sum();
        if line.bytes + values > LONGEST {
            for filling in filled.iter_mut().filter(|filling| filling.is_ok()) {
                *filling = Err(Refusal::value(
                    "a line for apache",
                    "httpd reads no line of more than 8 kB in a .htaccess file",
                    "choose a shorter value",
                ));
            }
        }
        fillings.append(&mut filled);
    }
    fillings
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::{APACHE, Literal};

    #[test]
    fn text_is_quoted_where_it_must_be() {
        check(
            &APACHE,
            &[
                ("SetEnv A @", text("b"), File("SetEnv A b")),
                ("setenv A @\n", text("b c\"\\%'#"), File("setenv A \"b c\\\"\\\\%'#\"\n")),
                ("SetEnv A @", text(""), File("SetEnv A \"\"")),
                ("SetEnv A \\\n  @\n", text("b\\"), File("SetEnv A \\\n  \"b\\\\\"\n")),
                ("SetEnv A \"x @ y\"\r\n", text("\"'\\"), File("SetEnv A \"x \\\"'\\\\ y\"\r\n")),
                ("SetEnv A 'x@'", text("\"'\r"), File("SetEnv A 'x\"\\'\r'")),
                ("SetEnv A x@y", text("\\\"#"), File("SetEnv A x\\\\\"#y")),
                ("SetEnv A @y", text("\"b"), BadValue),
                ("SetEnv A @y", text(""), BadValue),
                ("SetEnv A x@", text("a b"), BadValue),
                ("SetEnv A x@", text("a\\"), BadValue),
                ("SetEnv A @", text("${x"), BadValue),
                ("SetEnv A @", text("$x"), File("SetEnv A \"$x\"")),
                ("SetEnv A \"@{b}\"", text("$"), BadValue),
                ("SetEnv A \"@@\"", text("a$"), BadValue),
                ("SetEnv A @", text("a\nb"), BadValue),
                ("SetEnv A @", Literal::Text("x".repeat(8000)), BadValue),
                ("SetEnv A @", text("a\0b"), BadValue),
                ("SetEnv A @", Literal::Int(5), File("SetEnv A 5")),
                ("SetEnv A @", Literal::Bool(true), File("SetEnv A On")),
                ("SetEnv A \"@\"", Literal::Bool(true), File("SetEnv A \"true\"")),
                ("SetEnv A @", Literal::None, BadValue),
                ("SetEnv A @", Literal::List(vec![text("b")]), BadValue),
                ("SetEnv A ${B}@", text("c d"), BadValue),
                ("SetEnv A \"${B}@\"", text("c d"), File("SetEnv A \"${B}c d\"")),
            ],
        );
    }

    #[test]
    fn headers_have_escapes_of_their_own() {
        check(
            &APACHE,
            &[
                ("Header set A @", text("50% \\n"), File("Header set A \"50%% \\\\\\\\n\"")),
                ("Header always set A \"x @;\"", text("\"%"), File("Header always set A \"x \\\"%%;\"")),
                ("RequestHeader append A @", text("b"), File("RequestHeader append A b")),
                ("Header set A @", text("Expr=x"), BadValue),
                ("Header set A \"@pr=x\"", text("ex"), BadValue),
                ("Header set A @", text("a "), BadValue),
                ("Header set A @", text("a\rb"), BadValue),
                ("Header set @ x", text("b c"), BadValue),
                ("Header set A %@", text("b"), BadTemplate),
                ("Header set A \"%{@}e\"", text("b"), BadTemplate),
                ("Header set A \"expr=@\"", text("b"), BadTemplate),
                ("Header edit A b @", text("c"), BadTemplate),
            ],
        );
    }

    #[test]
    fn texts_for_people_are_no_expressions() {
        check(
            &APACHE,
            &[
                ("AuthName @", text("a b"), File("AuthName \"a b\"")),
                ("AuthName \"@\"", text("50%"), BadValue),
                ("AuthName \"@\"", text("a\\b c"), BadValue),
                ("ErrorDocument 404 @", text("/404.html"), File("ErrorDocument 404 /404.html")),
                ("ErrorDocument 404 @", text("not found: x"), File("ErrorDocument 404 \"not found: x\"")),
                ("ErrorDocument 404 @", text("/a b"), BadValue),
                // Measured: everything with a scheme, known or not, is where the client is sent.
                ("ErrorDocument 404 @", text("EOT:\u{149}hello-"), BadValue),
                ("ErrorDocument 404 \"@\"", text("\"a b"), BadValue),
                ("ErrorDocument 404 \"http://@/\"", text("a b"), BadValue),
                ("ErrorDocument 404 \"http://@/\"", text("a.b"), File("ErrorDocument 404 \"http://a.b/\"")),
            ],
        );
    }

    #[test]
    fn other_directives_take_what_is_plain() {
        check(
            &APACHE,
            &[
                ("Listen @", Literal::Int(80), File("Listen 80")),
                ("ServerName @:443", text("a.b"), File("ServerName a.b:443")),
                ("DocumentRoot \"/srv/@\"", text("x"), File("DocumentRoot \"/srv/x\"")),
                ("DocumentRoot @", text("/a b"), File("DocumentRoot \"/a b\"")),
                ("DocumentRoot @", text(""), BadValue),
                ("ErrorLog @", text("|/bin/sh"), BadValue),
                ("Define A @", text("a\"b"), BadValue),
                ("KeepAlive @", Literal::Bool(false), File("KeepAlive Off")),
                ("Listen @", text(""), BadValue),
                ("<VirtualHost *:@>\n", Literal::Int(80), File("<VirtualHost *:80>\n")),
                ("<VirtualHost @>\n</VirtualHost>", text("a>"), BadValue),
                ("<Directory \"/srv/@\">", text("x"), File("<Directory \"/srv/x\">")),
                ("<Directory @>", text("*"), BadValue),
                ("ServerAlias @", Literal::List(vec![text("a.b"), text("c.d")]), File("ServerAlias a.b c.d")),
                ("ServerAlias @", Literal::List(vec![text("a b")]), BadValue),
                ("ServerAlias @", Literal::List(vec![]), BadValue),
                ("Require ip @", text("10.0.0.1"), File("Require ip 10.0.0.1")),
            ],
        );
    }

    #[test]
    fn comments_keep_their_line() {
        check(
            &APACHE,
            &[
                (" # @\nA b", text("<c> \\d\""), File(" # <c> \\d\"\nA b")),
                ("# a \\\n @\n", text("b"), File("# a \\\n b\n")),
                ("# @", text("a\\"), BadValue),
                ("# \\@\nListen 80", text(""), BadValue),
                ("# \\@@", text(""), BadValue),
                ("# \\@a", text("b"), File("# \\ba")),
                ("# @", text("a\nb"), BadValue),
                ("# @", text("a\r"), BadValue),
                ("Listen 80 # @", text("a b"), BadValue),
            ],
        );
    }

    #[test]
    fn places_where_no_value_can_stand() {
        for template in [
            "@",
            "@ on",
            "<@ x>",
            "<VirtualHost@>",
            "<VirtualHost @",
            "</@>",
            "SetEnv@ x",
            "SetEnv A \"@",
            "SetEnv A \"@\"b",
            "SetEnv A \"x\"@",
            "SetEnv A \\@",
            "SetEnv A \"x\\@\"",
            "SetEnv A \\\\\\@",
            "SetEnv A \\\\@",
            "SetEnv A $$@",
            "SetEnv A ${@}",
            "SetEnv A \"${B @}\"",
            "SetEnv A \"%{B@}\"",
            "<If \"%{HTTP_HOST} == '@'\">",
            "<ElseIf @>",
            "<LocationMatch ^/@>",
            "<Directory ~ @>",
            "RewriteRule ^@ /",
            "RewriteRule \\\n ^ /@",
            "rewritecond %{HTTP_HOST} @",
            "SetEnvIf Host @ a",
            "Require expr @",
            "Require not expr @",
            "RedirectMatch ^/@ /",
            "RewriteRule\x0b^@ /",
            "\"RewriteRule\" ^@ /",
            "${RULE} ^@ /",
            "Require @",
            "Require not @",
            "Header @ A b",
            "Header always @ A b",
            "<Macro m>\nSetEnv A @\n</Macro>",
            "<Perl>\n$a = @;\n</Perl>",
        ] {
            check(&APACHE, &[(template, text("v"), BadTemplate)]);
        }
        check(
            &APACHE,
            &[("<Macro m>\n</Macro>\nSetEnv A @", text("v"), File("<Macro m>\n</Macro>\nSetEnv A v"))],
        );
    }
}
