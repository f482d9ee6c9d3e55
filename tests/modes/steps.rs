//! `[[step]]`: when it is run, as whom, with what, and what is remembered of it.

use super::case::{Case, SOMEBODY, needs_root};

/// A spec for version `version` with a volume `/data` and these steps.
fn spec(version: &str, rest: &str) -> String {
    format!("version = 1\n[image]\nversion = \"{version}\"\n[[volume]]\npath = \"/data\"\n{rest}")
}

fn step(name: &str, script: &str, rest: &str) -> String {
    format!("[[step]]\nname = \"{name}\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n{rest}\n")
}

/// Starts castoff with a spec and gives the steps that said their names.
fn ran(case: &Case, spec: &str) -> Vec<String> {
    case.write("castoff.toml", spec);
    case.ran()
}

#[test]
fn each_runs_at_its_starts() {
    let steps: String = [("always", "always"), ("first", "first-start"), ("upgrade", "upgrade")]
        .into_iter()
        .flat_map(|(name, run)| {
            ["", "scope = \"/data\"\n"].map(|scope| {
                let name = format!("{name}{}", if scope.is_empty() { "" } else { "-volume" });
                step(&name, &format!("echo ran {name}"), &format!("run = \"{run}\"\n{scope}"))
            })
        })
        .collect();
    let case = Case::verbatim("");
    let always = ["always", "always-volume"];
    assert_eq!(ran(&case, &spec("1", &steps)), ["always", "always-volume", "first", "first-volume"]);
    assert_eq!(ran(&case, &spec("1", &steps)), always);
    assert_eq!(ran(&case, &spec("2", &steps)), ["always", "always-volume", "upgrade", "upgrade-volume"]);
    assert_eq!(ran(&case, &spec("2", &steps)), always);
    // a new container on the volume
    std::fs::remove_dir_all(case.path("root/var")).unwrap();
    assert_eq!(ran(&case, &spec("3", &steps)), ["always", "always-volume", "first", "upgrade-volume"]);
    // and a step that comes later finds the first start over
    let more = step("late", "echo ran late", "run = \"first-start\"");
    assert_eq!(ran(&case, &spec("3", &format!("{steps}{more}"))), always);
}

#[test]
fn what_succeeded_is_not_repeated_when_a_later_one_failed() {
    let case = Case::verbatim("");
    for run in ["first-start", "upgrade"] {
        let version = if run == "upgrade" { "2" } else { "1" };
        let steps = step("one", "echo ran one", &format!("run = \"{run}\"\nscope = \"/data\""))
            + &step("two", "test -e ready && echo ran two", &format!("run = \"{run}\"\nscope = \"/data\""));
        case.write("castoff.toml", spec(version, &steps));
        let said = case.run(&["echo", "hi"]);
        said.code(69).says(&["ran one\n", "error: step `two` ended with status 1", "castoff.toml:"]);
        assert_eq!(said.out, "");
        case.write("ready", "");
        assert_eq!(ran(&case, &spec(version, &steps)), ["two"]);
        assert_eq!(ran(&case, &spec(version, &steps)), [""; 0]);
        std::fs::remove_file(case.path("ready")).unwrap();
    }
}

#[test]
fn an_upgrade_that_failed_is_one_until_it_succeeded() {
    let case = Case::verbatim("");
    let steps = |script: &str| step("up", script, "run = \"upgrade\"");
    assert_eq!(ran(&case, &spec("1", &steps("false"))), [""; 0]);
    for _ in 0..2 {
        case.write("castoff.toml", spec("2", &steps("false")));
        case.run(&["true"]).code(69);
    }
    // the image before knows nothing of it
    assert_eq!(ran(&case, &spec("1", &steps("false"))), [""; 0]);
    assert_eq!(ran(&case, &spec("3", &steps("echo ran {{ container.upgraded-from }}"))), ["1"]);
}

