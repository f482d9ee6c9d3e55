//! Containers that run one command, or only check, or can't start.

use std::path::PathBuf;

use crate::docker::{Container, Said, Volume, missing};
use crate::images::{images, scratch};
use crate::site::{CANARY, READ_PASSWORD, php_fpm_options};

/// Runs the php-fpm image with all that it needs.
fn run_complete(more: &[&str], arguments: &[&str]) -> Said {
    let volume = Volume::new();
    let options = php_fpm_options(&volume.0, more);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    Container::run(&options, &images().php_fpm, arguments)
}

#[test]
fn a_command_in_the_services_place_has_stdout_to_itself() {
    if missing() {
        return;
    }
    let said = run_complete(&[], &["echo", "hi"]);
    assert_eq!((said.stdout.as_str(), said.code), ("hi\n", Some(0)), "{}", said.stderr);
    let said = run_complete(&[], &["sh", "-c", "exit 7"]);
    assert_eq!(said.code, Some(7), "{}", said.stderr);
    let said = run_complete(&[], &["no-such-command"]);
    assert_eq!(said.code, Some(127), "{}", said.stderr);
}

#[test]
fn a_service_gets_what_was_given_but_no_secret() {
    if missing() {
        return;
    }
    let said = run_complete(&["--env=CASTOFF_LOG_LEVEL=trace"], &["env"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("WORDPRESS_DB_USER=wordpress\n"), "{}", said.stdout);
    let all = said.stdout + &said.stderr;
    for hidden in [CANARY, "WORDPRESS_DB_PASSWORD=", "CASTOFF_"] {
        assert!(!all.contains(hidden), "{hidden} is in {all}");
    }
}

#[test]
fn a_secret_can_come_from_a_file() {
    if missing() {
        return;
    }
    let file = TemporaryFile::new("secret", "c4n4ry of two\nlines\n");
    let run = |at: &str| {
        let options = ["--env=WORDPRESS_DB_USER=u", "--env=WORDPRESS_DB_PASSWORD_FILE=/password"];
        let command = ["php", "-r", READ_PASSWORD];
        let container = Container::create(&options, &images().php_fpm, &command);
        container.put(&file.0, at);
        container.run_created()
    };
    let said = run("/password");
    assert_eq!((said.stdout.as_str(), said.code), ("c4n4ry of two\nlines", Some(0)), "{}", said.stderr);
    assert!(!said.stderr.contains(CANARY), "{}", said.stderr);
    // a file that isn't there is no empty password
    let said = run("/somewhere-else");
    assert_eq!((said.stdout.as_str(), said.code), ("", Some(78)), "{}", said.stderr);
    assert!(said.stderr.contains("/password"), "{}", said.stderr);
}

#[test]
fn workers_follow_the_containers_memory() {
    if missing() {
        return;
    }
    let find = ["grep", "max_children", "/etc/php/8.2/fpm/php-fpm.conf"];
    for (memory, php, expected) in [("512m", "128M", 3), ("512m", "64M", 6), ("64m", "128M", 1)] {
        let memory = format!("--memory={memory}");
        let php = format!("--env=PHP_MEMORY_LIMIT={php}");
        let said = run_complete(&[&memory, &php], &find);
        assert_eq!(said.stdout, format!("pm.max_children = {expected}\n"), "{memory} {php}: {}", said.stderr);
    }
}

#[test]
fn check_is_content_with_what_is_complete() {
    if missing() {
        return;
    }
    let said = run_complete(&[], &["--check"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let all = said.stdout + &said.stderr;
    assert!(!all.contains(CANARY), "{all}");
    for image in [&images().nginx, &images().example] {
        let said = Container::run(&[], image, &["--check"]);
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    }
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    if missing() {
        return;
    }
    for arguments in [&["--check"][..], &[]] {
        let said = Container::run(&[], &images().php_fpm, arguments);
        assert_eq!(said.code, Some(78), "{}", said.stderr);
        for name in ["WORDPRESS_DB_USER", "WORDPRESS_DB_PASSWORD"] {
            assert!(said.stderr.contains(name), "{name} isn't in {}", said.stderr);
        }
    }
}

#[test]
fn wrong_values_are_named_at_once() {
    if missing() {
        return;
    }
    let wrong = [
        "WORDPRESS_TABLE_PREFIX=wp-`",
        "WORDPRESS_DB_PASWORD=c4n4ry",
        "PHP_MEMORY_LIMIT=128MB",
        "PHP_UPLOAD_MAX_FILESIZE=1G",
        "PHP_FPM_PM=dynamc",
    ];
    let options: Vec<String> = wrong.iter().map(|variable| format!("--env={variable}")).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let said = run_complete(&options, &[]);
    assert_eq!(said.code, Some(78), "{}", said.stderr);
    for variable in wrong {
        let name = variable.split('=').next().unwrap();
        assert!(said.stderr.contains(name), "{name} isn't in {}", said.stderr);
    }
    assert!(!said.stderr.contains(CANARY), "{}", said.stderr);
}

#[test]
fn a_wrong_spec_is_65() {
    if missing() {
        return;
    }
    let file = TemporaryFile::new("spec", "version = 1\n[env.X]\ntyp = \"int\"\n");
    let container = Container::create(&["--env=CASTOFF_CONFIG=/castoff.toml"], &images().example, &["true"]);
    container.put(&file.0, "/castoff.toml");
    let said = container.run_created();
    assert_eq!(said.code, Some(65), "{}", said.stderr);
    assert!(said.stderr.contains("/castoff.toml:3:1"), "{}", said.stderr);
}

#[test]
fn a_mounted_file_is_kept_and_that_is_said() {
    if missing() {
        return;
    }
    let file = TemporaryFile::new("mounted", "# mine\n");
    let mount = format!("{}:/etc/ssmtp/ssmtp.conf", file.0.display());
    let said = run_complete(&["--volume", &mount], &["cat", "/etc/ssmtp/ssmtp.conf"]);
    assert_eq!((said.stdout.as_str(), said.code), ("# mine\n", Some(0)), "{}", said.stderr);
    assert!(
        said.stderr.contains("kept /etc/ssmtp/ssmtp.conf: something is mounted there"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_read_only_destination_is_73() {
    if missing() {
        return;
    }
    let said = run_complete(&["--read-only"], &["true"]);
    assert_eq!(said.code, Some(73), "{}", said.stderr);
    assert!(said.stderr.contains("/etc/php/8.2/fpm/"), "{}", said.stderr);
}

#[test]
fn an_image_of_nothing_else_runs() {
    if missing() {
        return;
    }
    let image = scratch();
    let said = Container::run(&[], image, &["--version"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.starts_with("castoff "), "{}", said.stdout);
    let said = Container::run(&[], image, &["--", "/busybox", "sh", "-c", "/busybox echo $$; exit 3"]);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert_ne!(said.stdout, "1\n", "castoff is process 1");
}

/// A file, removed at the end.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("castoff-containers-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
