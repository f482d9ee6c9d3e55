//! First start, restart, upgrade: what expressions and templates know of them, and what
//! castoff remembers.

use super::case::{Case, SOMEBODY, needs_root};

const TEMPLATE: &str = "[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n";
const VOLUME: &str = "[[volume]]\npath = \"/data\"\n";

fn image(version: &str, rest: &str) -> String {
    format!("version = 1\n[image]\nname = \"shop\"\nversion = \"{version}\"\n{rest}")
}

#[test]
fn templates_know_first_start_restart_and_upgrade() {
    let template = "{{ container.first-start }} {{ container.upgraded-from | default('-') }} \
                    {{ volume.first_start }} {{ volume.upgraded_from | default('-') }} \
                    {{ volumes['/data'].first-start }} {{ volumes[\"/b\"].upgraded-from | default('-') }}\n";
    let rest = format!("{VOLUME}[[volume]]\npath = \"/b\"\n{TEMPLATE}");
    let case = Case::verbatim(&image("1", &rest)).file("t", template);
    for (version, expected) in [
        ("1", "true - true - true -\n"),
        ("1", "false - false - false -\n"),
        ("2", "false 1 false 1 false 1\n"),
        ("2", "false - false - false -\n"),
        ("1", "false 2 false 2 false 2\n"),
    ] {
        case.write("castoff.toml", image(version, &rest));
        // looking does not count as a start
        case.run(&["--check"]).code(0);
        case.run(&["--plan"]).code(0);
        case.run(&["true"]).code(0);
        assert_eq!(case.read("root/t"), expected);
    }
    // a volume that another container brings along is not new
    std::fs::remove_dir_all(case.path("root/var")).unwrap();
    std::fs::remove_dir_all(case.path("root/b")).unwrap();
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/t"), "true - false - false -\n");
}

#[test]
fn expressions_know_them_too() {
    let spec = image(
        "1",
        "[env.MODE]\ndefault = \"{{ 'new' if container.first-start else 'old' }}\"\n\
         [env.TOKEN]\nrequired-if = \"container.upgraded-from is defined\"\n\
         [[template]]\nsource = \"t\"\ndest = \"/first\"\nformat = \"plain\"\nwhen = \"container.first-start\"\n\
         [[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n",
    );
    let case = Case::verbatim(&spec).file("t", "{{ MODE }}\n");
    case.run(&["true"]).code(0);
    assert_eq!((case.read("root/t"), case.read("root/first")), ("new\n".to_owned(), "new\n".to_owned()));
    case.run(&["true"]).code(0);
    assert_eq!((case.read("root/t"), case.read("root/first")), ("old\n".to_owned(), "new\n".to_owned()));
    case.write("castoff.toml", spec.replace("version = \"1\"", "version = \"2\""));
    case.run(&["true"]).code(78).says(&["`TOKEN` is required"]);
}

#[test]
fn what_is_remembered_is_private_and_only_written_when_it_is_news() {
    let case =
        Case::verbatim(&image("1", &format!("{VOLUME}{TEMPLATE}"))).file("t", "{{ container.first_start }}");
    case.run(&["true"]).code(0);
    for place in ["root/var/lib/castoff", "root/data/.castoff"] {
        let file = format!("{place}/started");
        assert_eq!((case.mode(place), case.mode(&file)), (0o700, 0o600));
        assert!(case.read(&file).ends_with("name \"shop\"\nversion \"1\"\n"), "{}", case.read(&file));
    }
    case.run(&["true"]).code(0);
    let before = case.listing();
    case.run(&["true"]).code(0);
    assert_eq!(case.listing(), before);
}

#[test]
fn nobody_who_does_not_ask_is_remembered() {
    let case = Case::verbatim(&image("1", TEMPLATE)).file("t", "{{ container.hostname }}");
    case.run(&["true"]).code(0);
    assert_eq!(case.names("root"), ["t"]);
}

#[test]
fn a_start_that_fails_is_not_over() {
    let spec = image("1", &format!("{VOLUME}[[step]]\nname = \"a\"\ncommand = [\"false\"]\n"));
    let case = Case::verbatim(&spec);
    case.run(&["true"]).code(69);
    assert!(!case.exists("root/data/.castoff/started") && !case.exists("root/var/lib/castoff/started"));
}

