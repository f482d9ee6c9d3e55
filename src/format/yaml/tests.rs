//! Tables of promises: a template, a value, what comes out.

use super::super::literal::Literal;
use super::super::skeleton::Skeleton;
use super::super::table::Expect::{BadTemplate, BadValue, File};
use super::super::table::{check, text};
use super::YAML;

#[test]
fn a_bare_hole_takes_a_whole_literal() {
    let map =
        Literal::Map(vec![("a b".into(), Literal::Int(1)), ("c".into(), Literal::List(vec![text("d")]))]);
    check(
        &YAML,
        &[
            ("a: @", text("no"), File("a: \"no\"")),
            ("a: @ # c\n", text("\"\\\n\0é\u{2028}"), File("a: \"\\\"\\\\\\n\\x00é\\u2028\" # c\n")),
            ("a:\n  - @\r\n  - b: @\n", text("x"), File("a:\n  - \"x\"\r\n  - b: \"x\"\n")),
            ("a:\n- @\nb: @", Literal::Int(-1), File("a:\n- -1\nb: -1")),
            ("a:\n  @\nb: 1", Literal::Bool(true), File("a:\n  true\nb: 1")),
            ("@", Literal::None, File("null")),
            ("--- @\n...\n", text("x"), File("--- \"x\"\n...\n")),
            ("a: @", Literal::Float(1.0), File("a: 1.0")),
            ("a: @", Literal::Float(1e300), File("a: 1.0e+300")),
            ("a: @", Literal::Float(1.5e-9), File("a: 1.5e-9")),
            ("a: @", Literal::Float(f64::NEG_INFINITY), File("a: -.inf")),
            ("a: @", Literal::Int(1 << 63), BadValue),
            ("a: @", map, File("a: {\"a b\": 1, \"c\": [\"d\"]}")),
            ("a: [ @, 'b',\n @ ]", text("x"), File("a: [ \"x\", 'b',\n \"x\" ]")),
            ("a: {b: @, \"c\":@}\nd: @", text("x"), File("a: {b: \"x\", \"c\":\"x\"}\nd: \"x\"")),
            ("a: !!str @", text("1"), File("a: !!str \"1\"")),
            ("a: &b @\nc: *b\n", text("1"), File("a: &b \"1\"\nc: *b\n")),
            ("%YAML 1.2\n---\na: @", text("1"), File("%YAML 1.2\n---\na: \"1\"")),
        ],
    );
}

#[test]
fn keys_are_quoted() {
    check(
        &YAML,
        &[
            ("@: 1", text("no"), File("\"no\": 1")),
            ("- @ : 1\n  b: @", text("x"), File("- \"x\" : 1\n  b: \"x\"")),
            ("a: {@: 1, b: @}", text("x"), File("a: {\"x\": 1, b: \"x\"}")),
            ("@: 1", Literal::Int(1), BadValue),
            ("key-@: 1", text("x"), File("key-x: 1")),
            ("\"a @\": 1", text("\""), File("\"a \\\"\": 1")),
            ("'a @': 1", text("'"), File("'a ''': 1")),
        ],
    );
}

#[test]
fn a_key_never_grows_past_what_readers_take() {
    for template in ["@: 1", "'@': 1", "\"a@\": 1", "{@: 1}", "key-@: 1"] {
        check(&YAML, &[(template, text(&"a".repeat(1000)), BadValue)]);
    }
}

#[test]
fn parts_join_only_where_they_stay_text() {
    check(
        &YAML,
        &[
            ("a: http://@:@/x", text("b.c"), File("a: http://b.c:b.c/x")),
            ("a: @.example.org", text("b"), File("a: b.example.org")),
            ("a: [db-@, b]", text("1"), File("a: [db-1, b]")),
            ("a: x y @ # c", text("1"), File("a: x y 1 # c")),
            ("a: key @", text("#b"), BadValue),
            ("a: key:@", text(""), BadValue),
            ("a: key:@", text("b:"), BadValue),
            ("a: key @", text("b c"), BadValue),
            ("a: @/key", text("-"), BadValue),
            ("a: @:@", text("8080"), BadTemplate),
            ("a: 1@", text("2"), BadTemplate),
            ("a: n@", text("o"), BadTemplate),
            ("a: @@", text("a"), BadTemplate),
            ("-@ key", text("a"), BadTemplate),
            ("..@ ", text("."), BadTemplate),
        ],
    );
}

