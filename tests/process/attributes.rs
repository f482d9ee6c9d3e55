//! What a service's process has of its own: read back from /proc, or tried.

use crate::harness::{Directory, Exit, Launch, Place, each_place, namespaces_work, refusing, skipped};

/// Nobody's user id.
pub(super) const SOMEBODY: &str = "54321:54321";

/// castoff with a service that has these keys and runs this script.
pub(super) struct Case {
    pub(super) directory: Directory,
    spec: String,
}

impl Case {
    pub(super) fn new(name: &str, keys: &str, script: &str) -> Self {
        let directory = Directory::new(&format!("attributes-{name}"));
        let service = format!("[service.a]\ncommand = ['sh', '-c', '''{script}''']\n");
        let spec = directory.spec(&format!("{service}{}", keys.replace("$DIR", &directory.path(""))));
        Self { directory, spec }
    }

    pub(super) fn launch(&self) -> Launch {
        Launch::castoff(["--log-level", "warn", "--config", &self.spec])
    }

    /// What the script printed.
    pub(super) fn prints(&self, launch: Launch) -> String {
        let (exit, out, err) = launch.start().end();
        assert_eq!((exit, err.as_str()), (Exit::Code(0), ""), "{out}");
        out
    }
}

pub(super) trait Paths {
    fn path(&self, name: &str) -> String;
}

impl Paths for Directory {
    /// A path in it; itself without a `/` at the end for an empty name.
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().trim_end_matches('/').to_owned()
    }
}

pub(super) fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skipped("only root can give rights and take them");
    }
    root
}

/// Run by this user, who has these capabilities besides, as an engine gives them to who is
/// not root.
fn as_somebody(launch: Launch, capabilities: &[&str]) -> Launch {
    let names = capabilities.iter().map(|name| format!("+{name}")).collect::<Vec<_>>().join(",");
    let more = if names.is_empty() { names } else { format!("--inh-caps {names} --ambient-caps {names}") };
    launch.behind(&format!("exec setpriv --reuid 54321 --regid 54321 --clear-groups {more} -- \"$@\""))
}

fn status(fields: &str) -> String {
    format!("grep -E \"^({fields}):\" /proc/self/status | tr -d '\\t'")
}

#[test]
fn mask_priority_limits_and_score() {
    let keys = "umask = '0027'\nnice = 5\noom-score-adj = 100\nno-new-privs = true\n\
                limits = { nofile = '64:128', core = 0, as = '512M', cpu = 'unlimited' }\n";
    let script = "umask; nice; cat /proc/self/oom_score_adj; ulimit -n; ulimit -Hn; ulimit -c; ulimit -v; \
                  grep NoNewPrivs /proc/self/status";
    let case = Case::new("plain", keys, script);
    each_place(|place| {
        for options in [&[][..], &["--exec"]] {
            let said = case.prints(case.launch().arguments(options).place(place));
            assert_eq!(said, "0027\n5\n100\n64\n128\n0\n524288\nNoNewPrivs:\t1\n", "{place:?} {options:?}");
        }
    });
}

#[test]
fn where_memory_can_not_be_shared_it_is_all_the_same() {
    let case =
        Case::new("forked", "umask = '0027'\noom-score-adj = 100\n", "umask; cat /proc/self/oom_score_adj");
    let Some(launch) = refusing("clone:error=EPERM:when=1", case.launch()) else { return };
    assert_eq!(case.prints(launch), "0027\n100\n");
    let case = Case::new("forked-limit", "limits = { core = 0, nofile = 4000000000 }\n", "true");
    let Some(launch) = refusing("clone:error=EPERM:when=1", case.launch()) else { return };
    let (exit, _, err) = launch.start().end();
    assert_eq!(exit, Exit::Code(77), "{err}");
    assert!(err.contains("its limit can't be `nofile 4000000000`"), "{err}");
}