#[test]
fn on_change_of_files_and_variables() {
    let case =
        Case::verbatim("").file("t", "{{ A }}\n").file("u", "x\n").variable("A", "1").variable("B", "1");
    let rest = "[env.A]\n[env.B]\n[env.C]\n[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n\
                [[template]]\nsource = \"u\"\ndest = \"/u\"\nformat = \"plain\"\noverwrite = \"if-missing\"\n";
    let of = |changes: &str| {
        step(
            changes.trim_start_matches('/'),
            &format!("echo ran {changes}"),
            &format!("run = \"on-change\"\nchanges = [\"{changes}\"]"),
        )
    };
    let spec = spec("1", &format!("{rest}{}{}{}{}", of("/t"), of("/u"), of("B"), of("C")));
    let mut case = case;
    assert_eq!(ran(&case, &spec), ["/t", "/u", "B", "C"]);
    assert_eq!(ran(&case, &spec), [""; 0]);
    case.set("A", "2");
    assert_eq!(ran(&case, &spec), ["/t"]);
    case.set("B", "2");
    case.set("C", "");
    assert_eq!(ran(&case, &spec), ["B"]);
    case.set("C", "now set");
    // a file that castoff leaves alone counts as it is
    case.write("root/u", "edited\n");
    assert_eq!(ran(&case, &spec), ["/u", "C"]);
    // written anew, and the same
    std::fs::remove_file(case.path("root/t")).unwrap();
    assert_eq!(ran(&case, &spec), [""; 0]);
}

#[test]
fn a_change_counts_until_the_step_succeeded() {
    let mut case = Case::verbatim("").variable("A", "1");
    let of = |script: &str| {
        spec("1", &format!("[env.A]\n{}", step("a", script, "run = \"on-change\"\nchanges = [\"A\"]")))
    };
    assert_eq!(ran(&case, &of("echo ran a")), ["a"]);
    case.set("A", "2");
    case.write("castoff.toml", of("false"));
    case.run(&["true"]).code(69);
    assert_eq!(ran(&case, &of("echo ran a")), ["a"]);
    assert_eq!(ran(&case, &of("echo ran a")), [""; 0]);
}

#[test]
fn when_decides_and_words_are_computed_only_where_it_is_run() {
    let steps = "[env.NAME]\ndefault = \"a; b\"\n[env.OTHER]\n".to_owned()
        + &step("no", "echo ran no", "when = \"OTHER is defined\"")
        + "[[step]]\nname = \"yes\"\nwhen = \"NAME == 'a; b'\"\ncommand = [\"printf\", \"ran <%s>\\n\", \"{{ NAME }}\"]\n"
        + "[[step]]\nname = \"up\"\nrun = \"upgrade\"\ncommand = [\"echo\", \"{{ container.upgraded_from }}\"]\n"
        + "[[step]]\nname = \"unset\"\nwhen = \"OTHER is defined\"\ncommand = [\"echo\", \"{{ OTHER }}\"]\n";
    assert_eq!(ran(&Case::verbatim(""), &spec("1", &steps)), ["<a; b>"]);
    let case = Case::verbatim(&spec("1", "[[step]]\nname = \"a\"\ncommand = [\"true\"]\nwhen = \"1\"\n"));
    case.run(&["true"]).code(65).says(&["`when` is neither true nor false"]);
}

#[test]
fn its_output_goes_to_stderr_and_it_reads_nothing() {
    let case = Case::verbatim(&spec("1", &step("a", "echo one; echo two >&2; cat; echo three", "")));
    let said = case.run(&["cat"]);
    said.code(0).says(&["castoff: running step `a` (at each start)\none\ntwo\nthree\n"]);
    assert_eq!(said.out, "");
}

#[test]
fn its_environment_is_the_services() {
    let variables = "[env.PASS]\nsecret = true\n[env.KEY]\nsecret = true\nexport = true\n[env.B]\ndefault = \"b\"\nexport = true\n";
    let case = Case::verbatim(&spec("1", &format!("{variables}{}", step("a", "env", ""))))
        .variable("PASS", "canary-pass")
        .variable("KEY", "exported")
        .variable("CASTOFF_LOG_FORMAT", "text");
    let said = case.run(&["true"]);
    said.code(0).says(&["\nKEY=exported\n", "\nB=b\n", "\nPATH=/usr/local/bin:/usr/bin:/bin\n"]);
    assert!(!said.err.contains("canary") && !said.err.contains("CASTOFF_"), "{}", said.err);
}

#[test]
fn as_whom_and_where() {
    if !needs_root() {
        return;
    }
    let look = "echo \"ran $(id -u) $(id -g) $(id -G) $HOME $(pwd)\"";
    for (rest, expected) in [
        ("user = \"app\"\nworking-directory = \"/usr\"", "4321 1234 1234 50 /home/app /usr"),
        ("user = \"app\"\ngroup = \"extra\"\nworking-directory = \"/\"", "4321 50 50 1234 /home/app /"),
        ("user = \"54321:7\"\nworking-directory = \"/\"", "54321 7 7 / /"),
    ] {
        let case = Case::verbatim("")
            .file("root/etc/passwd", "app:x:4321:1234::/home/app:/bin/sh\n")
            .file("root/etc/group", "app:x:1234:\nextra:x:50:app\n")
            .variable("HOME", "/root");
        assert_eq!(ran(&case, &spec("1", &step("a", look, rest))), [expected]);
    }
    let case =
        Case::verbatim(&format!("version = 1\n{}", step("a", "true", "user = \"0:0\""))).user(SOMEBODY);
    case.run(&["true"]).code(77).says(&["its supplementary groups can't be set", "for the step `a`"]);
}

