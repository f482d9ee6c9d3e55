//! WordPress served by nginx and php-fpm: its pages, its secrets, its stops and restarts.

use std::time::SystemTime;

use crate::docker::{Container, Volume, docker_ok, missing};
use crate::images::images;
use crate::site::{CANARY, PASSWORD, READ_PASSWORD, SMTP_PASSWORD, Site, start_php_fpm, wait_until_ready};

const CONFIG: &str = "/usr/share/wordpress/wp-config.php";

/// The lines of wp-config.php that define the salts.
fn salts(php_fpm: &Container) -> Vec<String> {
    let config = php_fpm.exec(&["cat", CONFIG]);
    let is_salt = |line: &&str| line.contains("_KEY'") || line.contains("_SALT'");
    let salts: Vec<String> = config.lines().filter(is_salt).map(str::to_owned).collect();
    assert_eq!(salts.len(), 8, "{config}");
    for (number, line) in salts.iter().enumerate() {
        assert_eq!(line.split('\'').nth(3).map(str::len), Some(64), "{line}");
        assert!(!salts[..number].contains(line));
    }
    salts
}

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// Stops a container; how long that took, in seconds, by the engine's own record.
fn stop(container: &Container) -> f64 {
    let asked = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    docker_ok(&["stop", "--time=60", &container.0]);
    // 2026-11-21T13:05:22.716Z
    let finished = container.inspect(".State.FinishedAt");
    let (_, time) = finished.trim_end_matches('Z').split_once('T').unwrap();
    let finished = time.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap());
    (finished - asked.as_secs_f64() % DAY).rem_euclid(DAY)
}

fn assert_stops_well(container: &Container) {
    let took = stop(container);
    assert!(took < 1.0, "it took {took} s");
    assert_eq!(container.inspect(".State.ExitCode"), "0", "{}", container.log(""));
}

#[test]
fn a_site_answers_keeps_its_secrets_and_restarts() {
    if missing() {
        return;
    }
    let site = Site::start();
    site.assert_install_page();
    assert_front_page_sends_to_the_installation(&site);
    assert_files_that_are_nobodys_business(&site);
    assert_files(&site);
    assert_log(&site);
    assert_no_secret_leaves_the_files(&site);

    let salts_before = salts(&site.php_fpm);
    // castoff may have said something before Docker calls the container started
    let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).output().unwrap();
    let since = String::from_utf8(now.stdout).unwrap().trim().to_owned();
    docker_ok(&["restart", &site.php_fpm.0]);
    docker_ok(&["restart", &site.nginx.0]);
    wait_until_ready(&site.php_fpm, &since);
    site.assert_install_page();
    let log = site.php_fpm.log(&since);
    assert!(log.contains("nothing had to be written"), "{log}");
    assert!(!log.contains("wrote") && !log.contains("generated") && !log.contains("corrected"), "{log}");
    assert_eq!(salts(&site.php_fpm), salts_before);

    assert_stops_well(&site.nginx);
    assert_stops_well(&site.php_fpm);
}

/// The port that the visitor came by is kept.
fn assert_front_page_sends_to_the_installation(site: &Site) {
    let page = site.page("/");
    let location = format!("Location: http://{}/wp-admin/install.php", site.nginx.address(80));
    assert_eq!(page.status, 302, "{}", page.body);
    assert!(page.head.contains(&location), "{}", page.head);
}

fn assert_files_that_are_nobodys_business(site: &Site) {
    for (path, status) in [
        ("/wp-includes/css/buttons.css", 200),
        ("/wp-content/themes/twentytwentythree/style.css", 200),
        ("/wp-content/index.php", 404),
        ("/.castoff/generated", 404),
        ("/wp-content/.htaccess", 404),
        ("/.htaccess", 404),
        ("/wp-includes/css/buttons.css/x.php", 404),
        // only php-fpm's container has it
        ("/wp-config.php", 404),
    ] {
        assert_eq!(site.page(path).status, status, "{path}");
    }
}

