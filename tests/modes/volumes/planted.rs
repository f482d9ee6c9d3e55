//! A volume that belongs to a service which was broken into: what it plants there leads no
//! write, no chmod, no chown and no removal outside.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::site::{describe, start, usual};
use crate::modes::case::{Case, SOMEBODY, needs_root};

/// Files outside of the volume that must stay as they are.
struct Canary {
    before: Vec<(u64, u32, u32, u32, u64, i64, i64)>,
}

impl Canary {
    fn new(case: &Case) -> Self {
        case.write("root/outside/shadow", "secret");
        case.write("root/outside/content/theme/style.css", "outside");
        case.write("root/outside/version.php", "outside");
        case.set_mode("root/outside/shadow", 0o600);
        Self { before: Self::look(case) }
    }

    fn look(case: &Case) -> Vec<(u64, u32, u32, u32, u64, i64, i64)> {
        let mut names = vec![String::from("outside")];
        names.extend(case.names("root/outside").into_iter().map(|name| format!("outside/{name}")));
        let of = |name: &String| {
            let status = fs::symlink_metadata(case.path(format!("root/{name}"))).unwrap();
            let times = (status.ctime(), status.ctime_nsec());
            (status.ino(), status.mode(), status.uid(), status.gid(), status.size(), times.0, times.1)
        };
        names.iter().map(of).collect()
    }

    fn is_untouched(&self, case: &Case) {
        assert_eq!(Self::look(case), self.before);
    }
}

/// A volume of somebody's, filled by 1.0, and the image of 2.0.
fn upgraded(policy: &str) -> Case {
    let lines = format!("owner = \"{SOMEBODY}:{SOMEBODY}\"\npolicy = \"{policy}\"");
    let case = usual("1.0", &lines);
    start(&case);
    case.write("seed/version.php", "2.0");
    case.write("seed/content/theme/style.css", "body { two }");
    case.write("seed/content/new/file", "new");
    fs::remove_file(case.path("seed/content/readme.txt")).unwrap();
    case.set_mode("seed/content/theme", 0o700);
    describe(&case, "2.0", &lines);
    case
}

#[test]
fn links_in_the_place_of_directories_and_files() {
    if !needs_root() {
        return;
    }
    for policy in ["upgrade", "mirror"] {
        for name in
            ["content", "content/theme", "version.php", "content/theme/style.css", "content/readme.txt"]
        {
            let case = upgraded(policy);
            let canary = Canary::new(&case);
            let planted = case.path("root/site").join(name);
            if planted.is_dir() {
                fs::remove_dir_all(&planted).unwrap();
            } else {
                fs::remove_file(&planted).unwrap();
            }
            symlink(case.path("root/outside").join(name), &planted).unwrap();
            case.run(&["true"]);
            canary.is_untouched(&case);
        }
    }
}

