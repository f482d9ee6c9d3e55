//! What services print, in the forms of `log`: lines are whole, in order, and none is lost.

use serde_json::Value;

use super::services::{Castoff, python};
use crate::harness::{Exit, Launch, Pty, each_place, skipped};

/// The lines that begin so, without that.
fn after<'t>(lines: &'t [String], prefix: &str) -> Vec<&'t str> {
    lines.iter().filter_map(|line| line.strip_prefix(prefix)).collect()
}

#[test]
fn a_prefix_names_the_service_and_castoff_s_own_lines_have_none() {
    each_place(|place| {
        let mut castoff = Castoff::new(
            place,
            r#"
            [service.web]
            command = ["sh", "-c", "echo out; echo err >&2; printf partial"]
            log = "prefix"
            essential = false
            [service.worker]
            command = ["sh", "-c", "printf 'a\n\nb'"]
            log = "prefix"
            essential = false
            after = ["web"]
            [service.plain]
            command = ["sh", "-c", "echo plain"]
            essential = false
            after = ["worker"]
            "#,
        );
        let (exit, out, err) = castoff.ended();
        assert_eq!(exit, Exit::Code(0), "{err:?}");
        assert_eq!(after(&out, "web    | "), ["out", "partial"]);
        assert_eq!(after(&out, "worker | "), ["a", "", "b"]);
        assert!(out.contains(&"plain".to_owned()), "{out:?}");
        assert_eq!(out.len(), 6);
        assert_eq!(after(&err, "web    | "), ["err"]);
        assert_eq!(after(&err, "castoff: ").len(), err.len() - 1, "{err:?}");
    });
}

#[test]
fn json_lines_are_objects_with_time_service_stream_and_message() {
    each_place(|place| {
        let mut castoff = Castoff::new(
            place,
            r#"
            [service."w\"b"]
            command = ["printf", '%b', '{"a":[1,"x"]}\nplain "x"\t\0377\n\n{"a":\n[1]\nend']
            log = "json"
            "#,
        );
        let (exit, out, _) = castoff.ended();
        assert_eq!(exit, Exit::Code(0));
        let values: Vec<Value> = out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let messages: Vec<String> = values.iter().map(|value| value["message"].to_string()).collect();
        let expected = [
            r#"{"a":[1,"x"]}"#,
            "\"plain \\\"x\\\"\\t\u{fffd}\"",
            r#""""#,
            r#""{\"a\":""#,
            r#""[1]""#,
            r#""end""#,
        ];
        assert_eq!(messages, expected);
        for value in values {
            assert_eq!((&value["service"], &value["stream"]), (&"w\"b".into(), &"stdout".into()));
            let time = value["time"].as_str().unwrap();
            assert!(time.len() == 24 && time.starts_with("20") && time.ends_with('Z'), "{time}");
            assert_eq!(value.as_object().unwrap().len(), 4);
        }
    });
}

#[test]
fn lines_of_chatty_services_are_neither_split_nor_mixed() {
    let script = "
import sys
for n in range(4000):
    line = f'{n} ' + sys.argv[1] * (n * 7 % 9000) + '\\n'
    at = n * 13 % len(line)
    sys.stdout.write(line[:at]); sys.stdout.flush()
    sys.stdout.write(line[at:])
";
    each_place(|place| {
        let services = ["a", "b", "c"].map(|name| {
            let command = python(script, &[name]);
            format!("[service.{name}]\n{command}\nlog = \"prefix\"\nessential = false\n")
        });
        let mut castoff = Castoff::new(place, &services.concat());
        let (exit, out, _) = castoff.ended();
        assert_eq!(exit, Exit::Code(0));
        for name in ["a", "b", "c"] {
            let lines = after(&out, &format!("{name} | "));
            let expected = (0..4000).map(|n| format!("{n} {}", name.repeat(n * 7 % 9000)));
            assert!(lines.into_iter().eq(expected), "{name}");
        }
        assert_eq!(out.len(), 12_000);
    });
}

