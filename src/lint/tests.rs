//! Each trap: a scene that has it, and its neighbour that hasn't.

use std::path::{Path, PathBuf};

use super::{File, Scene, lint};
use crate::diagnostic::{Place, Source};

const SERVICE: &str = "[service.php]\ncommand = [\"php-fpm8.2\", \"-F\"]\nstop-signal = \"QUIT\"\n";
const GLOBAL: &str = "[global]\nprocess_control_timeout = 5s\n";

/// The titles of what is found.
fn found(service: &str, files: &[(&str, &str)], memory: u64) -> Vec<String> {
    let source = Source::new("s", format!("version = 1\n{service}"));
    let spec = crate::spec::parse(&source, Path::new("")).spec;
    let place = Place::new(&source, 0..1);
    let files = files.iter().map(|(format, content)| File {
        dest: PathBuf::from("/f"),
        format,
        content,
        secret: false,
        mode: None,
        place: &place,
    });
    let scene = Scene { files: files.collect(), services: &spec.services, memory };
    lint(&scene).into_iter().map(|diagnostic| diagnostic.title).collect()
}

/// The service, the files by format, and what is found.
type Row = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

#[test]
fn php_and_nginx() {
    let table: [Row; 20] = [
        ("", &[("php-ini", "memory_limit = 128M\n")], None),
        ("", &[("php-ini", "memory_limit = \"128MB\"\n")], Some("`memory_limit` as it looks")),
        ("", &[("php-fpm", "[www]\nphp_admin_value[memory_limit] = 128X\n")], Some("as it looks")),
        ("", &[("php-ini", "post_max_size = 1M\n")], Some("(1M) is below `upload_max_filesize` (2M)")),
        ("", &[("php-ini", "post_max_size = 8M\nupload_max_filesize = 8M\n")], None),
        ("", &[("php-ini", "upload_max_filesize = 9M\n")], Some("(8M) is below `upload_max_filesize` (9M)")),
        (
            "",
            &[("php-fpm", "[www]\npm = dynamic\npm.min_spare_servers = 5\npm.max_spare_servers = 3\n")],
            Some("`pm.min_spare_servers` (5) is above `pm.max_spare_servers` (3)"),
        ),
        (
            "",
            &[("php-fpm", "[www]\npm = static\npm.min_spare_servers = 5\npm.max_spare_servers = 3\n")],
            None,
        ),
        ("", &[("php-fpm", "[www]\npm.max_children = 9\n")], Some("9 workers of 128M each are 1152 MiB")),
        ("", &[("php-fpm", "[www]\npm.max_children = 8\n")], None),
        ("", &[("php-fpm", "[www]\npm.max_children = 9\nphp_value[memory_limit] = 64M\n")], None),
        (SERVICE, &[("php-fpm", GLOBAL)], None),
        (
            SERVICE,
            &[("php-fpm", "[global]\nprocess_control_timeout = 0s\n")],
            Some("`process_control_timeout` is 0"),
        ),
        (SERVICE, &[("php-fpm", "[global]\nerror_log = /x\n")], Some("`process_control_timeout` is not set")),
        (SERVICE, &[("php-fpm", "; process_control_timeout = 0\n[www]\nuser = x\n")], None),
        (
            "[service.php]\ncommand = [\"php-fpm8.2\"]\nstop-signal = \"QUIT\"\n",
            &[("php-fpm", GLOBAL)],
            Some("goes to the background"),
        ),
        (
            "[service.php]\ncommand = [\"/usr/sbin/php-fpm8.2\", \"-F\"]\n",
            &[("php-fpm", GLOBAL)],
            Some("never graceful"),
        ),
        (
            "",
            &[("php-ini", "post_max_size = 8M\n"), ("nginx", "location / {\n  fastcgi_pass x;\n}\n")],
            Some("`client_max_body_size` (1M) is below php's `post_max_size` (8M)"),
        ),
        (
            "",
            &[("php-ini", "post_max_size = 8M\n"), ("nginx", "client_max_body_size 8m;\nfastcgi_pass x;\n")],
            None,
        ),
        ("", &[("php-ini", "post_max_size = 8M\n"), ("nginx", "return 200;\n")], None),
    ];
    for (service, files, expected) in table {
        let titles = found(service, files, 1 << 30);
        match expected {
            None => assert_eq!(titles, [""; 0], "{files:?}"),
            Some(expected) => {
                assert_eq!(titles.len(), 1, "{files:?}: {titles:?}");
                assert!(titles[0].contains(expected), "{files:?}: {titles:?}");
            }
        }
    }
}

#[test]
fn a_secret_that_others_may_read() {
    let source = Source::new("s", "x");
    let place = Place::new(&source, 0..1);
    for (secret, mode, traps) in
        [(true, Some(0o644), 1), (true, Some(0o640), 0), (false, Some(0o644), 0), (true, None, 0)]
    {
        let file =
            File { dest: PathBuf::from("/f"), format: "php", content: "", secret, mode, place: &place };
        let scene = Scene { files: vec![file], services: &[], memory: 1 };
        assert_eq!(lint(&scene).len(), traps, "{secret} {mode:?}");
    }
}
