//! castoff as the init that `docker run --init` uses: in an engine of the test's own, whose
//! init-path it is.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::docker::{Said, docker, skipped, wait_for};
use crate::images::binary;

/// What runs in the containers, with nothing else in their image: Debian's busybox-static.
const BUSYBOX: &str = "/bin/busybox";

/// A private dockerd, ended with its containers and files.
struct Engine {
    directory: PathBuf,
    daemon: Child,
}

impl Engine {
    /// An engine whose init-path is a link of this name to castoff, with an image `busybox`.
    /// `None`, said so, where none can be had.
    fn start(link: &str) -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        // a socket's path is short (unix(7))
        let directory = PathBuf::from(format!("/tmp/castoff-engine-{}-{number}", std::process::id()));
        if !Path::new(BUSYBOX).exists() {
            skipped(&format!("no {BUSYBOX} for an image"));
            return None;
        }
        if let Err(error) = Command::new("docker").arg("--version").output() {
            skipped(&format!("docker can't be run: {error}"));
            return None;
        }
        std::fs::create_dir_all(directory.join("image/bin")).unwrap();
        std::fs::copy(BUSYBOX, directory.join("image/bin/busybox")).unwrap();
        std::fs::write(directory.join("daemon.json"), "{}").unwrap();
        std::os::unix::fs::symlink(std::fs::canonicalize(binary()).unwrap(), directory.join(link)).unwrap();
        let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
        let log = std::fs::File::create(path("log")).unwrap();
        // in a network of its own: told to have no bridge, it removes the one called docker0,
        // which is another engine's
        let daemon = Command::new("unshare")
            .args(["--net", "dockerd"])
            .args(["--data-root", &path("data"), "--exec-root", &path("exec")])
            .args(["--host", &format!("unix://{}", path("socket")), "--pidfile", &path("pid")])
            .args(["--config-file", &path("daemon.json"), "--init-path", &path(link)])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let daemon = match daemon {
            Ok(daemon) => daemon,
            Err(error) => {
                let _ = std::fs::remove_dir_all(&directory);
                skipped(&format!("no engine of the test's own: dockerd can't be run: {error}"));
                return None;
            }
        };
        let mut engine = Self { directory, daemon };
        let answers = wait_for("the engine to answer", || match engine.daemon.try_wait().unwrap() {
            Some(_) => Some(false),
            None => (engine.docker(&["version"]).code == Some(0)).then_some(true),
        });
        if !answers {
            let log = engine.log();
            let last = log.lines().last().unwrap_or_default();
            skipped(&format!("no engine of the test's own: {last}"));
            return None;
        }
        let path = |name: &str| engine.directory.join(name).to_str().unwrap().to_owned();
        let (archive, image) = (path("image.tar"), path("image"));
        assert!(Command::new("tar").args(["-C", &image, "-cf", &archive, "."]).status().unwrap().success());
        assert_eq!(engine.docker(&["import", &archive, "busybox"]).code, Some(0));
        Some(engine)
    }

    fn docker(&self, arguments: &[&str]) -> Said {
        let host = format!("unix://{}/socket", self.directory.display());
        docker(&[&["--host", host.as_str()], arguments].concat())
    }

    /// `docker run --init OPTIONS busybox sh -c SCRIPT`
    fn run(&self, options: &[&str], script: &str) -> Said {
        let command = ["busybox", BUSYBOX, "sh", "-c", script];
        self.docker(&[&["run", "--init", "--network=none"], options, &command].concat())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- log of the engine\n{}", self.log());
        }
        // it takes its containers and its containerd along when it is asked to end
        if let Ok(None) = self.daemon.try_wait() {
            let pid = self.daemon.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
            let _ = self.daemon.wait();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn docker_run_init_uses_castoff() {
    let Some(engine) = Engine::start("docker-init") else { return };
    let said = engine.run(&["--rm"], "/sbin/docker-init --version; busybox cat /proc/1/cmdline; exit 7");
    assert_eq!(said.code, Some(7), "{}", said.stderr);
    assert!(said.stdout.starts_with("tini version 0.19.0 - castoff "), "{}", said.stdout);
    assert!(said.stdout.contains("/sbin/docker-init\0--\0/bin/busybox\0"), "{}", said.stdout);

    let missing = ["run", "--rm", "--init", "--network=none", "busybox", "/no-such-command"];
    let said = engine.docker(&missing);
    assert_eq!(said.code, Some(127), "{}", said.stderr);
    assert!(said.stderr.contains("/no-such-command"), "{}", said.stderr);
}

#[test]
fn docker_stop_reaches_the_program_through_it() {
    let Some(engine) = Engine::start("docker-init") else { return };
    let script = "trap 'echo told; exit 4' TERM; echo ready; while :; do busybox sleep 0.05; done";
    assert_eq!(engine.run(&["--detach", "--name=stopped"], script).code, Some(0));
    wait_for("the program to be ready", || {
        engine.docker(&["logs", "stopped"]).stdout.contains("ready").then_some(())
    });
    assert_eq!(engine.docker(&["stop", "--time=60", "stopped"]).code, Some(0));
    assert_eq!(engine.docker(&["logs", "stopped"]).stdout, "ready\ntold\n");
    assert_eq!(engine.docker(&["wait", "stopped"]).stdout, "4\n");
}

#[test]
fn dockerd_reads_its_version() {
    let Some(engine) = Engine::start("docker-init") else { return };
    let version = "{{range .Server.Components}}{{if eq .Name \"docker-init\"}}{{.Version}}{{end}}{{end}}";
    assert_eq!(engine.docker(&["version", "--format", version]).stdout, "0.19.0\n");
    let said = engine.docker(&["info", "--format", "{{.InitBinary}}"]);
    assert!(said.stdout.ends_with("/docker-init\n"), "{}", said.stdout);
    assert!(!engine.log().contains("failed to parse"), "{}", engine.log());
}

#[test]
fn by_its_own_name_it_serves_as_well() {
    // in the container it is /sbin/docker-init all the same; only dockerd, which asks it by
    // this name, finds no version of tini
    let Some(engine) = Engine::start("castoff") else { return };
    let said = engine.run(&["--rm"], "exit 7");
    assert_eq!(said.code, Some(7), "{}", said.stderr);
}
