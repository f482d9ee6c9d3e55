//! What the two SQL formats promise, as tables.

use super::super::literal::Literal;
use super::super::table::Expect::{BadTemplate, BadValue, File};
use super::super::table::{check, text};
use super::{SQL_MARIADB, SQL_POSTGRES};

#[test]
fn values_for_mariadb() {
    check(
        &SQL_MARIADB,
        &[
            ("SELECT @;", text("it's"), File("SELECT 'it''s';")),
            ("SELECT @;", text(""), File("SELECT '';")),
            ("SELECT @;", text("a\\"), File("SELECT _utf8mb4 X'615C';")),
            ("SELECT @;", text("\0\n"), File("SELECT _utf8mb4 X'000A';")),
            ("SELECT 'a@b';", text("'\""), File("SELECT 'a''\"b';")),
            ("SELECT \"a@b\";", text("'\""), File("SELECT \"a'\"\"b\";")),
            ("SELECT '@';", text("\\"), BadValue),
            ("SELECT '@';", text("\n"), BadValue),
            ("SELECT 'a\\\\@';", text("b"), File("SELECT 'a\\\\b';")),
            ("SELECT `a@`;", text("`"), File("SELECT `a```;")),
            ("SELECT `@`;", text(""), BadValue),
            ("SELECT `@`;", text("\u{1f600}"), BadValue),
            (
                "SELECT `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@`;",
                text("bcd"),
                BadValue,
            ),
            ("CREATE USER @ IDENTIFIED BY 'x';", text("a\\"), BadValue),
            ("SET PASSWORD FOR u = @;", text("a'\\"), BadValue),
            ("SET x = 1; SET @;", text("a\\"), File("SET x = 1; SET _utf8mb4 X'615C';")),
            ("-- @\nSELECT 1", text("it's"), File("-- it's\nSELECT 1")),
            ("# @\n", text("a\nb"), BadValue),
            ("/* @ */", text("it's"), File("/* it's */")),
            ("/* @ */", text("a*/b"), BadValue),
            ("/* @ */", text("*"), BadValue),
            ("DELIMITER //\nSELECT @//", text("a"), File("DELIMITER //\nSELECT 'a'//")),
        ],
    );
}

#[test]
fn values_for_postgres() {
    check(
        &SQL_POSTGRES,
        &[
            ("SELECT @;", text("it's"), File("SELECT 'it''s';")),
            ("SELECT @;", text("a\\'\n\x01"), File("SELECT E'a\\\\''\\n\\x01';")),
            ("SELECT @;", text("\0"), BadValue),
            ("SELECT '@';", text("a\nb"), File("SELECT 'a\nb';")),
            ("SELECT '@';", text("\\"), BadValue),
            ("SELECT E'@';", text("\\'"), File("SELECT E'\\\\''';")),
            ("SELECT E'a'\n'@';", text("\\"), File("SELECT E'a'\n'\\\\';")),
            ("SELECT E'\\'@';", text("\\"), File("SELECT E'\\'\\\\';")),
            ("SELECT \"a@\";", text("\"\\"), File("SELECT \"a\"\"\\\";")),
            (
                "SELECT \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@\";",
                text("é"),
                BadValue,
            ),
            ("SELECT @::int;", text("5"), File("SELECT '5'::int;")),
            ("--@\nSELECT 1", text(" x"), File("-- x\nSELECT 1")),
            ("/* /* */ @ */", text("it's"), File("/* /* */ it's */")),
            ("/* @ */", text("a\nb"), File("/* a\nb */")),
            ("/* *@/ */", text(""), BadValue),
            ("/* /@*/", text(""), BadValue),
            ("/* /@@*/", text(""), BadValue),
            ("/* /@ */", text(""), File("/* / */")),
            ("CREATE ROLE u PASSWORD @;", text("\\"), File("CREATE ROLE u PASSWORD E'\\\\';")),
            ("DO $$ ' $$; SELECT @;", text("a"), File("DO $$ ' $$; SELECT 'a';")),
            ("SELECT $1, @;", text("a"), File("SELECT $1, 'a';")),
        ],
    );
}

#[test]
fn places_where_no_value_can_stand() {
    let both = [
        "SELECT wp_@;",
        "SELECT @_x;",
        "SELECT @@;",
        "SELECT 'a'@;",
        "SELECT 'a' @;",
        "SELECT @ 'a';",
        "SELECT @\n@;",
        "SELECT @\n-- c\n'a';",
        "SELECT '@;",
        "SELECT '\\@';",
        "SELECT 'a\\'@';",
        "SELECT 'a\\' @;",
        "SELECT X'@';",
        "\\x @\n",
        "/*@*/",
        "/*+ @ */",
        "/* @",
        "SELECT a.@;",
    ];
    for template in both {
        check(&SQL_MARIADB, &[(template, text("a"), BadTemplate)]);
        check(&SQL_POSTGRES, &[(template, text("a"), BadTemplate)]);
    }
    for template in [
        "/*!50000 @ */",
        "/*M!50000 '@' */",
        "/*M@ */",
        "DELIMITER @\n",
        "system @\n",
        "--@\n",
        "EXECUTE IMMEDIATE 'SELECT @';",
        "EXECUTE IMMEDIATE @;",
        "PREPARE s FROM 'SELECT @';",
        "SELECT _latin1'@';",
        "/* /* */ @ */",
    ] {
        check(&SQL_MARIADB, &[(template, text("a"), BadTemplate)]);
    }
    for template in [
        "SELECT $$@$$;",
        "DO $x$ '@' $x$;",
        "DO '@';",
        "DO @;",
        "DO LANGUAGE plpgsql '@';",
        "CREATE FUNCTION f() RETURNS int AS '@';",
        "SELECT U&'@';",
        "SELECT U&@;",
        "SELECT U&\"@\";",
        "SELECT :'@';",
        "SELECT :@;",
        "SELECT E'\\x4@';",
        "SELECT E'\\@';",
        "COPY t FROM STDIN;\n@\n",
    ] {
        check(&SQL_POSTGRES, &[(template, text("a"), BadTemplate)]);
    }
}

#[test]
fn other_types() {
    let list = Literal::List(vec![text("a'"), Literal::Int(-1), Literal::None]);
    for format in [&SQL_MARIADB, &SQL_POSTGRES] {
        check(
            format,
            &[
                ("x = @", Literal::Int(-5), File("x = -5")),
                ("x -@", Literal::Int(-5), File("x - -5")),
                ("x -@", Literal::Int(5), File("x -5")),
                ("x = @", Literal::Float(0.5), File("x = 0.5")),
                ("x = @", Literal::Bool(true), File("x = TRUE")),
                ("x = @", Literal::None, File("x = NULL")),
                ("x IN @", list.clone(), File("x IN ('a''', -1, NULL)")),
                ("x IN (@)", list.clone(), File("x IN ('a''', -1, NULL)")),
                ("x IN @", Literal::List(vec![]), BadValue),
                ("x IN @", Literal::List(vec![list.clone()]), BadValue),
                ("x = @", Literal::Map(vec![]), BadValue),
                ("x = '@'", Literal::Int(5), File("x = '5'")),
                ("x = '@'", Literal::None, BadValue),
            ],
        );
    }
}