#[test]
fn castoff_itself_and_a_command_in_the_service_s_place_have_nothing_of_it() {
    let keys =
        "umask = '0027'\nnice = 5\noom-score-adj = 100\nno-new-privs = true\nlimits = { nofile = 64 }\n";
    let look = "cat /proc/$PPID/oom_score_adj; cut -d ' ' -f 19 /proc/$PPID/stat; \
                grep -E '^(Umask|NoNewPrivs):' /proc/$PPID/status; grep 'open files' /proc/$PPID/limits";
    let own = look.replace("$PPID", "self");
    let plain = Launch::program(["/bin/sh", "-c", &own]).start().end().1;
    let case = Case::new("itself", keys, look);
    each_place(|place| {
        assert_eq!(case.prints(case.launch().place(place)), plain, "{place:?}");
        let command = case.launch().arguments(&["--", "sh", "-c", &own]).place(place);
        assert_eq!(case.prints(command), plain, "{place:?}");
    });
}

#[test]
fn groups_come_to_those_of_the_user() {
    if !is_root() {
        return;
    }
    for (keys, expected) in [
        ("user = '54321:1'\ngroups = ['7', '9', '1']\n", "54321 1 1 7 9\n"),
        ("user = '54321:1'\n", "54321 1 1\n"),
    ] {
        let case = Case::new("groups", keys, "echo $(id -u) $(id -g) $(id -G)");
        each_place(|place| assert_eq!(case.prints(case.launch().place(place)), expected, "{keys}"));
    }
    let case = Case::new("more", "groups = ['54321']\n", "id -G");
    let own = Launch::program(["/usr/bin/id", "-G"]).start().end().1;
    assert_eq!(
        case.prints(case.launch()),
        format!("{} 54321\n", own.trim()),
        "of castoff's own none is lost"
    );
}

#[test]
fn the_environment_is_added_to_and_taken_from() {
    let all = [("A", "1"), ("B_X", "2"), ("B_Y", "3"), ("SECRET", "canary"), ("LANG", "C")];
    for (keys, expected) in [
        ("", "A=1 B_X=2 B_Y=3 LANG=C PATH"),
        ("remove = ['A', 'B_*', 'NONE']", "LANG=C PATH"),
        ("only = ['LANG', 'B_?']", "B_X=2 B_Y=3 LANG=C"),
        ("only = ['B_*'], remove = ['B_Y']", "B_X=2"),
        ("only = []", ""),
        (
            "only = ['A'], add = { A = '{{ LANG }}-{{ A }}', 'n.m' = '', B_X = '{ A }' }",
            "A=C-1 B_X={ A } n.m=",
        ),
        ("only = [], add = { PASS = '{{ SECRET }}' }", "PASS=canary"),
    ] {
        let declared = "[env.A]\n[env.LANG]\n[env.SECRET]\nsecret = true\n";
        let case = Case::new("environment", &format!("environment = {{ {keys} }}\n{declared}"), "");
        let spec = std::fs::read_to_string(&case.spec).unwrap();
        std::fs::write(&case.spec, spec.replace("'sh', '-c', ''''''", "'/usr/bin/env', '-0'")).unwrap();
        let launch = all
            .iter()
            .fold(case.launch(), |launch, (name, value)| launch.variable(&format!("{name}={value}")));
        let out = case.prints(launch);
        let mut seen: Vec<&str> = out.split_terminator('\0').collect();
        seen.sort_unstable();
        let seen: Vec<&str> =
            seen.iter().map(|pair| if pair.starts_with("PATH=") { "PATH" } else { pair }).collect();
        assert_eq!(seen.join(" "), expected, "{keys}");
    }
}

#[test]
fn mistakes_in_an_environment() {
    for (keys, code, said) in [
        ("environment = { add = { A = '{{ NAEM }}' } }\n[env.NAME]\n", 65, "there is no variable `NAEM`"),
        ("environment = { add = { A = '{{ NAME' } }\n[env.NAME]\n", 65, "error: "),
        ("environment = { add = { A = '{{ NAME }}' } }\n[env.NAME]\n", 65, "`NAME` is not set"),
        ("groups = ['no-such-group', '1']\n", 65, "there is no group `no-such-group`"),
    ] {
        let case = Case::new("mistakes", keys, "true");
        let (exit, _, err) = case.launch().start().end();
        assert_eq!(exit, Exit::Code(code), "{err}");
        assert!(err.contains(said), "{err}");
    }
}

#[test]
fn the_home_of_the_user_is_part_of_what_is_changed() {
    if !is_root() {
        return;
    }
    for (keys, expected) in [
        ("", "/"),
        ("environment = { remove = ['HOME'] }", "none"),
        ("environment = { add = { HOME = '/x' } }", "/x"),
    ] {
        let case = Case::new("home", &format!("user = '{SOMEBODY}'\n{keys}\n"), "echo ${HOME-none}");
        assert_eq!(case.prints(case.launch().variable("HOME=/root")), format!("{expected}\n"), "{keys}");
    }
}

