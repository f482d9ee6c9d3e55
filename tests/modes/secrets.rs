//! A canary goes through every mode and every kind of failure, and must be seen nowhere but
//! in the files that are made of it.

use std::fs;

use crate::harness::{Exit, Launch, Place, each_place, refusing};

use super::case::{Case, Said};

const CANARY: &str = "kanarienvogel";

/// A secret, one that is computed from it, and one that is generated; all of them in a file.
const SPEC: &str = r#"
[env.USER_NAME]
default = "alice"
[env.PASS]
secret = true
[env.DSN]
default = "mysql://{{ USER_NAME }}:{{ PASS }}@db"
[env.KEY]
generate = { length = 48 }
[[template]]
source = "t"
dest = "/etc/app.php"
validate = ["sh", "-c", "cat $0; cat $0 >&2", "{file}"]
"#;

const TEMPLATE: &str = "<?php\n$a = [{{ USER_NAME }}, {{ PASS }}, {{ DSN }}, {{ KEY }}];\n// {{ PASS }}\n";

/// How the secret is given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Name,
    File,
    EnvFile,
}

const WAYS: [Way; 3] = [Way::Name, Way::File, Way::EnvFile];

fn case(spec: &str, way: Way) -> Case {
    let mut case = Case::new(&format!("{SPEC}{spec}"))
        .file("t", TEMPLATE)
        .file("given/pass", format!("{CANARY}\n"))
        .file("given/site.env", format!("PASS={CANARY}\n"));
    match way {
        Way::Name => case.set("PASS", CANARY),
        Way::File => {
            let file = case.path("given/pass");
            case.set("PASS_FILE", file);
        }
        Way::EnvFile => {}
    }
    case
}

fn run(case: &Case, way: Way, arguments: &[&str]) -> Said {
    let env_file: &[&str] = if way == Way::EnvFile { &["--env-file", "given/site.env"] } else { &[] };
    case.run(&[env_file, arguments].concat())
}

/// Nothing that was said, and no file but those allowed, has the canary or the generated key.
fn assert_silent(case: &Case, said: &Said, allowed: &[&str], what: &str) {
    let key = fs::read_to_string(case.path("root/var/lib/castoff/generated")).unwrap_or_default();
    let key = key.split_whitespace().last().filter(|key| key.len() == 48).map(str::to_owned);
    let secrets: Vec<&str> = [CANARY].into_iter().chain(key.as_deref()).collect();
    for secret in &secrets {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{what}: {said:?}");
    }
    let allowed = ["given/", "root/var/lib/castoff/"].iter().chain(allowed);
    let allowed: Vec<&&str> = allowed.collect();
    for name in case.names("") {
        if allowed.iter().any(|allowed| name.starts_with(**allowed)) || case.path(&name).is_dir() {
            continue;
        }
        let content = String::from_utf8_lossy(&fs::read(case.path(&name)).unwrap()).into_owned();
        assert!(!secrets.iter().any(|secret| content.contains(secret)), "{what}: {name} has it");
    }
    assert_eq!(case.names("tmp"), [""; 0], "{what}");
}

#[test]
fn no_mode_shows_it() {
    let written = &["root/etc/app.php"][..];
    let modes: [(&[&str], &[&str]); 9] = [
        (&["--check"], &[]),
        (&["--plan"], &[]),
        (&["--render-only", "--output", "-"], &[]),
        (&["--render-only", "--output", "out"], &["out/etc/app.php"]),
        (&["--", "env"], written),
        (&["--exec", "--", "env"], written),
        (&["--", "sh", "-c", "cat /proc/$PPID/environ /proc/$PPID/cmdline"], written),
        (&["--", "no-such-command"], written),
        (&["--exec", "--", "no-such-command"], written),
    ];
    for way in WAYS {
        for (mode, allowed) in modes {
            for format in ["text", "json"] {
                let case = case("", way);
                let logging = ["--log-level", "trace", "--log-format", format];
                let said = run(&case, way, &[&logging, mode].concat());
                assert!([0, 127].contains(&said.code), "{mode:?}: {said:?}");
                assert_silent(&case, &said, allowed, &format!("{way:?} {mode:?} {format}"));
                // a second time, with what the first one left on disk
                let said = run(&case, way, &[&logging, mode].concat());
                assert_silent(&case, &said, allowed, &format!("again {way:?} {mode:?} {format}"));
            }
        }
    }
}

