//! `--plan` and `--check`: what a start would do, and nothing done.

use super::case::Case;
use super::golden::assert_golden;

fn site() -> Case {
    Case::new(
        "[env.NAME]\ndefault = \"new\"\n[env.PASSWORD]\nsecret = true\n\
         [env.SALT]\ngenerate = { length = 32 }\nscope = \"/data\"\n\
         [[directory]]\npath = \"/run/app\"\nmode = \"0750\"\n\
         [[template]]\nsource = \"config.php.j2\"\ndest = \"/etc/config.php\"\nmode = \"0640\"\n\
         validate = [\"false\", \"{file}\"]\n\
         [[template]]\nsource = \"name.j2\"\ndest = \"/etc/name.txt\"\nformat = \"plain\"\n\
         [[template]]\nsource = \"name.j2\"\ndest = \"/etc/same.txt\"\nformat = \"plain\"\n\
         [[template]]\nsource = \"name.j2\"\ndest = \"/etc/once.txt\"\nformat = \"plain\"\noverwrite = \"if-missing\"\n\
         [[template]]\nsource = \"name.j2\"\ndest = \"/etc/never.txt\"\nformat = \"plain\"\nwhen = \"NAME == 'x'\"\n\
         [service.app]\ncommand = [\"app\", \"--name\", \"a {{ NAME }}\"]\nstop-signal = \"QUIT\"\n",
    )
    .variable("PASSWORD", "canary-new")
    .file("config.php.j2", "<?php\n$name = {{ NAME }};\n$password = {{ PASSWORD }};\n$salt = {{ SALT }};\n")
    .file("name.j2", "{{ NAME }}\n")
    .file("root/etc/config.php", "<?php\n$name = 'old';\n$password = 'canary-old';\n$salt = 'canary-salt';\n")
    .file("root/etc/name.txt", "old\nand more\n")
    .file("root/etc/same.txt", "new\n")
    .file("root/etc/once.txt", "theirs\n")
    .file("root/data/x", "")
}

#[test]
fn a_plan_says_what_why_and_what_would_change() {
    let case = site();
    for name in ["config.php", "name.txt", "same.txt", "once.txt"] {
        case.set_mode(&format!("root/etc/{name}"), 0o644);
    }
    let before = case.listing();
    let said = case.run(&["--plan"]);
    assert_eq!(case.listing(), before);
    assert!(!said.code(0).out.contains("canary"), "{}", said.out);
    assert_eq!(said.err, "");
    // the owner of a file that is there is kept, where castoff is root, and shown
    assert_golden("plan", &said.text().replace(", owner 0:0", ""));
}

#[test]
fn an_old_file_that_not_everybody_may_read_is_not_shown() {
    for (mode, shown) in [(0o644, true), (0o640, false)] {
        let case = Case::new("[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n")
            .file("t", "without any secret\n")
            .file("root/t", "password = canary\n");
        case.set_mode("root/t", mode);
        let said = case.run(&["--plan", "true"]);
        assert_eq!(said.code(0).out.contains("canary"), shown, "{}", said.out);
    }
}

#[test]
fn a_plan_with_nothing_to_do() {
    let case = Case::new("[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n")
        .file("t", "x\n")
        .file("root/t", "x\n");
    let said = case.run(&["--plan", "nginx", "-g", "daemon off;"]);
    let expected = "nothing has to be written\nkeep    /t  (as it should be)\nrun     nginx -g 'daemon off;'  supervised\n";
    assert_eq!(said.code(0).out, expected);
}

#[test]
fn a_check_ends_as_a_start_would() {
    let case = Case::new("[env.A]\nrequired = true\nexport = true\n").variable("A", "x");
    let said = case.run(&["--check"]);
    assert_eq!(said.code(0).err, "castoff: ok: 1 variable, 0 files, 0 validators\n");
    assert_eq!(said.out, "");
    case.run_with("A", "", &["--check"]).code(78);
    assert_eq!(case.names("root"), [""; 0]);
}

#[test]
fn a_check_points_out_raw_values_inferred_formats_and_unused_variables() {
    let spec = "[env.EXTRA]\n[env.OTHER]\n[env.IDLE]\n[env.HANDED]\nexport = true\n\
                [[template]]\nsource = \"t\"\ndest = \"/t.php\"\n\
                [[template]]\nsource = \"u\"\ndest = \"/u\"\nformat = \"plain\"\nwhen = \"false\"\n";
    let case = Case::new(spec)
        .variable("EXTRA", "$x = 1;")
        .file("t", "<?php\n{{ EXTRA | raw }}\n")
        .file("u", "{{ OTHER }}");
    assert_golden("notices", &case.run(&["--check"]).code(0).err);
    let strict = case.run(&["--check", "--strict"]);
    assert_eq!(strict.code(65).err.matches("error: ").count(), 3, "{}", strict.err);
}