fn assert_files(site: &Site) {
    for (path, expected) in [
        (CONFIG, "root:www-data 640"),
        ("/etc/ssmtp/ssmtp.conf", "root:mail 640"),
        ("/etc/php/8.2/fpm/php-fpm.conf", "root:root 644"),
        ("/var/lib/wordpress/.castoff", "root:root 700"),
        ("/var/lib/wordpress/.castoff/generated", "root:root 600"),
    ] {
        assert_eq!(site.php_fpm.exec(&["stat", "--format=%U:%G %a", path]), expected, "{path}");
    }
    // PHP reads back the very password that was given
    assert_eq!(site.php_fpm.exec(&["php", "-r", READ_PASSWORD]), PASSWORD);
    let ssmtp = site.php_fpm.exec(&["cat", "/etc/ssmtp/ssmtp.conf"]);
    for line in [&format!("AuthPass={SMTP_PASSWORD}"), "mailhub=mail.example.com:587", "UseSTARTTLS=YES"] {
        assert!(ssmtp.lines().any(|found| found == line), "{ssmtp}");
    }
}

/// The log says what castoff did, and nothing there is a complaint.
fn assert_log(site: &Site) {
    let log = site.php_fpm.log("");
    assert!(log.contains(&format!("wrote {CONFIG}")), "{log}");
    let log = log + &site.nginx.log("");
    for complaint in ["warn", "WARN", "error", "ERROR", "emerg", "alert", "deprecated"] {
        assert!(!log.contains(complaint), "{complaint} is in {log}");
    }
}

fn assert_no_secret_leaves_the_files(site: &Site) {
    // castoff and the master of php-fpm (which writes over its own, and whose workers nobody may
    // look into); not the shell that looks: Docker gives it all variables
    let environments = "for process in 1 $(cat /proc/1/task/1/children); do \
         read -r name </proc/$process/comm; echo \"$name $process\"; cat /proc/$process/environ; done";
    let environments = site.php_fpm.exec(&["sh", "-c", environments]);
    assert!(environments.contains("castoff 1\n") && environments.contains("php-fpm"), "{environments}");

    let probe = "/usr/share/wordpress/probe.php";
    let script =
        "echo '<?php print_r(getenv()); print_r($_ENV); print_r($_SERVER); echo `cat /proc/*/environ`;' >";
    for container in [&site.php_fpm, &site.nginx] {
        container.exec(&["sh", "-c", &format!("{script}{probe}")]);
    }
    let page = site.page("/probe.php");
    assert!(page.body.contains("REQUEST_URI"), "{}", page.body);

    let mut secrets = vec![CANARY.to_owned()];
    let salts = salts(&site.php_fpm);
    secrets.extend(salts.iter().filter_map(|line| line.split('\'').nth(3)).map(str::to_owned));
    for (place, text) in [
        ("the log of php-fpm", &site.php_fpm.log("")),
        ("the log of nginx", &site.nginx.log("")),
        ("the environment of processes", &environments),
        ("what PHP sees", &page.body),
    ] {
        for secret in &secrets {
            assert!(!text.contains(secret), "a secret is in {place}:\n{text}");
        }
    }
}

#[test]
fn a_new_container_on_the_same_volume_has_the_same_salts() {
    if missing() {
        return;
    }
    let volume = Volume::new();
    let first = start_php_fpm(&volume.0, &[]);
    let salts_before = salts(&first);
    assert_stops_well(&first);
    drop(first);
    let second = start_php_fpm(&volume.0, &[]);
    assert_eq!(salts(&second), salts_before);
    let other_volume = Volume::new();
    let third = start_php_fpm(&other_volume.0, &[]);
    assert_ne!(salts(&third), salts_before);
}

#[test]
fn containers_that_start_at_once_on_a_new_volume_agree() {
    if missing() {
        return;
    }
    let volume = Volume::new();
    // the engine fills the volume from the image when it is first used: not what is tested
    drop(Container::create(&[&format!("--volume={}:/var/lib/wordpress", volume.0)], &images().php_fpm, &[]));
    let containers: Vec<Container> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| start_php_fpm(&volume.0, &[]))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let first = salts(&containers[0]);
    for other in &containers[1..] {
        assert_eq!(salts(other), first);
    }
}
