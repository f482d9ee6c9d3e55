//! nginx's configuration.
//!
//! | context | recognised by | encoding | refuses | source |
//! |---|---|---|---|---|
//! | a whole word | bare, nothing beside it | bare where plain, else `"…"` with `\` before `"` and `\`, and `\t` `\r` `\n`; `on`/`off`; a list as several words where a directive takes any number of them | `$`, NUL | ngx_conf_read_token; read back |
//! | part of a word | `/srv/{{ X }}`, `{{ X }}.example.org` | `\` before `"` `'` `\`; `\t` `\r` `\n` | the same; a space, `;`, `{`; `#` and `}` at the start of a word | measured: any other escape keeps its backslash |
//! | `"…"`, `'…'` | | `\` before the quote and `\`; `\t` `\r` `\n` | `$`, NUL | read back |
//! | comment | `#` at the start of a word | as it is | a line feed | scanner |
//! | any word | | | more than 4 kB in all (nginx's buffer); `~` at its start, which makes a regex of it (or behind values at its start, which may be empty) | measured |
//! | `location` | its first word | as above | at the start, all but a path | ngx_http_core_location |
//! | `if (… = {{ X }})` | after `=`, `!=`, `-f` … | as above | | ngx_http_rewrite_if |
//! | regex, code, a directive's name, right after a variable | | – | every value | – |
//!
//! Nearly every directive replaces variables and none has an escape for `$`, not even
//! `\$` (measured). `geo` takes its values literally, so there a `$` can stand.

mod encode;
mod lex;
mod words;

use std::collections::BTreeMap;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton};

/// nginx.
pub(super) static NGINX: Format = Format {
    name: "nginx",
    destinations: &[
        "nginx.conf",
        "nginx/conf.d/*.conf",
        "nginx/http.d/*.conf",
        "nginx/snippets/*.conf",
        "nginx/sites-*/*",
    ],
    fill,
};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    context: Context,
    /// Which word or comment, and how many bytes of the template are in it.
    word: usize,
    fixed: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Context {
    /// A word. `start`: nothing but values before it in the word.
    Word { shape: Shape, start: bool, rules: Rules },
    /// After `#`.
    Comment,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// The hole is the whole word.
    Whole,
    /// A part of a bare word.
    Part,
    /// Inside these quotes.
    Quoted(char),
}

/// What the directive adds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Rules {
    /// `$` begins no variable.
    dollar: bool,
    /// It takes any number of words that all mean the same.
    list: bool,
    /// At the start of the word only a path.
    path: bool,
}

