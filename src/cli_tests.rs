use super::{Asked, Options, parse};
use crate::ask::Wish;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::service::control::Verb;
use crate::signal::Signal;

fn asked(line: &str) -> Result<Asked, Diagnostic> {
    parse(std::iter::once("castoff").chain(line.split_whitespace()).map(Into::into).collect())
}

fn of(line: &str) -> Option<Options> {
    match asked(line) {
        Ok(Asked::Work(options)) => Some(*options),
        _ => None,
    }
}

#[test]
fn options_end_at_the_first_word_of_the_command() {
    for (line, command) in [
        ("", vec![]),
        ("nginx -g off", vec!["nginx", "-g", "off"]),
        ("--exec nginx --exec", vec!["nginx", "--exec"]),
        ("-- --check", vec!["--check"]),
        ("-c x.toml sh -c y", vec!["sh", "-c", "y"]),
        ("nginx -- x", vec!["nginx", "--", "x"]),
    ] {
        assert_eq!(of(line).unwrap().command, command, "{line}");
    }
}

#[test]
fn rewrites() {
    let options = of("--rewrite TERM=QUIT --rewrite HUP=0 x").unwrap();
    assert_eq!(options.rewrite, [(Signal::TERM, Some(Signal::QUIT)), (Signal::HUP, None)]);
}

#[test]
fn what_is_asked_of_the_castoff_that_runs() {
    let about = |verb, name: Option<&str>| Wish::Verb(verb, name.map(str::to_owned));
    for (line, expected) in [
        ("--status", about(Verb::Status, None)),
        ("--status web", about(Verb::Status, Some("web"))),
        ("--status=web", about(Verb::Status, Some("web"))),
        ("--status --format json", about(Verb::Status, None)),
        ("--status web --format json", about(Verb::Status, Some("web"))),
        ("--start web --timeout 5s", about(Verb::Start, Some("web"))),
        ("--stop=web", about(Verb::Stop, Some("web"))),
        ("--restart web", about(Verb::Restart, Some("web"))),
        ("--reload", about(Verb::Reload, None)),
        ("--reload web --timeout 5s", about(Verb::Reload, Some("web"))),
        ("--healthcheck", Wish::Healthcheck),
    ] {
        assert_eq!(of(line).unwrap().wish, Some(expected), "{line}");
    }
}

#[test]
fn exit_codes_are_remapped() {
    let options = of("--remap-exit 143=0 --remap-exit 0=255 x").unwrap();
    assert_eq!(options.remap_exit, [(ExitCode(143), ExitCode(0)), (ExitCode(0), ExitCode(255))]);
}

#[test]
fn values_in_both_spellings() {
    for line in [
        "--config x --log-level debug",
        "--config=x --log-level=debug",
        "-c x --log-level debug",
        "-cx --log-level=debug",
    ] {
        let options = of(line).unwrap();
        assert_eq!(options.config.as_deref(), Some(std::path::Path::new("x")), "{line}");
        assert_eq!(options.log_level, Some(crate::log::Level::Debug), "{line}");
    }
}

#[test]
fn mistakes() {
    for (line, title, help) in [
        ("--check --plan", "--check and --plan can't be given together", ""),
        ("--status --stop x", "--status and --stop can't be given together", ""),
        ("--check --status", "--check and --status can't be given together", ""),
        ("--format json", "--format needs --status", ""),
        ("--stop web --format json", "--format needs --status", ""),
        ("--status --timeout 5s", "--timeout needs --start, --stop, --restart or --reload with a name", ""),
        ("--start", "--start needs a value", "--start NAME: Start a service, and wait until it is ready"),
        (
            "--stop --timeout",
            "--stop needs a value",
            "--stop NAME: Stop a service, and wait until it is down",
        ),
        ("--status web now", "--status runs no command: `now`", ""),
        ("--status --format jsn", "--format can't be `jsn`", "did you mean `json`?"),
        ("--chek", "there is no option --chek", "did you mean --check?"),
        ("-x", "there is no option -x", "castoff --help lists the options"),
        ("--output x", "--output needs --render-only", ""),
        ("--strict", "--strict needs --check", ""),
        ("--grace 1s --grace 2s", "--grace is given twice", ""),
        ("--rewrite TERM", "--rewrite can't be `TERM`", "SIGNAL=SIGNAL is needed, as in TERM=QUIT or HUP=0"),
        ("--rewrite KILL=TERM", "--rewrite can't be `KILL=TERM`", "SIGKILL can't be caught"),
        ("--rewrite TERM=FOO", "--rewrite can't be `TERM=FOO`", "there is no signal `FOO`"),
        ("--grace 5", "--grace can't be `5`", "a number with a unit is needed: 500ms, 30s, 5m, 1h30m"),
        ("--scope every", "--scope can't be `every`", "it can be main, group, all"),
        ("--subreaper yes", "--subreaper can't be `yes`", "it can be auto, always, never"),
        (
            "--remap-exit 143",
            "--remap-exit can't be `143`",
            "CODE=CODE is needed, both from 0 to 255, as in 143=0",
        ),
        (
            "--remap-exit 256=0",
            "--remap-exit can't be `256=0`",
            "CODE=CODE is needed, both from 0 to 255, as in 143=0",
        ),
        ("--parent-death-signal FOO", "--parent-death-signal can't be `FOO`", "there is no signal `FOO`"),
        (
            "--exec --setsid true",
            "--setsid and --exec can't be given together",
            "with --exec castoff doesn't stay to do it",
        ),
        ("--log-level inf", "--log-level can't be `inf`", "did you mean `info`?"),
        (
            "--stop-delay 5",
            "--stop-delay can't be `5`",
            "a number with a unit is needed: 500ms, 30s, 5m, 1h30m",
        ),
        (
            "--exec --stop-delay 5s x",
            "--stop-delay and --exec can't be given together",
            "with --exec castoff doesn't stay to do it",
        ),
        (
            "--stop-is-success --exec x",
            "--stop-is-success and --exec can't be given together",
            "with --exec castoff doesn't stay to do it",
        ),
        ("--root", "--root needs a value", "--root DIR: Resolve every destination below DIR"),
    ] {
        let mistake = asked(line).unwrap_err();
        assert_eq!(mistake.title, title, "{line}");
        assert_eq!(mistake.helps.first().map_or("", String::as_str), help, "{line}");
        assert_eq!(mistake.exit, ExitCode::USAGE);
    }
    assert!(asked("--check=yes").is_err());
}

#[test]
fn questions() {
    for line in ["--help", "-h", "--version", "-V"] {
        assert!(matches!(asked(line), Ok(Asked::Answer(text)) if text.contains("castoff")), "{line}");
    }
    let Ok(Asked::Answer(help)) = asked("--help") else { panic!("no help") };
    assert!(help.lines().all(|line| line.len() <= 100), "{help}");
}