#[test]
fn hard_links_pipes_and_devices() {
    if !needs_root() {
        return;
    }
    for policy in ["upgrade", "mirror"] {
        let case = upgraded(policy);
        let canary_file = case.path("root/outside/shadow");
        let canary = {
            case.write("root/outside/shadow", "secret");
            for name in ["version.php", "content/theme/style.css"] {
                let planted = case.path("root/site").join(name);
                fs::remove_file(&planted).unwrap();
                fs::hard_link(&canary_file, &planted).unwrap();
            }
            let before = fs::metadata(&canary_file).unwrap();
            (before.ino(), before.mode(), before.uid(), before.gid())
        };
        fs::remove_file(case.path("root/site/index.php")).unwrap();
        nix::unistd::mkfifo(&case.path("root/site/index.php"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        start(&case);
        let after = fs::metadata(&canary_file).unwrap();
        assert_eq!((after.ino(), after.mode(), after.uid(), after.gid()), canary);
        assert_eq!(case.read("root/outside/shadow"), "secret");
    }
}

#[test]
fn the_state_directory_is_not_taken_from_others() {
    if !needs_root() {
        return;
    }
    let case = upgraded("upgrade");
    fs::rename(case.path("root/site/.castoff"), case.path("root/site/old")).unwrap();
    fs::create_dir(case.path("root/site/.castoff")).unwrap();
    case.set_owner("root/site/.castoff", SOMEBODY, SOMEBODY);
    case.run(&["true"]).code(77).says(&["/site/.castoff can't be trusted: castoff did not make it"]);
    fs::remove_dir(case.path("root/site/.castoff")).unwrap();
    symlink(case.path("root/outside"), case.path("root/site/.castoff")).unwrap();
    let canary = Canary::new(&case);
    let said = case.run(&["true"]);
    assert_ne!(said.code, 0, "{said:?}");
    canary.is_untouched(&case);
}

#[test]
fn rights_are_not_lent() {
    if !needs_root() {
        return;
    }
    // the owner of a file sets its set-user-id bit; castoff replaces the file
    let case = usual("1.0", "policy = \"upgrade\"");
    start(&case);
    case.set_owner("root/site/version.php", SOMEBODY, SOMEBODY);
    case.set_mode("root/site/version.php", 0o4755);
    case.write("seed/version.php", "2.0");
    describe(&case, "2.0", "policy = \"upgrade\"");
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "2.0");
    assert_eq!(
        (case.mode("root/site/version.php"), case.owner("root/site/version.php")),
        (0o755, (SOMEBODY, SOMEBODY))
    );
}

/// Keeps exchanging what is in the volume, `names` among it, until it is told to stop.
fn attack(volume: &Path, outside: &Path, names: &[&str], over: &AtomicBool) {
    let mut round = 0_u32;
    while !over.load(Ordering::Relaxed) {
        round = round.wrapping_add(1);
        let spare = volume.join(format!(".spare-{}", round % 5));
        for name in names {
            let place = volume.join(name);
            // a directory moves away, a link to outside takes its place, and back
            if fs::rename(&place, &spare).is_ok() {
                let _ = symlink(outside.join(name), &place);
                std::hint::spin_loop();
                let _ = fs::remove_file(&place);
                let _ = fs::rename(&spare, &place);
            }
        }
        let planted = volume.join("content/theme/style.css");
        let _ = fs::remove_file(&planted);
        let _ = fs::hard_link(outside.join("shadow"), &planted);
    }
}

/// Starts under attack, for each set of names.
const STARTS: usize = 500;

/// Starts a volume again and again while somebody exchanges these names in it. Returns how
/// many starts came to their end.
fn attacked(names: &[&str]) -> usize {
    let case = upgraded("mirror");
    let looked = |case: &Case| -> Vec<_> {
        // hard links are the attacker's own doing: their number is not part of what must stay
        let seen = Canary::look(case).into_iter();
        seen.map(|(ino, mode, uid, gid, size, ..)| (ino, mode, uid, gid, size)).collect()
    };
    Canary::new(&case);
    let before = looked(&case);
    let over = AtomicBool::new(false);
    let mut ended = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| attack(&case.path("root/site"), &case.path("root/outside"), names, &over));
        for number in 0..STARTS {
            let policy = ["upgrade", "mirror", "missing"][number % 3];
            let lines = format!("owner = \"{SOMEBODY}:{SOMEBODY}\"\npolicy = \"{policy}\"");
            describe(&case, &format!("{}", number + 3), &lines);
            case.write("seed/version.php", format!("version {number}"));
            // it may fail: what is there may not be what castoff left
            ended += usize::from(case.run(&["true"]).code == 0);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(looked(&case), before);
    assert_eq!(case.read("root/outside/shadow"), "secret");
    ended
}

#[test]
fn starts_under_attack() {
    if !needs_root() {
        return;
    }
    let shipped = ["content", "content/theme", "content/new", "version.php"];
    assert!(attacked(&shipped) > 0, "no start came as far as to be led astray");
    attacked(&[&shipped[..], &[".castoff"]].concat());
}
