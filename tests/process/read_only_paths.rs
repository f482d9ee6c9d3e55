//! Paths that a service can't write beneath: each way of writing is tried, by the owner of the
//! files and by root.

use super::attributes::{Case, Paths, SOMEBODY, is_root};
use crate::harness::{Exit, Place, each_place, landlock_works, namespaces_work};

/// Each command on a line of its own, told by whether it succeeded.
fn tries(commands: &[&str]) -> String {
    commands
        .iter()
        .map(|command| format!("if ({command}) >/dev/null 2>&1; then echo yes; else echo no; fi\n"))
        .collect()
}

/// A directory `d` with the protected `d/www`, files and directories beside it, all of
/// somebody's.
fn guarded(name: &str, keys: &str, script: &str) -> Case {
    let case = Case::new(name, keys, &format!("cd \"$DIR/d\"\n{script}"));
    let made = |name: &str| std::fs::create_dir_all(case.directory.0.join(name)).unwrap();
    ["d/www/sub", "d/beside/sub", "d/other"].into_iter().for_each(made);
    for name in ["d/www/file", "d/www/sub/file", "d/file", "d/beside/file", "d/beside/second"] {
        case.directory.file(name, 0o644, b"content");
    }
    std::os::unix::fs::symlink(case.directory.path("d/www"), case.directory.path("d/link")).unwrap();
    if nix::unistd::geteuid().is_root() {
        let chown =
            std::process::Command::new("chown").args(["-R", SOMEBODY, &case.directory.path("d")]).status();
        assert!(chown.unwrap().success());
    }
    case
}

/// What is refused where `d/www` can't be written beneath.
const REFUSED: [&str; 25] = [
    "echo x >www/file",
    "echo x >>www/file",
    "echo x >www/sub/file",
    "echo x >link/file",
    ": >www/file",
    "truncate -s 0 www/file",
    "echo x >www/new",
    "mkdir www/new",
    "mkfifo www/new",
    "ln -s x www/new",
    "rm www/file",
    "rm -r www/sub",
    "mv www/file www/new",
    "mv -T www/sub www/new",
    "perl -e 'exit !rename \"www/file\", \"beside/taken\"'",
    "perl -e 'exit !rename \"beside/file\", \"www/new\"'",
    "perl -e 'exit !rename \"beside/file\", \"www/file\"'",
    "ln www/file beside/name",
    "ln beside/file www/name",
    "mv -T www away",
    "perl -e 'exit !truncate \"www/file\", 0'",
    // the price: nothing new beside it
    "echo x >new",
    "mkdir new",
    "rm file",
    "mv beside new",
];

/// What is not.
const ALLOWED: [&str; 11] = [
    "cat www/file www/sub/file",
    "ls www",
    "echo x >file",
    "echo x >beside/file",
    "echo x >beside/new",
    "mkdir beside/sub/deep",
    "perl -e 'exit !rename \"beside/second\", \"other/second\"'",
    "rm beside/new",
    "echo x >/dev/null",
    "echo x >/dev/stderr",
    "echo 200 >/proc/self/oom_score_adj",
];

#[test]
fn nobody_writes_beneath_a_read_only_path() {
    if !landlock_works() {
        return;
    }
    let script = tries(&REFUSED) + &tries(&ALLOWED);
    for who in ["", "user = '54321:54321'\n"] {
        if !who.is_empty() && !is_root() {
            continue;
        }
        for path in ["www", "link"] {
            let case = guarded("guarded", &format!("{who}read-only-paths = ['$DIR/d/{path}']\n"), &script);
            let launch = case.launch().variable(&format!("DIR={}", case.directory.path("")));
            let said = case.prints(launch);
            let said: Vec<&str> = said.lines().collect();
            for (command, said) in REFUSED.iter().zip(&said) {
                assert_eq!(*said, "no", "{who} {command}");
            }
            for (command, said) in ALLOWED.iter().zip(&said[REFUSED.len()..]) {
                assert_eq!(*said, "yes", "{who} {command}");
            }
            let file = std::fs::read_to_string(case.directory.path("d/www/file")).unwrap();
            assert_eq!(file, "content", "{who}");
        }
    }
}

#[test]
fn all_of_that_works_without_it() {
    for command in REFUSED {
        let case = guarded("control", "", &tries(&[command]));
        let launch = case.launch().variable(&format!("DIR={}", case.directory.path("")));
        assert_eq!(case.prints(launch), "yes\n", "{command}");
    }
}