#[test]
fn quoted_scalars_take_their_own_escapes() {
    check(
        &YAML,
        &[
            ("a: \"b @\"", text(" c\t\" "), File("a: \"b \\x20c\\t\\\"\\x20\"")),
            ("a: \"@\"", Literal::Int(5), File("a: \"5\"")),
            ("a: \"@\"", Literal::List(vec![]), BadValue),
            ("a: \"b\n  @\n  c\"\nd: @", text("x"), File("a: \"b\n  x\n  c\"\nd: \"x\"")),
            ("a: \"b\n  @ c\"", text(""), BadValue),
            ("a: \"b\n@ c\"", text("x"), BadTemplate),
            ("a: \"\\@\"", text("x"), BadTemplate),
            ("a: \"\\x@1\"", text("x"), BadTemplate),
            ("a: 'it''s @'", text("'"), File("a: 'it''s '''")),
            ("a: '@'", text(" b "), File("a: ' b '")),
            ("a: '@'", text("b\nc"), BadValue),
            ("a: 'b @\n  c'", text("d "), BadValue),
            ("# @\n", text("a b"), File("# a b\n")),
            ("a: b # @\n", text("c\n"), BadValue),
            ("a: b # @\n", text("c\u{85}"), BadValue),
        ],
    );
}

#[test]
fn blocks_keep_their_indentation() {
    check(
        &YAML,
        &[
            ("a: |\n  @\nb: @", text("x"), File("a: |\n  x\nb: \"x\"")),
            ("a: |\n  @\n", text("x\n y\n\nz"), File("a: |\n  x\n   y\n  \n  z\n")),
            ("- a: |-\n    b\n    @ c\n", text("x\n"), File("- a: |-\n    b\n    x\n     c\n")),
            ("a: |\n  @\n", text("x\n"), BadValue),
            ("a: |\n  @\n", text(" x"), BadValue),
            ("a: |\n  @\n", text(""), BadValue),
            ("a: |2\n  @\n", text(" x"), File("a: |2\n   x\n")),
            ("a: |\n  b\n  @\n", text(" x"), File("a: |\n  b\n   x\n")),
            ("a: |\n  b@\n", text(""), File("a: |\n  b\n")),
            ("a: |\n  b@\n", text("\n"), BadValue),
            ("a: |\n  @\n", text("x\ry"), BadValue),
            ("a: >\n  @\n", text("x"), File("a: >\n  x\n")),
            ("a: >\n  @\n", text("x\ny"), BadValue),
            ("a: >\n  b\n  @\n", text(" x"), BadValue),
            ("a: |@\n  b\n", text("-"), BadTemplate),
        ],
    );
}

#[test]
fn no_value_stands_where_the_lexer_is_not_sure() {
    for template in [
        "a: b\n  @",
        "a: @\n  b",
        "a: &@ b",
        "a: *@",
        "a: !@ b",
        "%YAML @\n---\n",
        "? @\n: b",
        "? a\nb: @",
        "a: \"b\" @",
        "a: \"b\"@",
        "a: [b] @",
        "a: [b\n @]",
        "a: [\"b\" @]",
        "a: [@",
        "a: \"@",
        "a: b: @",
        "a: b\rc: @",
        "a: b\u{85}c: @",
        "a:\n\tb: @",
        "a: 1\n@\n",
        "a: 'b'\n  c: @",
        "a: - @",
        "a: `@`",
        "a: ! @",
        "--- |\n@",
        "  a: b\n|\n\n- @",
        "a: |\n    \n  @",
    ] {
        check(&YAML, &[(template, text("v"), BadTemplate)]);
    }
}

const PIECES: &[&str] = &[
    "@", "@", "a", "- ", "-", ": ", ":", "\n", "\n  ", "\nk: ", "\"", "'", "[", "]", "{", "}", ", ", " # ",
    "#", " ", "|\n  ", ">2\n", "? ", "! ", "!b ", "&c ", "*d", "\\", "\\x", "\n---\n", "%", "\t", "\r",
    "\r\n",
];

proptest::proptest! {
    #[test]
    fn every_hole_has_one_answer(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)) {
        let mut skeleton = Skeleton::default();
        for piece in pieces {
            match piece {
                "@" => skeleton.push_hole(),
                text => skeleton.push_text(text),
            }
        }
        let values = vec![text("v"); skeleton.holes()];
        proptest::prop_assert_eq!((YAML.fill)(&skeleton, &values).len(), values.len());
    }
}
