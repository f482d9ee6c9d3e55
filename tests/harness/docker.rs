//! A place of the tests: PID 1 of a container that Docker makes, on this machine's own files.
//!
//! Docker hands neither descriptors on nor blocked signals, ignored ones or a sandbox of the
//! test's. So what the container begins with is the test program, as the probe `enter`: it gets
//! them over a socket and becomes the program, with Docker's namespaces, cgroup, rights and
//! seccomp profile. Its process id there is 1, and another one in the test's namespace.

#![allow(unsafe_code, reason = "descriptors that the kernel gives, and the steps to a program")]

use std::fs;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, getsockopt, recvmsg, sendmsg, sockopt::PeerCredentials,
};

use super::entrance::Entrance;
use super::launch::Launch;
use super::pty::Pty;
use super::running::LIMIT;

/// An image of nothing but where this machine's directories go.
const IMAGE: &str = "castoff-test/place:1";
/// More descriptors than a test hands on.
const MOST: usize = 16;
/// Above all numbers that a test wants a descriptor to have.
const ABOVE: RawFd = 500;

/// Whether each scenario is to run in Docker, and nowhere else.
pub(super) fn is_asked_for() -> bool {
    match std::env::var("TEST_PLACE") {
        Ok(place) => {
            assert_eq!(place, "docker", "TEST_PLACE can only be `docker`");
            true
        }
        Err(_) => false,
    }
}

/// `docker run -it` of castoff, as a person types it, for a terminal of the test's. `None` where Docker
/// is not asked for.
pub(crate) fn interactive(arguments: &[&str]) -> Option<Launch> {
    if !is_asked_for() {
        return None;
    }
    make_image();
    let mounts = mounts();
    let mounts: Vec<&str> = mounts.iter().map(String::as_str).collect();
    let docker = ["/usr/bin/env", "docker", "run", "--rm", "-it", "--env", "PS1=", "--network=none"];
    let launch =
        Launch::program(docker).arguments(&mounts).arguments(&[IMAGE, env!("CARGO_BIN_EXE_castoff")]);
    Some(launch.arguments(arguments).terminal(Pty::open()))
}

/// Starts the program, and gives its process id and the `docker run` that ends as it does.
pub(super) fn start(
    entrance: &Entrance,
    standard: [RawFd; 3],
    argv: &[String],
    environment: &[String],
) -> (i32, Child) {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    make_image();
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("castoff-place-{}-{number}", std::process::id());
    let socket = std::env::temp_dir().join(&name);
    let listener = UnixListener::bind(&socket).unwrap();
    let mut container = Command::new("docker")
        .args(["run", "--rm", "--log-driver=none", "--network=host", "--name", &name])
        .args(mounts())
        .arg("--workdir")
        .arg(std::env::current_dir().unwrap())
        .arg(IMAGE)
        .arg(std::env::current_exe().unwrap())
        .args(["--probe", "enter"])
        .arg(&socket)
        .args(entrance.words())
        .arg("--")
        .args(environment)
        .arg("--")
        .args(argv)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let stream = accepted(&listener, &mut container);
    fs::remove_file(&socket).unwrap();
    let pid = getsockopt(&stream, PeerCredentials).unwrap().pid();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")), "{status}");
    let handed = entrance.descriptors.iter().map(|(descriptor, _)| *descriptor).chain(entrance.held);
    let handed: Vec<RawFd> = standard.into_iter().chain(handed).collect();
    assert!(handed.len() <= MOST);
    let rights = [ControlMessage::ScmRights(&handed)];
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(b"x")], &rights, MsgFlags::empty(), None).unwrap();
    (pid, container)
}

fn accepted(listener: &UnixListener, container: &mut Child) -> UnixStream {
    listener.set_nonblocking(true).unwrap();
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LIMIT, "no container came");
        if let Ok((stream, _)) = listener.accept() {
            return stream;
        }
        if let Some(status) = container.try_wait().unwrap() {
            panic!("docker run: {status}");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// In the container: takes what `start` hands on and becomes the program.
pub(super) fn enter(arguments: &[String]) -> ! {
    let (socket, words) = arguments.split_first().unwrap();
    let mut parts = words.splitn(3, |word| word == "--");
    let [words, environment, argv] = [(); 3].map(|()| parts.next().unwrap());
    let stream = UnixStream::connect(socket).unwrap();
    let mut handed = received(&stream).into_iter();
    let standard = [(); 3].map(|()| handed.next().unwrap());
    let steps = Entrance::of_words(words, &mut handed).steps(standard, argv, environment);
    // SAFETY: the container's only process, which has one thread.
    unsafe { steps.take() }
}

/// The descriptors, by numbers that nobody has asked for.
fn received(stream: &UnixStream) -> Vec<RawFd> {
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let mut room = nix::cmsg_space!([RawFd; MOST]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut bytes, Some(&mut room), flags).unwrap();
    let mut descriptors = Vec::new();
    for part in message.cmsgs().unwrap() {
        if let ControlMessageOwned::ScmRights(given) = part {
            descriptors.extend(given);
        }
    }
    // SAFETY: the kernel has just made them.
    let owned = descriptors.into_iter().map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) });
    owned.map(|descriptor| fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(ABOVE)).unwrap()).collect()
}

/// The programs, libraries and accounts are this machine's, and so are castoff and what the tests write.
fn mounts() -> Vec<String> {
    let target = Path::new(env!("CARGO_BIN_EXE_castoff")).parent().unwrap().parent().unwrap();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let temporary = std::env::temp_dir();
    let mut mounts: Vec<String> = ["/usr", "/etc"].map(|path| format!("{path}:{path}:ro")).to_vec();
    mounts.extend([target, package, &temporary].map(|path| format!("{0}:{0}", path.display())));
    mounts.sort();
    mounts.dedup();
    mounts.into_iter().flat_map(|mount| ["--volume".to_owned(), mount]).collect()
}

fn make_image() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        let script = "set -e; docker image inspect \"$0\" >/dev/null 2>&1 && exit; root=$(mktemp -d); trap 'rm -rf \"$root\"' EXIT; cd \"$root\"
            mkdir -p usr etc proc sys dev run root tmp var/tmp; chmod 1777 tmp var/tmp
            for each in bin sbin lib lib64; do
                if [ -L /$each ]; then cp -a /$each .; else echo \"/$each is no link\" >&2; exit 1; fi
            done
            tar -c . | docker import - \"$0\" >/dev/null";
        let made = Command::new("sh").args(["-c", script, IMAGE]).status().unwrap();
        assert!(made.success(), "no image can be made");
    });
}