#[test]
fn a_line_of_a_mebibyte_is_whole_and_a_longer_one_comes_in_marked_pieces() {
    let script = "
import sys
for n in range(3):
    print('before'); print('x' * (1 << 20)); print('y' * ((1 << 20) + 5)); print('after')
";
    each_place(|place| {
        let services = ["a", "b"].map(|name| {
            let form = if name == "a" { "prefix" } else { "json" };
            format!("[service.{name}]\n{}\nlog = \"{form}\"\nessential = false\n", python(script, &[]))
        });
        let mut castoff = Castoff::new(place, &services.concat());
        let (exit, out, err) = castoff.ended();
        assert_eq!(exit, Exit::Code(0));
        let (x, y) = ("x".repeat(1 << 20), "y".repeat(1 << 20));
        let once = [" before", &format!(" {x}"), &format!(" {y}"), "+yyyyy", " after"].map(str::to_owned);
        let prefixed = after(&out, "a |");
        assert_eq!(prefixed.len(), 15);
        for lines in prefixed.chunks(5) {
            assert!(lines == once, "a line is not whole");
        }
        let objects = out.iter().filter(|line| line.starts_with('{'));
        let objects: Vec<Value> = objects.map(|line| serde_json::from_str(line).unwrap()).collect();
        let pieces: Vec<_> = objects.iter().filter(|value| value.get("piece").is_some()).collect();
        assert_eq!(objects.len(), 15);
        for pair in pieces.chunks(2) {
            assert_eq!((&pair[0]["piece"], &pair[0]["last"]), (&1.into(), &false.into()));
            assert_eq!((&pair[1]["piece"], &pair[1]["last"]), (&2.into(), &true.into()));
            assert_eq!(pair[1]["message"], "yyyyy");
        }
        for name in ["a", "b"] {
            let said = format!("castoff: warning: {name} printed 3 lines longer than 1M");
            assert!(err.iter().any(|line| line.starts_with(&said)), "{err:?}");
        }
    });
}

#[test]
fn an_instance_after_a_restart_is_read_and_so_is_who_holds_the_old_pipe() {
    each_place(|place| {
        let castoff = Castoff::prepared();
        let go = castoff.path("go");
        let script = format!(
            "if [ ! -e {go} ]; then
                 touch {go}
                 setsid sh -c 'echo >{go}.pipe; read line <{go}.pipe; echo from the first' &
                 read line <{go}.pipe; echo first; exit 1
             fi
             echo second; echo >{go}.pipe; while :; do sleep 1; done"
        );
        let _ = nix::unistd::mkfifo(format!("{go}.pipe").as_str(), nix::sys::stat::Mode::S_IRWXU);
        let mut castoff = castoff.start(
            place,
            &format!(
                "[service.a]\ncommand = [\"sh\", \"-c\", '''{script}''']\nlog = \"prefix\"\n\
                 restart = \"on-failure\"\nbackoff = \"10ms\"\n"
            ),
        );
        for line in ["first", "second", "from the first"] {
            castoff.running.expect(&format!("a | {line}"));
        }
        castoff.running.signal(libc::SIGTERM);
        castoff.running.wait();
    });
}

#[test]
fn another_user_can_open_stdout_and_stderr_by_name() {
    if !nix::unistd::geteuid().is_root() {
        return skipped("only root can run services as other users");
    }
    let script = "
import os, sys
if len(sys.argv) > 1: os.setuid(int(sys.argv[1]))
for name in ['stdout', 'stderr']:
    with open(f'/dev/{name}', 'w') as file: file.write(f'by name: {os.getuid()}\\n')
";
    each_place(|place| {
        let forms = [("", ""), ("log = \"pass\"", ""), ("log = \"prefix\"", "a | "), ("log = \"json\"", "{")];
        for (form, shown) in forms {
            for (user, then, uid) in [("33", &[][..], 33), ("0", &["34"][..], 34)] {
                let command = python(script, then);
                let mut castoff = Castoff::new(
                    place,
                    &format!("[service.a]\n{command}\n{form}\nuser = \"{user}\"\ngroup = \"{user}\"\n"),
                );
                let (exit, out, err) = castoff.ended();
                assert_eq!(exit, Exit::Code(0), "{form} {err:?}");
                for lines in [out, err] {
                    let found = lines
                        .iter()
                        .filter(|line| line.starts_with(shown) && line.contains(&format!("by name: {uid}")));
                    assert_eq!(found.count(), 1, "{form}: {lines:?}");
                }
            }
        }
    });
}

#[test]
fn names_are_coloured_on_a_terminal_unless_that_is_unwanted() {
    let spec = "[service.a]\ncommand = [\"echo\", \"x\"]\nlog = \"prefix\"\n";
    for (variable, expected) in [("A=1", "\u{1b}[36ma |\u{1b}[0m x"), ("NO_COLOR=1", "a | x")] {
        let prepared = Castoff::prepared();
        let path = prepared.spec(spec);
        let launch = Launch::castoff(["--config", &path]).variable(variable).terminal(Pty::open());
        let mut running = launch.start();
        while running.line() != expected {}
        running.wait();
    }
}