#[test]
fn what_the_disk_has_of_an_older_secret_is_not_shown_either() {
    let mut case = case("", Way::Name);
    run(&case, Way::Name, &["true"]).code(0);
    case.set("PASS", "another");
    for mode in [&["--plan"][..], &["--check"], &["--log-level", "trace", "true"]] {
        let said = run(&case, Way::Name, mode);
        assert_silent(&case, &said, &["root/etc/app.php"], &format!("{mode:?}"));
    }
}

#[test]
fn no_failing_start_shows_it() {
    let more = |text: &str| format!("[[template]]\nsource = \"u\"\ndest = \"/etc/u\"\n{text}\n");
    for (spec, template, code) in [
        ("[env.X]\nrequired = true\n".to_owned(), "", 78),
        ("[[rule]]\nassert = \"PASS == 'x'\"\n".to_owned(), "", 78),
        (
            "[[rule]]\nassert = \"PASS | length < 3 or DSN | length < 3\"\nmessage = \"m\"\n".to_owned(),
            "",
            78,
        ),
        ("[env.N]\ntype = \"int\"\ndefault = \"{{ PASS }}\"\n".to_owned(), "", 78),
        ("[env.N]\ndefault = \"{{ PASS + 1 }}\"\n".to_owned(), "", 65),
        ("[env.N]\ndefault = \"{{ PASS | int }}\"\n".to_owned(), "", 65),
        (more("format = \"plain\""), "{{ PASS | frob }}", 65),
        (more("format = \"plain\""), "{{ PASS + 1 }}", 65),
        (more("format = \"plain\""), "{{ PASS.x.y }}", 65),
        (more("format = \"plain\""), "{% include PASS %}", 65),
        (more("format = \"ssmtp\""), "AuthPass={{ PASS ~ '#' }}\n", 78),
        (more("format = \"nginx\""), "root \"{{ DSN ~ '$' }}\";\n", 78),
        (more("format = \"plain\"\nfor-each = \"PASS\""), "", 65),
        (more("format = \"plain\"\nwhen = \"PASS\""), "", 65),
        (
            more("format = \"plain\"\nvalidate = [\"sh\", \"-c\", \"cat $0; exit 1\", \"{file}\"]"),
            "{{ PASS }}",
            78,
        ),
        (
            more("format = \"json\"\nvalidate = [\"sh\", \"-c\", \"cat $0 >&2; kill -9 $$\", \"{file}\"]"),
            "[{{ DSN }}]",
            78,
        ),
        (more("format = \"plain\"\nvalidate = [\"none\", \"{file}\"]"), "{{ PASS }}", 65),
        ("[[directory]]\npath = \"/blocked/x\"\n[service.a]\ncommand = [\"true\"]\n".to_owned(), "", 73),
        ("[service.a]\ncommand = [\"echo\", \"{{ DSN }}\"]\n".to_owned(), "", 65),
        ("[service.a]\ncommand = [\"/etc\"]\n".to_owned(), "", 126),
    ] {
        for way in WAYS {
            for format in ["text", "json"] {
                let case = case(&spec, way).file("u", template).file("root/blocked", "");
                let logging = ["--log-level", "trace", "--log-format", format];
                let said = run(&case, way, &logging);
                let what = format!("{way:?} {spec} {template}");
                if [73, 126].contains(&code) {
                    assert_silent(&case, &said, &["root/etc/app.php"], &what);
                } else {
                    assert_silent(&case, &said, &[], &what);
                    assert!(!case.exists("root/etc"), "{what}");
                }
                assert_eq!(said.code, code, "{what}: {}", said.err);
            }
        }
    }
}