#[test]
fn strict_makes_warnings_errors_and_leaves_nothing_to_say_of_a_tidy_spec() {
    let case = Case::new("[env.A]\nexport = true\naliases = [\"OLD\"]\n");
    case.run(&["--check", "--strict"]).code(0);
    case.run_with("OLD", "x", &["--check"]).code(0).says(&["warning: `OLD` is now called `A`"]);
    case.run_with("OLD", "x", &["--check", "--strict"]).code(78).says(&["error: `OLD` is now called `A`"]);
    case.run(&["--strict"]).code(64);
}

#[test]
fn modes_exclude_each_other_and_mistakes_of_the_command_line_are_64() {
    for arguments in [&["--check", "--plan"][..], &["--chek"], &["--output", "x"], &["--grace", "5"]] {
        let said = Case::new("").run_plain(arguments);
        said.code(64).says(&["error: "]);
        assert_eq!(said.out, "");
    }
    for (question, answer) in [("--help", "--render-only"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let said = Case::new("").run_plain(&[question]);
        assert!(said.code(0).out.contains(answer), "{}", said.out);
        assert_eq!(said.err, "");
    }
}

#[test]
fn settings_come_from_the_environment_and_options_beat_them() {
    let case = Case::new("[env.A]\n[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n")
        .file("t", "x\n")
        .file("other.toml", "nonsense")
        .variable("CASTOFF_CONFIG", "castoff.toml")
        .variable("CASTOFF_ROOT", "root")
        .variable("CASTOFF_LOG_LEVEL", "error");
    let said = case.run_plain(&["sh", "-c", "env | grep CASTOFF; echo done"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "done\n", ""));
    assert_eq!(case.read("root/t"), "x\n");
    case.run_plain(&["--log-level", "info", "true"]).code(0).says(&["nothing had to be written"]);
    case.run_plain(&["--config", "other.toml", "true"]).code(65);
    std::fs::create_dir(case.path("elsewhere")).unwrap();
    case.run_plain(&["--root", "elsewhere", "true"]).code(0);
    assert!(case.exists("elsewhere/t"));
}

#[test]
fn settings_that_castoff_does_not_know() {
    for (name, value, said) in [
        ("CASTOFF_CONFG", "x", "did you mean CASTOFF_CONFIG?"),
        ("CASTOFF_LOG_LEVEL", "loud", "CASTOFF_LOG_LEVEL must be one of error, warn, info, debug, trace"),
        ("CASTOFF_LOG_FORMAT", "xml", "CASTOFF_LOG_FORMAT must be one of text, json"),
        ("CASTOFF_GRACE", "5", "CASTOFF_GRACE: a number with a unit is needed"),
    ] {
        let case = Case::new("").variable(name, value);
        case.run(&["true"]).code(78).says(&[said, "castoff: 1 error\n"]);
        if name != "CASTOFF_LOG_FORMAT" {
            let json = case.run(&["--log-format", "json", "true"]);
            serde_json::from_str::<serde_json::Value>(&json.code(78).err).unwrap();
            let json = case.run_with("CASTOFF_LOG_FORMAT", "json", &["true"]);
            serde_json::from_str::<serde_json::Value>(&json.code(78).err).unwrap();
        }
    }
}

#[test]
fn every_line_is_json_if_wanted() {
    let spec = "[env.NEW]\naliases = [\"OLD\"]\n[env.KEY]\ngenerate = { length = 9 }\n\
                [[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n";
    let case = Case::new(spec).file("t", "{{ NEW }}{{ KEY }}").variable("OLD", "x");
    for arguments in [
        &["--log-level", "trace", "--", "sh", "-c", "kill -TERM $$"][..],
        &["--check"],
        &["--", "no-such-command"],
        &["--exec", "--", "no-such-command"],
    ] {
        let said = case.run(&[&["--log-format", "json"], arguments].concat());
        assert!(!said.err.is_empty(), "{arguments:?}");
        for line in said.err.lines() {
            let object: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {line}"));
            assert!(object["level"].is_string() && object["message"].is_string(), "{line}");
            assert_eq!(object["source"], "castoff", "{line}");
        }
    }
}

#[test]
fn a_plan_shows_how_the_service_is_stopped() {
    let spec = "[service.a]\ncommand = [\"a\"]\nstop-signal = \"QUIT\"\nstop-delay = \"10s\"\n\
                stop-timeout = \"1m\"\nstop-is-success = true\n";
    let case = Case::new(spec);
    for (option, delay) in [(&[][..], "10s"), (&["--stop-delay", "3s"], "3s")] {
        let said = case.run(&[&["--plan"], option].concat());
        let run = format!(
            "run     a  supervised, SIGTERM as SIGQUIT, stop-delay {delay}, stop-timeout 1m, stop-is-success\n"
        );
        assert!(said.code(0).out.ends_with(&run), "{}", said.out);
    }
}