#[test]
fn capabilities_are_bounded_and_given() {
    if !is_root() {
        return;
    }
    let look = status("CapInh|CapPrm|CapEff|CapBnd|CapAmb");
    let (kill, bind, nothing) = (0x20_u64, 0x400_u64, 0_u64);
    each_place(|place| {
        let own = Launch::program(["/bin/cat", "/proc/self/status"]).place(place).start().end().1;
        let full = |field: &str| capabilities(&own, field);
        for (keys, [inherited, effective, bounding, ambient]) in [
            // as root
            (
                "capabilities = { bounding = ['KILL', 'NET_BIND_SERVICE'] }",
                [nothing, kill | bind, kill | bind, nothing],
            ),
            ("capabilities = { bounding = 'none' }", [nothing; 4]),
            (
                "capabilities = { bounding = 'all' }",
                [full("CapInh"), full("CapBnd"), full("CapBnd"), nothing],
            ),
            (
                "capabilities = { bounding = ['KILL'], ambient = 'none' }\nno-new-privs = true",
                [nothing, kill, kill, nothing],
            ),
            // as somebody
            (
                "user = '54321:54321'\ncapabilities = { bounding = ['KILL'] }",
                [nothing, nothing, kill, nothing],
            ),
            (
                "user = '54321:54321'\ncapabilities = { ambient = ['KILL'] }",
                [kill, kill, full("CapBnd"), kill],
            ),
            (
                "user = '54321:54321'\nno-new-privs = true\n\
             capabilities = { bounding = ['KILL', 'CAP_NET_BIND_SERVICE'], ambient = ['net_bind_service'] }",
                [bind, bind, kill | bind, bind],
            ),
            ("user = '54321:54321'", [full("CapInh"), nothing, full("CapBnd"), nothing]),
        ] {
            let case = Case::new("capabilities", &format!("{keys}\n"), &look);
            let expected = format!(
                "CapInh:{inherited:016x}\nCapPrm:{effective:016x}\nCapEff:{effective:016x}\n\
             CapBnd:{bounding:016x}\nCapAmb:{ambient:016x}\n"
            );
            for options in [&[][..], &["--exec"]] {
                let said = case.prints(case.launch().arguments(options).place(place));
                assert_eq!(said, expected, "{keys} {place:?}");
            }
        }
    });
}

/// A set of a process, by its status.
fn capabilities(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("{field}:"))).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

#[test]
fn an_ambient_capability_is_one_that_works() {
    if !is_root() {
        return;
    }
    for (ambient, expected) in [("['DAC_READ_SEARCH']", "kept\n"), ("'none'", "refused\n")] {
        let keys = format!("user = '{SOMEBODY}'\ncapabilities = {{ ambient = {ambient} }}\n");
        let case = Case::new("works", &keys, "cat \"$FILE\" 2>/dev/null || echo refused");
        let file = case.directory.file("kept", 0o600, b"kept\n");
        assert_eq!(case.prints(case.launch().variable(&format!("FILE={file}"))), expected);
    }
}

#[test]
fn castoff_s_own_ambient_capabilities_go_to_no_other_user() {
    if !is_root() {
        return;
    }
    let held = ["setuid", "setgid", "kill", "setpcap"];
    let (all, kill) = (0x1e0, 0x20);
    for (keys, ambient) in [
        // an engine gave them to whom castoff runs as, and so to the service
        ("", all),
        ("user = '54321:54321'", all),
        ("capabilities = { ambient = ['KILL'] }", kill),
        ("capabilities = { ambient = 'none' }", 0),
        ("capabilities = { bounding = ['KILL'] }", kill),
        // who is somebody else gets what is said
        ("user = '4321:4321'", 0),
        ("user = '4321:4321'\ncapabilities = { bounding = ['KILL'] }", 0),
        ("user = '4321:4321'\ncapabilities = { ambient = ['KILL'] }", kill),
    ] {
        let case = Case::new("ambient", &format!("{keys}\n"), &status("CapEff|CapAmb"));
        let said = case.prints(as_somebody(case.launch(), &held));
        assert_eq!(said, format!("CapEff:{ambient:016x}\nCapAmb:{ambient:016x}\n"), "{keys}");
    }
}

