//! Checks of services that run, and what `--healthcheck` says of them.

use std::net::TcpListener;

use super::asked::Case;
use crate::harness::{each_place, skipped};

#[test]
fn a_check_that_fails_makes_a_service_unhealthy_and_does_not_stop_it() {
    each_place(|place| {
        let case = Case::new(&format!("health-file-{place:?}"));
        let well = case.directory.file("well", 0o644, b"");
        let services = format!(
            "[service.web]\ncommand = [\"sh\", \"-c\", \"echo web; exec sleep 1000\"]\n\
             check = {{ file = \"{well}\", interval = \"50ms\", timeout = \"20ms\", retries = 2 }}\n\
             [service.other]\ncommand = [\"sleep\", \"1000\"]\nessential = false\n\
             ready = {{ file = \"/nowhere/to/be/seen\" }}\n"
        );
        let mut castoff = case.launch(&services).place(place).start();
        castoff.expect("web");
        case.until_healthy(&mut castoff);
        for _ in 0..2 {
            std::fs::remove_file(&well).unwrap();
            castoff.told_that("was not ready within 20ms");
            castoff.told_that("web is unhealthy: 2 checks in a row have failed");
            let (code, line) = case.healthcheck();
            assert_eq!(code, 1);
            assert!(line.starts_with("web is unhealthy: ") && line.lines().count() == 1, "{line}");
            std::fs::write(&well, "").unwrap();
            castoff.told_that("web is healthy again");
            assert_eq!(case.healthcheck(), (0, String::new()));
        }
    });
}

#[test]
fn a_web_server_is_checked_by_what_it_answers() {
    if !std::path::Path::new("/usr/bin/python3").exists() {
        return skipped("no python3 to serve with");
    }
    let case = Case::new("health-http");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let directory = case.directory.0.join("served");
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join("well"), "").unwrap();
    let services = format!(
        "[service.web]\ncommand = [\"/usr/bin/python3\", \"-m\", \"http.server\", \"--bind\", \"127.0.0.1\", \"{port}\"]\n\
         working-directory = \"{}\"\nready = {{ tcp = \"127.0.0.1:{port}\" }}\n\
         check = {{ http = \"http://127.0.0.1:{port}/well\", interval = \"50ms\", timeout = \"2s\", retries = 1 }}\n",
        directory.display()
    );
    let mut castoff = case.launch(&services).start();
    castoff.told_that("web is ready");
    case.until_healthy(&mut castoff);
    std::fs::remove_file(directory.join("well")).unwrap();
    castoff.told_that("404");
    castoff.told_that("web is unhealthy: a check has failed");
    assert_eq!(case.healthcheck().0, 1);
    std::fs::write(directory.join("well"), "").unwrap();
    castoff.told_that("web is healthy again");
    assert_eq!(case.healthcheck().0, 0);
}

#[test]
fn the_plan_says_how_a_service_is_checked() {
    let case = Case::new("health-plan");
    let mut castoff = case
        .launch(
            "[service.web]\ncommand = [\"true\"]\ncheck = { tcp = \"127.0.0.1:80\", interval = \"5m\" }\n",
        )
        .arguments(&["--plan"])
        .start();
    castoff.expect("nothing has to be written");
    assert!(castoff.line().contains(", healthy while 127.0.0.1:80 is there, looked at every 5m, "));
}

#[test]
fn who_is_not_ready_is_named() {
    let case = Case::new("health-ready");
    let seen = case.directory.0.join("seen");
    let services = format!(
        "[service.web]\ncommand = [\"sh\", \"-c\", \"echo web; exec sleep 1000\"]\n\
         ready = {{ file = \"{}\", interval = \"10ms\" }}\n\
         [service.php]\ncommand = [\"sleep\", \"1000\"]\nafter = [\"web\"]\n",
        seen.display()
    );
    let mut castoff = case.launch(&services).start();
    castoff.expect("web");
    let (code, line) = case.healthcheck();
    assert_eq!((code, line.as_str()), (1, "web is not ready but starting; php is not ready but down\n"));
    std::fs::write(&seen, "").unwrap();
    case.until_healthy(&mut castoff);
}