#[test]
fn a_secret_that_is_wrong_is_not_shown() {
    for (declaration, code) in [
        ("type = \"int\"", 78),
        ("choices = [\"a\"]", 78),
        ("pattern = \"[0-9]*\"", 78),
        ("max = 3", 78),
        ("type = \"url\"", 78),
        ("type = \"json\"", 78),
        ("type = \"size\"", 78),
        ("type = \"list\"\nseparator = \"v\"\nmax = 1", 78),
    ] {
        for way in WAYS {
            let spec = format!("[env.PASS]\nsecret = true\n{declaration}\n");
            let case = case("", way);
            case.write("castoff.toml", format!("version = 1\n{spec}"));
            let said = run(&case, way, &["--log-level", "trace", "true"]);
            said.code(code).says(&["PASS"]);
            assert_silent(&case, &said, &[], &format!("{way:?} {declaration}"));
        }
    }
}

#[test]
fn the_service_gets_it_only_if_it_is_exported() {
    for way in WAYS {
        for (export, expected) in
            [("", ""), ("export = false\n", ""), ("export = true\n", "PASS=kanarienvogel\n")]
        {
            let case = case("", way);
            case.write("castoff.toml", format!("version = 1\n[env.PASS]\nsecret = true\n{export}"));
            let said = run(&case, way, &["sh", "-c", "env | grep -e PASS -e kanarien"]);
            assert_eq!(said.out, expected, "{way:?} {export}");
        }
    }
}

#[test]
fn the_termination_log_does_not_have_it() {
    let case = case("[[rule]]\nassert = \"PASS == 'x'\"\nmessage = \"told to Kubernetes\"\n", Way::Name)
        .file("termination-log", "");
    let script = "mkdir ../dev; touch ../dev/null; mount --bind /dev/null ../dev/null\n\
                  mount -t tmpfs none /dev; touch /dev/null /dev/termination-log\n\
                  mount --bind ../dev/null /dev/null; mount --bind ../termination-log /dev/termination-log";
    let Some(said) = case.run_in_namespace(script, &["true"]) else { return };
    said.code(78);
    let log = case.read("termination-log");
    assert!(log.contains("told to Kubernetes") && !log.contains(CANARY), "{log}");
}

/// What can be seen of castoff while the service runs, which ends with 7.
const LOOK: &str = "cat /proc/$PPID/environ /proc/$PPID/cmdline /proc/$PPID/comm; env; exit 7";

fn look(case: &Case, launch: impl FnOnce(Launch) -> Option<Launch>) -> Option<(Exit, String, String)> {
    let castoff = case.launch(&["--log-level", "trace", "--", "sh", "-c", LOOK]);
    let castoff = castoff.variable(&format!("PASS={CANARY}"));
    Some(launch(castoff)?.start().end())
}

#[test]
fn pid_1_has_forgotten_it_when_the_service_runs() {
    each_place(|place: Place| {
        let case = case("", Way::Name);
        let (exit, out, err) = look(&case, |launch| Some(launch.place(place))).unwrap();
        assert_eq!(exit, Exit::Code(7), "{err}");
        assert!(out.contains("castoff") && out.contains("PATH="), "{out}");
        assert!(!out.contains(CANARY) && !err.contains(CANARY), "{place:?} {out} {err}");
    });
}

#[test]
fn nor_is_it_seen_where_nothing_can_be_sealed() {
    let case = case("", Way::Name);
    let Some((exit, out, err)) = look(&case, |launch| refusing("memfd_create:error=EPERM", launch)) else {
        return;
    };
    assert_eq!(exit, Exit::Code(7), "{err}");
    assert!(!out.contains(CANARY) && !err.contains(CANARY), "{out} {err}");
}
