//! What the format promises, as tables.

use super::super::literal::Literal;
use super::super::table::Expect::{BadTemplate, BadValue, File};
use super::super::table::{check, text};
use super::SUPERVISORD;

#[test]
fn values_by_context() {
    check(
        &SUPERVISORD,
        &[
            ("[program:a]\ndirectory=@\n", text("a b%\"';#"), File("[program:a]\ndirectory=a b%%\"';#\n")),
            ("[program:a]\ndirectory = @ ; c\n", text("a b"), File("[program:a]\ndirectory = a b ; c\n")),
            ("[program:a]\ndirectory = @ ; c\n", text("a;b"), BadValue),
            ("[program:a]\ndirectory=@\n", text("a ;b"), BadValue),
            ("[program:a]\ndirectory=@\n", text(" a"), BadValue),
            ("[program:a]\ndirectory=@\n", text("a\u{a0}"), BadValue),
            ("[program:a]\ndirectory=@\n", text("a\nb"), BadValue),
            ("[program:a]\ndirectory=@\n", text("%(here)s"), BadValue),
            ("[program:a]\ndirectory=@(\n", text("%"), BadValue),
            ("[program:a]\ndirectory= @\n", text("#a"), BadValue),
            ("[program:a]\ndirectory=/@/x\n", text("#a "), File("[program:a]\ndirectory=/#a /x\n")),
            ("[program:a]\nstdout_logfile=@\n", text("a%b"), File("[program:a]\nstdout_logfile=a%%%%b\n")),
            ("[supervisord]\nlogfile=@\n", text("a%b"), File("[supervisord]\nlogfile=a%%b\n")),
            (
                "[program:a]\nenvironment=A=@\n",
                text("a b%,"),
                File("[program:a]\nenvironment=A=\"a b%%,\"\n"),
            ),
            ("[program:a]\nenvironment=A=@,B=\"x\"\n", text("\"a"), BadValue),
            ("[program:a]\nenvironment=A=@\n", text("x\"a b"), File("[program:a]\nenvironment=A='x\"a b'\n")),
            ("[program:a]\nenvironment=A=@\n", text("x\"a'b"), BadValue),
            ("[program:a]\nenvironment=A=@\n", text(" a "), File("[program:a]\nenvironment=A=\" a \"\n")),
            ("[program:a]\nenvironment=A=@\n", text("#a"), File("[program:a]\nenvironment=A=\"#a\"\n")),
            (
                "[program:a]\nenvironment=\n A=\"x@y\",\n",
                text("'a%'"),
                File("[program:a]\nenvironment=\n A=\"x'a%%'y\",\n"),
            ),
            ("[program:a]\nenvironment=A=\"@\"\n", text("a'"), BadValue),
            ("[program:a]\nenvironment=A=\"x@y\"\n", text("a\"b"), BadValue),
            ("[program:a]\nenvironment=A=\"a'@\"\n", text(""), BadValue),
            ("[program:a]\nenvironment=A=\"@\"\n", text(""), File("[program:a]\nenvironment=A=\"\"\n")),
            ("[supervisord]\nenvironment=A=@\n", text("%"), File("[supervisord]\nenvironment=A=\"%%%%\"\n")),
            ("[program:a]\ncommand=/bin/x @\n", text("/a-b"), File("[program:a]\ncommand=/bin/x /a-b\n")),
            ("[program:a]\ncommand=/bin/x @\n", text("a b"), BadValue),
            ("[program:a]\ncommand=/bin/x \"@\"\n", text("a\"b"), BadValue),
            ("[program:a]\nuser=b @\n", text(""), BadValue),
            ("[program:a]\nuser=@\n", text(""), File("[program:a]\nuser=\n")),
            ("[include]\nfiles=@\n", text("*.conf"), BadValue),
            ("[unix_http_server]\npassword=@\n", text("{SHA}x"), BadValue),
            ("; @\n", text("a ;b"), File("; a ;b\n")),
            ("; @\n", text("a b"), File("; a b\n")),
            ("[program:a]\nuser=b ;@\n", text("c#"), BadValue),
            ("[program:a]\nuser=b ;@\n", text("c"), File("[program:a]\nuser=b ;c\n")),
        ],
    );
}

#[test]
fn places_where_no_value_can_stand() {
    for template in [
        "[program:@]\n",
        "[program:a]\n@=b\n",
        "[program:a]\n@\n",
        "user=@\n",
        "[DEFAULT]\nuser=@\n",
        "[rpcinterface:x]\nuser=@\n",
        "[program:@]\nuser=@\n",
        "[program:a]\nuser=%@\n",
        "[program:a]\nuser=%(ENV_@)s\n",
        "[program:a]\nuser=@;\n",
        "[program:a]\nenvironment=@\n",
        "[program:a]\nenvironment=@=\"a\"\n",
        "[program:a]\nenvironment=A=b@\n",
        "[program:a]\nenvironment=A=\"b\"@\n",
        "[program:a]\nenvironment=A=\"b\n @\"\n",
        "[program:a]\nenvironment=A=@ B=c\n",
        "[program:a]\nenvironment=A=\"\n A=\"@\"\n",
    ] {
        check(&SUPERVISORD, &[(template, text("a"), BadTemplate)]);
    }
}

#[test]
fn other_types() {
    check(
        &SUPERVISORD,
        &[
            ("[program:a]\nnumprocs=@\n", Literal::Int(3), File("[program:a]\nnumprocs=3\n")),
            ("[program:a]\nautostart=@\n", Literal::Bool(true), File("[program:a]\nautostart=true\n")),
            ("[program:a]\nenvironment=A=@\n", Literal::Int(3), File("[program:a]\nenvironment=A=\"3\"\n")),
            ("[program:a]\nuser=@\n", Literal::None, BadValue),
            ("[program:a]\nexitcodes=@\n", Literal::List(vec![Literal::Int(0)]), BadValue),
            ("[program:a]\nuser=@\n", Literal::Map(vec![]), BadValue),
        ],
    );
}