#[test]
fn what_somebody_may_not_is_told_with_what_to_do() {
    if !is_root() {
        return;
    }
    let hard = std::fs::read_to_string("/proc/self/limits").unwrap();
    let hard = hard.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let hard: u64 = hard.split_whitespace().nth(4).unwrap().parse().unwrap();
    let more = format!("limits = {{ core = 0, nofile = {} }}", hard + 1);
    for (keys, said) in [
        ("nice = -5", &["its `nice` can't be -5: Permission denied", "--cap-add SYS_NICE"][..]),
        (
            "oom-score-adj = -1000",
            &["its `oom-score-adj` can't be -1000: Permission denied", "--oom-score-adj"],
        ),
        (&more, &["its limit can't be `nofile ", "castoff's own hard limit is `nofile ", "--ulimit nofile"]),
        (
            "capabilities = { bounding = ['KILL'] }",
            &["it keeps CHOWN: Operation not permitted", "CAP_SETPCAP"],
        ),
        (
            "capabilities = { ambient = ['KILL'] }",
            &["can't have the ambient capability KILL", "docker run --cap-add KILL"],
        ),
        ("groups = ['54321', '7']", &["its supplementary groups can't be set", "--group-add"]),
    ] {
        let case = Case::new("somebody", &format!("{keys}\n"), "echo started");
        for options in [&[][..], &["--exec"]] {
            let (exit, out, err) = as_somebody(case.launch().arguments(options), &[]).start().end();
            assert_eq!((exit, out.as_str()), (Exit::Code(77), ""), "{keys}: {err}");
            for said in said {
                assert!(err.contains("error: can't run `sh`: ") && err.contains(said), "{keys}: {err}");
            }
        }
    }
}

#[test]
fn what_somebody_may_is_done() {
    if !is_root() {
        return;
    }
    let keys = "groups = ['54321']\numask = '077'\nnice = 19\noom-score-adj = 1000\nno-new-privs = true\n\
                limits = { nofile = 64 }\ncapabilities = { ambient = 'none' }\nread-only-paths = ['/usr']\n";
    let case = Case::new("may", keys, "umask; nice; cat /proc/self/oom_score_adj; ulimit -n");
    assert_eq!(case.prints(as_somebody(case.launch(), &[])), "0077\n19\n1000\n64\n");
}

#[test]
fn a_score_without_proc_is_explained() {
    let case = Case::new("no-proc", "oom-score-adj = 100\n", "echo started");
    let Some(running) = without_proc(case.launch()) else { return };
    let (exit, out, err) = running;
    assert_eq!((exit, out.as_str()), (Exit::Code(66), ""), "{err}");
    assert!(
        err.contains("its `oom-score-adj` can't be 100: No such file") && err.contains("mount /proc"),
        "{err}"
    );
}

fn without_proc(launch: Launch) -> Option<(Exit, String, String)> {
    if !namespaces_work() {
        return None;
    }
    let script = "umount -l /proc && umount -l /proc 2>/dev/null; exec \"$@\"";
    Some(launch.behind(script).place(Place::Init).start().end())
}

#[test]
fn the_plan_shows_it_without_a_value() {
    let keys = "environment = { only = ['PATH', 'L*'], remove = ['A'], add = { PASS = '{{ SECRET }}' } }\n\
                umask = '0027'\nlimits = { as = '512M' }\ncapabilities = { bounding = ['KILL'] }\n\
                read-only-paths = ['/usr/lib']\n[env.SECRET]\nsecret = true\n";
    let case = Case::new("plan", keys, "true");
    let shown = case.prints(case.launch().arguments(&["--plan"]).variable("SECRET=canary"));
    let expected = "with    umask 0027; limits as 512M; bounding KILL; no-new-privs\n\
                    guard   /usr/lib  (read-only; nothing new in /, /usr)\n\
                    environ only PATH, L*; without A; with PASS\n";
    assert!(shown.ends_with(expected) && !shown.contains("canary"), "{shown}");
    let other = case.prints(case.launch().arguments(&["--plan", "--", "true"]));
    assert!(other.ends_with("run     true  supervised\n"), "{other}");
}