#[test]
fn records_that_somebody_else_could_have_written_are_refused() {
    for (damage, code, message) in [
        ("owner", 77, "started can't be trusted: castoff did not make it"),
        ("mode", 77, "steps can't be trusted: castoff did not make it"),
        ("garbled", 74, "started is damaged: line 2 is not castoff's"),
    ] {
        if damage == "owner" && !needs_root() {
            continue;
        }
        let step = "[[step]]\nname = \"a\"\ncommand = [\"true\"]\nrun = \"first-start\"\nscope = \"/data\"\n";
        let case = Case::verbatim(&image("1", &format!("{VOLUME}{step}")));
        case.run(&["true"]).code(0);
        let started = "root/data/.castoff/started";
        match damage {
            "owner" => case.set_owner(started, SOMEBODY, SOMEBODY),
            "mode" => case.set_mode("root/data/.castoff/steps", 0o622),
            _ => case.write(started, case.read(started).replace("name", "nmae")),
        }
        case.run(&["true"]).code(code).says(&[message, "/data/.castoff/"]);
    }
}

#[test]
fn where_nothing_can_be_kept_each_start_is_a_first_one_and_that_is_said_once() {
    let spec = image(
        "1",
        &format!(
            "{TEMPLATE}[[step]]\nname = \"a\"\ncommand = [\"echo\", \"step-a\"]\nrun = \"first-start\"\n\
             [[step]]\nname = \"b\"\ncommand = [\"echo\", \"step-b\"]\nrun = \"first-start\"\n"
        ),
    );
    let case = Case::verbatim(&spec).file("t", "{{ container.first-start }}").file("root/run/x", "");
    let read_only = "mkdir -p var; for place in var run; do\n\
                     mount --bind $place $place; mount -o remount,bind,ro $place; done";
    for _ in 0..2 {
        let Some(said) = case.run_in_namespace(read_only, &["true"]) else { return };
        said.code(0).says(&[
            "each start of this container is a first start",
            "Read-only file system",
            "step-b\n",
        ]);
        assert_eq!(said.err.matches("is a first start").count(), 1, "{}", said.err);
        assert_eq!(case.read("root/t"), "true");
    }
}

#[test]
fn a_step_that_a_volume_can_not_remember_is_not_run() {
    let spec = image(
        "1",
        &format!(
            "{VOLUME}[[step]]\nname = \"a\"\ncommand = [\"sh\", \"-c\", \"echo ran\"]\nrun = \"first-start\"\nscope = \"/data\"\n"
        ),
    );
    let case = Case::verbatim(&spec).file("root/data/x", "");
    let read_only = "mount --bind data data; mount -o remount,bind,ro data";
    let Some(said) = case.run_in_namespace(read_only, &["true"]) else { return };
    said.code(73).says(&["/data/.castoff", "Read-only file system"]);
    assert!(!said.err.contains("ran\n"), "{}", said.err);
    if let Some(said) = case.run_in_namespace(read_only, &["--check"]) {
        said.code(73).says(&["/data/.castoff", "Read-only file system"]);
    }
}

#[test]
fn without_a_volume_there_is_no_volume_to_ask() {
    let said = [
        Case::new("[[rule]]\nassert = \"volume.first-start\"\n").run(&["--check"]),
        Case::new(TEMPLATE).file("t", "{{ volumes['/data'].first_start }}").run(&["--check"]),
    ];
    for said in said {
        said.code(65).says(&["there is no [[volume]] for `volume", "declare the volume"]);
    }
    Case::new("[env.volume]\n").run(&["--check"]).code(65).says(&["`volume` can't be declared"]);
    let case = Case::new(&format!("{VOLUME}{TEMPLATE}")).file("t", "{{ volumes['/other'].first-start }}");
    case.run(&["--check"]).code(65).says(&["has no value", "t:1:", "the paths of [[volume]]"]);
    let case = Case::new(TEMPLATE).file("t", "{{ container.upgraded-from }}");
    case.run(&["--check"]).code(65).says(&["has a value in an upgrade only"]);
}

#[test]
fn rendering_elsewhere_is_a_first_start_and_runs_nothing() {
    let spec = image(
        "1",
        &format!(
            "{VOLUME}{TEMPLATE}[[step]]\nname = \"a\"\ncommand = [\"false\"]\n[[hooks]]\npath = \"/bin\"\n"
        ),
    );
    let case = Case::verbatim(&spec).file("t", "{{ container.first-start }} {{ volume.first-start }}");
    case.run_plain(&["-c", "castoff.toml", "--render-only", "--output", "out"]).code(0);
    assert_eq!((case.read("out/t"), case.names("out")), ("true true".to_owned(), vec!["t".to_owned()]));
}

#[test]
fn the_first_volume_is_the_first_of_the_spec() {
    let spec = "[[volume]]\npath = \"/z\"\n[[volume]]\npath = \"/a\"\n".to_owned() + TEMPLATE;
    let case = Case::new(&spec).file("t", "{{ volume.first-start }}");
    case.run(&["true"]).code(0);
    std::fs::remove_dir_all(case.path("root/a")).unwrap();
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/t"), "false");
}
