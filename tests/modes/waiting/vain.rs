//! What doesn't come in time ends the start with 75, and says what came in its place.

use super::fake::{
    GREETING, STARTING, Script, TOO_MANY, address, closes, drips, endless, host_port, says, serve, silent,
};
use super::{case, not_yet};
use crate::modes::case::Case;
use crate::modes::golden::assert_golden;

#[test]
fn nobody_there() {
    let at = address();
    let case = case(&format!(
        "[env.DB]\ndefault = \"{at}\"\n[[wait]]\nmariadb = \"{{{{ DB }}}}\"\ntimeout = \"2s\"\n\
         message = \"the site's data are in this database\"\n"
    ));
    let said = case.run(&[]);
    assert_eq!((said.code, said.out.as_str()), (75, ""));
    // how many attempts there were depends on the machine
    let count = |text: &str| {
        let (before, rest) = text.split_once("the last of ").unwrap();
        format!("{before}the last of N answers{}", rest.split_once(" answers").unwrap().1)
    };
    assert_golden("wait-in-vain", &count(&said.text()).replace(&at.to_string(), "127.1.2.3"));
}

#[test]
fn each_wrong_server_is_told_apart() {
    let table: [(&str, Script, &str); 18] = [
        ("mysql", |stream| silent(stream), "connected, no answer yet"),
        ("postgres", |stream| silent(stream), "connected, no answer yet"),
        ("redis", |stream| silent(stream), "connected, no answer yet"),
        ("http", |stream| silent(stream), "connected, no answer yet"),
        ("mysql", closes, "closed the connection without an answer"),
        ("http", |stream| says(stream, b"HTTP/1.1 503 No\r\n\r\n"), "it says: status 503"),
        ("mysql", |stream| says(stream, TOO_MANY), "it says: Too many connections (error 1040)"),
        ("postgres", |stream| says(stream, STARTING), "it says: the database system is starting up"),
        ("redis", |stream| says(stream, b"-LOADING a\x1b[31mb\r\n"), "it says: LOADING a[31mb"),
        ("mysql", |stream| says(stream, b"SSH-2.0-x\r\n"), "is no greeting of MySQL"),
        ("postgres", |stream| says(stream, b"SSH-2.0-x\r\n"), "is no answer of PostgreSQL"),
        ("redis", |stream| says(stream, b"SSH-2.0-x\r\n"), "is no answer of redis"),
        ("http", |stream| says(stream, GREETING), "is no answer of HTTP"),
        ("mysql", |stream| endless(stream, b"\0\x01"), "is no greeting of MySQL"),
        ("postgres", |stream| endless(stream, b"E\0\0"), "is no answer of PostgreSQL"),
        ("redis", |stream| endless(stream, b"+"), "is no answer of redis"),
        ("http", |stream| endless(stream, b"HTTP/1.1 100 C\r\n\r\n"), "is no answer of HTTP"),
        ("http", |stream| drips(stream, b"HTTP/1.1 100 C\r\nA: b\r\n\r\n"), "connected, no answer yet"),
    ];
    let each = |(key, script, expected): (&str, Script, &str)| {
        let at = host_port();
        serve(&at, script);
        let value = if key == "http" { format!("http://{at}/") } else { at.clone() };
        let told = not_yet(&format!("{key} = \"{value}\""), expected);
        assert!(told.contains(&at) && !told.contains('\x1b') && told.len() < 500, "{told}");
    };
    std::thread::scope(|scope| table.into_iter().for_each(|row| drop(scope.spawn(move || each(row)))));
}

#[test]
fn a_status_that_is_wanted_is_the_one_that_counts() {
    let at = host_port();
    serve(&at, |stream| says(stream, b"HTTP/1.1 404 Not Found\r\n\r\n"));
    for status in ["404", "\"404\"", "\"200-499\""] {
        case(&format!("[[wait]]\nhttp = \"http://{at}\"\nstatus = {status}\n")).run(&[]).code(0);
    }
    not_yet(&format!("http = \"http://{at}\"\nstatus = \"200-403\""), "it says: status 404");
}

#[test]
fn a_server_that_is_ready_can_t_hold_the_start_up_afterwards() {
    // it greets, and never answers the login by which castoff takes its leave
    let at = host_port();
    serve(&at, |stream| says(stream, GREETING));
    let said = case(&format!("[[wait]]\nmysql = \"{at}\"\n")).run(&[]);
    assert_eq!(said.code(0).out, "service\n");
}

#[test]
fn a_command_that_fails_or_never_ends() {
    let case = |command: &str| case(&format!("[[wait]]\ncommand = {command}\ntimeout = \"2s\"\n"));
    case("[\"sh\", \"-c\", \"echo first; echo last >&2; exit 3\"]")
        .run(&[])
        .code(75)
        .says(&["it ended with status 3: last", "castoff.toml:3:11"]);
    case("[\"sleep\", \"1000\"]")
        .run(&[])
        .code(75)
        .says(&["did not end", "running it, it has not ended yet"]);
    // no other attempt would help
    case("[\"no-such-program\"]").run(&[]).code(65).says(&["can't run `no-such-program`"]);
}

#[test]
fn files_are_in_their_places_before_anything_is_waited_for() {
    let case = case(
        "[[template]]\nsource = \"t\"\ndest = \"/etc/t\"\nformat = \"plain\"\noverwrite = \"unless-edited\"\n\
         [[wait]]\nfile = \"/nonexistent/x\"\ntimeout = \"100ms\"\n",
    )
    .file("t", "x\n");
    case.run(&[]).code(75).says(&["wrote /etc/t", "/nonexistent/x (file) was not ready within 100ms"]);
    assert_eq!(case.read("root/etc/t"), "x\n");
    // and what was written is remembered
    case.write("t", "y\n");
    case.run(&[]).code(75).says(&["wrote /etc/t"]);
}

#[test]
fn nothing_that_is_said_holds_a_secret() {
    let case = Case::new(
        "[env.DSN]\nsecret = true\n[env.PASS]\nsecret = true\nexport = true\n\
         [[wait]]\nredis = \"{{ DSN | host }}:1\"\ntimeout = \"300ms\"\nwhen = \"PASS == 'x'\"\n\
         [[wait]]\ncommand = [\"sh\", \"-c\", \"echo no login with $PASS; exit 1\"]\ntimeout = \"2s\"\n\
         [service.a]\ncommand = [\"true\"]\n",
    );
    for (pass, expected) in
        [("x", "{{ DSN | host }}:1 (redis) was not ready"), ("canary", "it ended with status 1: [hidden")]
    {
        let case = Case::new("").file("castoff.toml", case.read("castoff.toml"));
        let case = case.variable("DSN", "canary.invalid:1").variable("PASS", pass);
        for options in [&["--log-level", "trace"][..], &["--log-format", "json"]] {
            let said = case.run(options);
            assert!(!said.code(75).err.contains("canary"), "{}", said.err);
            said.says(&[expected]);
        }
        assert!(!case.run(&["--plan"]).code(0).out.contains("canary"));
    }
}