#[test]
fn several_paths_files_and_mounts_are_guarded() {
    if !landlock_works() {
        return;
    }
    let commands = [
        ("echo x >www/sub/file", "no"),
        ("echo x >www/file", "yes"),
        ("echo x >www/new", "no"),
        ("echo x >beside/file", "no"),
        ("echo x >beside/second", "yes"),
        ("echo x >other/new", "yes"),
    ];
    let script = tries(&commands.map(|(command, _)| command));
    let keys = "read-only-paths = ['$DIR/d/www/sub', '$DIR/d/beside/file']\n";
    let expected: String = commands.iter().map(|(_, said)| format!("{said}\n")).collect();
    each_place(|place| {
        for options in [&[][..], &["--exec"]] {
            let case = guarded("several", keys, &script);
            let launch =
                case.launch().arguments(options).variable(&format!("DIR={}", case.directory.path("")));
            assert_eq!(case.prints(launch.place(place)), expected, "{place:?} {options:?}");
        }
    });
    if !is_root() || !namespaces_work() {
        return;
    }
    let commands = ["echo x >www/new", "echo x >www/mounted/new", "echo x >beside/new", "echo x >new"];
    let case = guarded("mounts", "read-only-paths = ['$DIR/d/www']\n", &tries(&commands));
    let mounts = "mount -t tmpfs none $DIR/d && mkdir $DIR/d/www $DIR/d/beside && \
                  mount -t tmpfs none $DIR/d/www && mkdir $DIR/d/www/mounted && \
                  mount -t tmpfs none $DIR/d/www/mounted && mount -t tmpfs none $DIR/d/beside && exec \"$@\"";
    let launch = case.launch().behind(mounts).place(Place::Init);
    let launch = launch.variable(&format!("DIR={}", case.directory.path("")));
    assert_eq!(case.prints(launch), "no\nno\nyes\nno\n");
}

#[test]
fn a_link_to_the_root_protects_all_there_is() {
    if !landlock_works() {
        return;
    }
    let script = "exec 2>&-; echo x >beside/file && echo wrong; echo x >/dev/null && echo wrong; echo end";
    let case = guarded("root", "read-only-paths = ['$DIR/d/root']\n", script);
    std::os::unix::fs::symlink("/", case.directory.path("d/root")).unwrap();
    let launch = case.launch().variable(&format!("DIR={}", case.directory.path("")));
    assert_eq!(case.prints(launch), "end\n");
}

#[test]
fn what_the_output_goes_to_can_be_opened_by_its_name() {
    if !landlock_works() {
        return;
    }
    // a file that no path leads to has no other rule
    let outer = "log=$DIR/d/log; exec 3>&1 >$log 4<$log; rm $log; \"$@\" 3>&- 4<&-; cat <&4 >&3";
    let script = "echo x >/dev/stdout; : >new && echo wrong; true";
    let case =
        guarded("output", "read-only-paths = ['$DIR/d/www']\n", &format!("exec 2>/dev/null; {script}"));
    let launch = case.launch().behind(outer).variable(&format!("DIR={}", case.directory.path("")));
    assert_eq!(case.prints(launch), "x\n");
}

#[test]
fn a_path_that_is_not_there_can_not_be_protected() {
    let case = Case::new("missing", "read-only-paths = ['/usr', '/no/such']\n", "echo started");
    let (exit, out, err) = case.launch().start().end();
    assert_eq!((exit, out.as_str()), (Exit::Code(66), ""), "{err}");
    assert!(err.contains("can't run `sh`: its read-only path `/no/such`: No such file"), "{err}");
}

#[test]
fn without_landlock_the_service_runs_and_that_is_said_once() {
    let case = guarded("without", "read-only-paths = ['$DIR/d/www']\n", "echo x >www/new && cat www/new");
    for options in [&[][..], &["--exec"]] {
        let launch = case.launch().arguments(options).denied(&[libc::SYS_landlock_create_ruleset]);
        let (exit, out, err) = launch.variable(&format!("DIR={}", case.directory.path(""))).start().end();
        assert_eq!((exit, out.as_str()), (Exit::Code(0), "x\n"), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.starts_with("castoff: warning: nothing keeps the service from writing"), "{err}");
    }
}