#[test]
fn a_plan_says_which_and_why() {
    let steps = step("first", "true", "run = \"first-start\"\nscope = \"/data\"")
        + &step("no", "true", "when = \"1 == 2\"")
        + "[[step]]\nname = \"each\"\ncommand = [\"echo\", \"a b\"]\nuser = \"33:33\"\n"
        + &step("up", "true", "run = \"upgrade\"");
    let case = Case::verbatim(&spec("1", &steps));
    let before = case.listing();
    let expected = "nothing has to be written\n\
                    step    first: sh -c true  (the first start of /data)\n\
                    skip    step `no`  (its `when` is false)\n\
                    step    each: echo 'a b', as 33:33  (at each start)\n\
                    skip    step `up`  (no upgrade of the container)\n\
                    run     app  supervised\n";
    assert_eq!(case.run(&["--plan", "app"]).code(0).out, expected);
    case.run(&["--check"]).code(0).says(&["castoff: ok: 0 variables, 0 files, 0 validators, 4 steps\n"]);
    assert_eq!(case.listing(), before);
}

#[test]
fn a_check_tells_what_can_not_work_and_runs_nothing() {
    let case = Case::verbatim(&format!(
        "version = 1\n[env.PASS]\nsecret = true\n{}{}{}",
        "[[step]]\nname = \"a\"\ncommand = [\"echo\", \"{{ PASS }}\"]\n",
        "[[step]]\nname = \"b\"\ncommand = [\"echo\", \"{{ PSAS }}\"]\nwhen = \"NONE == 1\"\n",
        "[[step]]\nname = \"c\"\ncommand = [\"true\"]\nuser = \"nobody-here\"\n",
    ));
    case.run(&["--check"]).code(65).says(&[
        "`PASS` is a secret and can't be an argument",
        "there is no variable `PSAS`",
        "there is no variable `NONE`",
        "there is no user `nobody-here`",
        "castoff: 4 errors\n",
    ]);
    let case = Case::verbatim(&spec("1", "[[step]]\nname = \"a\"\ncommand = [\"no-such-program\"]\n"));
    case.run(&["--check"])
        .code(65)
        .says(&["can't run `no-such-program`: not found in PATH", "castoff.toml:7:8"]);
    case.run(&["true"])
        .code(65)
        .says(&["can't run `no-such-program`: not found in PATH", "for the step `a`"]);
    // it is not its turn, and the program is missing all the same
    let case = Case::verbatim(&spec(
        "1",
        "[[step]]\nname = \"a\"\ncommand = [\"no-such-program\"]\nrun = \"upgrade\"\n",
    ));
    case.run(&["--check"]).code(65).says(&["can't run `no-such-program`: not found in PATH"]);
    case.run(&["true"]).code(0);
    // what the volume is still to be filled with may be missing
    for rest in ["[\"/data/bin/app\"]", "[\"bin/app\"]\nworking-directory = \"/data\"", "[\"app-of-volume\"]"]
    {
        let case = Case::verbatim(&spec("1", &format!("[[step]]\nname = \"a\"\ncommand = {rest}\n")));
        case.variable("PATH", "/usr/bin:/bin:/data/bin").run(&["--check"]).code(0);
    }
    let ran = Case::verbatim(&spec("1", &step("a", "touch ran", "")));
    ran.run(&["--check"]).code(0);
    ran.run(&["--plan"]).code(0);
    assert!(!ran.exists("ran"));
}

#[test]
fn a_variable_that_only_a_step_uses_is_used() {
    let steps = "[env.A]\n[env.B]\ndefault = \"b\"\n[env.C]\n[[step]]\nname = \"a\"\ncommand = [\"echo\", \"{{ B }}\"]\n\
                 when = \"A is defined\"\n[[step]]\nname = \"b\"\ncommand = [\"true\"]\nrun = \"on-change\"\nchanges = [\"C\"]\n";
    let said = Case::verbatim(&spec("1", steps)).run(&["--check"]);
    assert!(!said.code(0).err.contains("nothing uses"), "{}", said.err);
}
