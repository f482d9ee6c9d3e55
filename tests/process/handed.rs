//! Sockets and a notification socket that castoff was handed for its service
//! (sd_listen_fds(3), sd_notify(3)).

use std::os::fd::AsRawFd;

use crate::harness::{Directory, Exit, Launch, Place, Running, each_place, refusing};

/// What the service says of what it was given.
const LOOK: &str = r#"[ "$LISTEN_PID" = $$ ] && echo mine || echo of $LISTEN_PID
echo $LISTEN_FDS ${LISTEN_FDNAMES-no names} ${LISTEN_PIDFDID-no pidfd} ${NOTIFY_SOCKET-no notify}
echo through >&3; read x; exit 5"#;

/// castoff by a shell that gives it the variables; `$$` is castoff's own id there.
fn handed(variables: &str, castoff: &str, place: Place, writer: &impl AsRawFd) -> Running {
    let script = format!("export {variables}; exec {} {castoff} sh -c \"$0\"", env!("CARGO_BIN_EXE_castoff"));
    Launch::program(["/bin/sh", "-c", &script, LOOK]).place(place).descriptor(writer.as_raw_fd(), 3).start()
}

/// Whether castoff itself has the pipe; its signalfd may have taken the number.
fn keeps(castoff: &Running) -> bool {
    let third = std::fs::read_link(format!("/proc/{}/fd/3", castoff.pid));
    third.is_ok_and(|third| third.to_str().unwrap().starts_with("pipe:"))
}

#[test]
fn the_service_finds_its_own_id_in_listen_pid() {
    let directory = Directory::new("handed");
    let spec = directory.spec("[service.a]\ncommand = [\"unused\"]\n");
    each_place(|place| {
        // As plain init, after the seal, and in castoff's place.
        for castoff in ["--".to_owned(), format!("--config {spec} --"), "--exec --".to_owned()] {
            let (reader, writer) = std::io::pipe().unwrap();
            let variables = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web NOTIFY_SOCKET=/run/n";
            let mut castoff_runs = handed(variables, &castoff, place, &writer);
            castoff_runs.expect("mine");
            castoff_runs.expect("1 web no pidfd /run/n");
            drop(writer);
            let mut through = [0; 8];
            std::io::Read::read_exact(&mut &reader, &mut through).unwrap();
            assert_eq!(&through, b"through\n");
            assert!(keeps(&castoff_runs), "{place:?} {castoff}");
            castoff_runs.close_input();
            assert_eq!(castoff_runs.wait(), Exit::Code(5), "{place:?} {castoff}");
        }
    });
}

#[test]
fn castoff_s_pidfd_is_not_taken_for_the_service_s() {
    each_place(|place| {
        let (_reader, writer) = std::io::pipe().unwrap();
        let mut castoff = handed("LISTEN_PIDFDID=77 LISTEN_PID=$$ LISTEN_FDS=1", "--", place, &writer);
        castoff.expect("mine");
        castoff.expect("1 no names no pidfd no notify");
    });
}

#[test]
fn what_is_handed_to_somebody_else_is_left_as_it_is_and_not_kept() {
    each_place(|place| {
        let (_reader, writer) = std::io::pipe().unwrap();
        let variables = "LISTEN_PID=99999999 LISTEN_PIDFDID=77 LISTEN_FDS=1";
        let mut castoff = handed(variables, "--", place, &writer);
        castoff.expect("of 99999999");
        castoff.expect("1 no names 77 no notify");
        castoff.until("castoff to have let go of it", |castoff| !keeps(castoff));
    });
}

#[test]
fn listen_pid_is_right_where_memory_can_t_be_shared() {
    let script = format!(
        "export LISTEN_PID=$$ LISTEN_FDS=0; exec {} -- sh -c '[ $LISTEN_PID = $$ ] && exit 4'",
        env!("CARGO_BIN_EXE_castoff")
    );
    let launch = Launch::program(["/bin/sh", "-c", &script]);
    let Some(launch) = refusing("clone:error=EPERM:when=1", launch) else { return };
    assert_eq!(launch.start().wait(), Exit::Code(4));
}