/// nginx reads a word, with its quotes and what ends it, into a buffer of 4,096 bytes.
const LONGEST: usize = 4000;

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    let places = lex::lex(skeleton);
    let mut fillings: Vec<Filling> = places
        .iter()
        .zip(values)
        .map(|(place, value)| place.clone().and_then(|place| encode::encode(&place.context, value)))
        .collect();
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for (filling, place) in fillings.iter().zip(&places) {
        if let (Ok(text), Ok(place)) = (filling, place) {
            *lengths.entry(place.word).or_default() += text.len();
        }
    }
    for (filling, place) in fillings.iter_mut().zip(&places) {
        let Ok(place) = place else { continue };
        let total = place.fixed + lengths.get(&place.word).unwrap_or(&0);
        if total > LONGEST && filling.is_ok() {
            *filling = Err(Refusal::value(
                "an nginx word",
                "nginx reads no word of more than 4 kB",
                "choose a shorter value",
            ));
        }
    }
    fillings
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::{Literal, NGINX};

    #[test]
    fn a_whole_word_is_quoted_where_it_must_be() {
        check(
            &NGINX,
            &[
                ("root @;", text("/srv/www"), File("root /srv/www;")),
                ("root @;", text("a b;{}#"), File("root \"a b;{}#\";")),
                ("root @;", text("\"\\\n"), File("root \"\\\"\\\\\\n\";")),
                ("root @;", text(""), File("root \"\";")),
                ("a @{", text("{"), File("a \"{\"{")),
                ("gzip @;", Literal::Bool(true), File("gzip on;")),
                ("worker_processes @;", Literal::Int(4), File("worker_processes 4;")),
                ("root @;", text("a$b"), BadValue),
                ("root @;", text("a\0b"), BadValue),
                ("root @;", text("~x"), BadValue),
                ("root @;", Literal::None, BadValue),
                ("root @;", Literal::Text("x".repeat(5000)), BadValue),
                (
                    "server_name @;",
                    Literal::List(vec![text("a.b"), text("c d")]),
                    File("server_name a.b \"c d\";"),
                ),
                ("server_name @;", Literal::List(vec![]), BadValue),
                ("root @;", Literal::List(vec![text("x")]), BadValue),
            ],
        );
    }

    #[test]
    fn a_part_of_a_word_takes_what_has_an_escape() {
        check(
            &NGINX,
            &[
                ("root /srv/@;", text("x"), File("root /srv/x;")),
                ("server_name @.example.org;", text("a"), File("server_name a.example.org;")),
                ("root /srv/@$uri;", text("it's\t\\"), File("root /srv/it\\'s\\t\\\\$uri;")),
                ("root /srv/@;", text("a b"), BadValue),
                ("root /srv/@;", text("a;b"), BadValue),
                ("root /srv/@;", text("a{b"), BadValue),
                ("root /srv/@;", text("a}#b"), File("root /srv/a}#b;")),
                ("root @x;", text("#"), BadValue),
                ("root @x;", text("}"), BadValue),
                ("root @@;", text("x"), BadTemplate),
                ("root @\"x\";", text("x"), BadTemplate),
                ("root \"x\"@;", text("x"), BadTemplate),
                ("root \\@;", text("x"), BadTemplate),
                ("root $@;", text("x"), BadTemplate),
                ("root $uri@;", text("x"), BadTemplate),
                ("root ${uri}@;", text("x"), File("root ${uri}x;")),
                ("root ${@};", text("x"), BadTemplate),
            ],
        );
    }

    #[test]
    fn quotes_and_comments_keep_their_end() {
        check(
            &NGINX,
            &[
                ("root \"a @\";", text("\"';{"), File("root \"a \\\"';{\";")),
                ("root 'a @';", text("\"'"), File("root 'a \"\\'';")),
                ("root \"@\";", text("$x"), BadValue),
                ("root \"$x@\";", text("y"), BadTemplate),
                ("# @\n", text("a; \"$b"), File("# a; \"$b\n")),
                ("# @\n", text("a\nb"), BadValue),
            ],
        );
    }

    #[test]
    fn what_is_no_word_takes_no_value() {
        for template in [
            "@ x;",
            "\"@\" x;",
            "map $a $b { @ x; }",
            "location ~ @ {}",
            "location ~* ^/@/ {}",
            "location = /x { rewrite ^/@ /y; }",
            "server_name ~^@$;",
            "if ($a ~ @) {}",
            "if (@) {}",
            "location ^~@ {}",
            "if (-f @@) {}",
            "if ($a @= @) {}",
            // an empty value would leave a regex
            "server_name @~^x@;",
            "server_name \"@~x\";",
            "server_name @@~x;",
            "fastcgi_split_path_info @;",
            "content_by_lua 'ngx.say(\"@\")';",
            "content_by_lua_block { ngx.say(\"@\") }",
            "content_by_lua_block { ngx.say(\"}\") } root @;",
        ] {
            check(&NGINX, &[(template, text("x"), BadTemplate)]);
        }
    }

    #[test]
    fn directives_add_their_own_rules() {
        check(
            &NGINX,
            &[
                ("geo $x { default @; }", text("a$b"), File("geo $x { default \"a$b\"; }")),
                ("location @ {}", text("/x"), File("location /x {}")),
                ("location @ {}", text("=/x"), BadValue),
                ("location @ {}", text("@x"), BadValue),
                ("location = /@ {}", text("x"), File("location = /x {}")),
                ("if ($a = @) {}", text("a b"), File("if ($a = \"a b\") {}")),
                ("if (-f @) {}", text("/x"), File("if (-f /x) {}")),
            ],
        );
    }
}
