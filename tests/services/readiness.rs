//! When a service counts as ready.

use super::{Services, polite, shell};
use crate::harness::{Exit, each_place, skipped};

const NOTIFY: &str = "import os, socket, sys, time\n\
    address = os.environ['NOTIFY_SOCKET'].replace('@', '\\0', 1)\n\
    def say(text):\n    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n    s.sendto(text.encode(), address)\n";

/// The second service starts only when the first one is ready; `$DIR/go` makes it so.
fn waits_for_ready(name: &str, script: &str, ready: &str) {
    each_place(|place| {
        let first = shell("first", script, &format!("ready = {ready}\nstop-is-success = true"));
        let services = Services::new(name, &[first, polite("second", "after = [\"first\"]")].concat());
        let spec = std::fs::read_to_string(&services.spec).unwrap();
        let spec = spec.replace("$HERE", services.directory.0.to_str().unwrap());
        std::fs::write(&services.spec, spec).unwrap();
        let mut castoff = services.start(place);
        castoff.expect("started");
        services.directory.file("go", 0o644, b"");
        castoff.expect("ready");
        castoff.expect("second up");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn by_sd_notify() {
    let script = format!(
        "exec python3 -u -c \"{NOTIFY}\nprint('started')\nwhile not os.path.exists(os.environ['DIR'] + '/go'):\n    \
         time.sleep(0.01)\nprint('ready')\nsay('STATUS=busy\\nREADY=1')\ntime.sleep(1000)\""
    );
    waits_for_ready("notify", &script, "{ notify = true }");
}

const GO: &str = "echo started; while [ ! -e $DIR/go ]; do sleep 0.01; done; echo ready";

#[test]
fn by_a_line_on_a_descriptor() {
    let script = format!("{GO}; echo >&7; exec sleep 1000");
    waits_for_ready("descriptor", &script, "{ fd = 7 }");
}

#[test]
fn by_a_file() {
    let script = format!("{GO}; touch $DIR/there; exec sleep 1000");
    waits_for_ready("file", &script, "{ file = \"$HERE/there\", interval = \"50ms\" }");
}

#[test]
fn who_is_told_to_end_before_it_is_ready_can_still_say_that_it_is() {
    each_place(|place| {
        let script = "trap 'echo >&9; echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done";
        let services = Services::new("late", &shell("first", script, "ready = { fd = 9 }"));
        let mut castoff = services.start(place);
        castoff.expect("up");
        castoff.signal(libc::SIGTERM);
        castoff.expect("bye");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn by_a_socket() {
    let script = format!(
        "{GO}; exec python3 -c \"import os, socket, time\ns = socket.socket(socket.AF_UNIX)\n\
         s.bind(os.environ['DIR'] + '/s')\ns.listen()\ntime.sleep(1000)\""
    );
    waits_for_ready("socket", &script, "{ unix = \"$HERE/s\", interval = \"50ms\" }");
}

#[test]
fn by_a_command() {
    let script = format!("{GO}; touch $DIR/there; exec sleep 1000");
    waits_for_ready(
        "command",
        &script,
        "{ command = [\"sh\", \"-c\", \"test -e $DIR/there\"], interval = \"50ms\" }",
    );
}

#[test]
fn by_http_and_tcp() {
    if !std::path::Path::new("/usr/bin/python3").exists() {
        skipped("no python3 to serve");
        return;
    }
    for (at, kind) in ["http = \"http://127.0.0.1:PORT/\"", "tcp = \"127.0.0.1:PORT\""].iter().enumerate() {
        let port = free_port();
        let script =
            format!("{GO}; cd $DIR; exec python3 -m http.server --bind 127.0.0.1 {port} 2>/dev/null");
        let ready = format!("{{ {}, interval = \"50ms\" }}", kind.replace("PORT", &port.to_string()));
        waits_for_ready(&format!("served-{at}"), &script, &ready);
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn who_is_not_ready_in_time_is_stopped_and_has_failed() {
    let rest = "ready = { file = \"/nowhere/at/all\", timeout = \"200ms\" }";
    let services = Services::new("late", &[shell("app", "exec sleep 1000", rest), polite("b", "")].concat());
    each_place(|place| {
        let (exit, _, err) = services.start(place).end();
        assert_eq!(exit, Exit::Code(143), "{place:?}");
        assert!(err.contains("app was not ready after 200ms and is stopped"), "{err}");
    });
}

#[test]
fn who_gives_no_sign_of_life_is_aborted() {
    let script = format!(
        "exec python3 -u -c \"{NOTIFY}\nsay('READY=1')\nassert int(os.environ['WATCHDOG_USEC']) == 2000000\n\
         for _ in range(4):\n    time.sleep(0.6)\n    say('WATCHDOG=1')\nprint('silent')\ntime.sleep(1000)\""
    );
    let rest = "ready = { notify = true }\nwatchdog = \"2s\"";
    let services = Services::new("watchdog", &[shell("app", &script, rest), polite("b", "")].concat());
    each_place(|place| {
        let (exit, out, err) = services.start(place).end();
        assert_eq!(exit, Exit::Code(134), "{place:?}: {err}");
        assert!(out.contains("silent"), "{out}");
        assert!(err.contains("app gave no sign of life for 2s and is aborted"), "{err}");
    });
}

#[test]
fn a_service_can_go_on_as_another_process() {
    // the first process ends at once after it has said so; the new one stays in its group
    let script = format!(
        "exec python3 -u -c \"{NOTIFY}\nfirst = os.getpid()\nchild = os.fork()\nif child:\n    \
         say('READY=1\\nMAINPID=%d' % child)\n    os._exit(3)\nwhile os.getppid() == first:\n    time.sleep(0.01)\n\
         print('alone')\nfor _ in range(5):\n    say('WATCHDOG=1')\n    time.sleep(0.6)\nprint('ends')\nos._exit(7)\""
    );
    let rest = "ready = { notify = true }\nwatchdog = \"2s\"";
    let services = Services::new("main-process", &[shell("app", &script, rest), polite("b", "")].concat());
    each_place(|place| {
        let (exit, out, err) = services.start(place).end();
        assert!(out.contains("alone") && out.contains("ends"), "{place:?}: {out}{err}");
        assert_eq!(exit, Exit::Code(7), "{place:?}: {err}");
    });
}

#[test]
fn its_descriptor_may_have_any_number() {
    // castoff has descriptors of its own under some of these, the one that confines it too
    let service = |fd: i32| {
        let rest = format!(
            "ready = {{ fd = {fd}, timeout = \"20s\" }}\nread-only-paths = [\"/usr\"]\nstop-is-success = true"
        );
        shell(&format!("fd{fd}"), &format!("echo >&{fd}; exec sleep 1000"), &rest)
    };
    let names: Vec<String> = (3..=9).map(|fd| format!("\"fd{fd}\"")).collect();
    let last = polite("last", &format!("after = [{}]", names.join(", ")));
    let services = Services::new("numbers", &[(3..=9).map(service).collect(), last].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.expect("last up");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn others_can_t_say_that_a_service_is_ready() {
    // another service of the same user, in a group of its own
    let liar = format!(
        "exec python3 -u -c \"{NOTIFY}\nimport glob\nwhile not os.path.exists(os.environ['DIR'] + '/address'):\n    \
         time.sleep(0.01)\naddress = open(os.environ['DIR'] + '/address').read().strip().replace('@', chr(0), 1)\n\
         os.setresuid(65534, 65534, 65534)\nsay('READY=1')\nprint('lied')\ntime.sleep(1000)\""
    );
    let app = "echo \"$NOTIFY_SOCKET\" >$DIR/x; mv $DIR/x $DIR/address; exec sleep 1000";
    let lines = [
        shell("app", app, "ready = { notify = true, timeout = \"5s\" }"),
        shell("liar", &liar, "ready = { notify = true }\nessential = false"),
        polite("next", "after = [\"app\"]"),
    ];
    if !nix::unistd::geteuid().is_root() {
        skipped("not root, so nobody can be somebody else");
        return;
    }
    let services = Services::new("liar", &lines.concat());
    std::fs::set_permissions(&services.directory.0, std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .unwrap();
    let (exit, out, err) = services.launch().start().end();
    assert_eq!(exit, Exit::Code(143), "{err}");
    assert!(out.contains("lied") && !out.contains("next up"), "{out}");
    assert!(err.contains("app was not ready"), "{err}");
}
