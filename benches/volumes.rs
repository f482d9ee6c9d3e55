//! Volumes: filled, started again, upgraded, given away.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::ground::Ground;
use crate::race::{Candidate, Table, medians, race, run, sh};

fn volume(path: &Path, seed: &Path, lines: &str) -> String {
    format!("[[volume]]\npath = \"{}\"\nseed = \"{}\"\n{lines}\n", path.display(), seed.display())
}

/// Files and bytes of the tree.
fn size(tree: &Path) -> String {
    let output = Command::new("sh")
        .args(["-c", "find . -type f | wc -l; du -sm . | cut -f1"])
        .current_dir(tree)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    format!("{} files, {} MB", lines.next().unwrap(), lines.next().unwrap())
}

pub(crate) fn seeding(ground: &Ground) -> Vec<Table> {
    let mut tables = vec![on(ground, &ground.memory, &ground.tree_in_memory, "tmpfs", "", 15)];
    if let Some(disk) = &ground.disk {
        let sync = format!("sync -f {}", disk.display());
        tables.push(on(ground, disk, &ground.tree, "ext4, cold source", &sync, 9));
    }
    tables
}

/// `sync` is what gives a peer the durability that castoff gives.
fn on(ground: &Ground, place: &Path, seed: &Path, what: &str, sync: &str, rounds: usize) -> Table {
    let (target, volume_path) = (place.join("copy"), place.join("volume"));
    let prepare = || {
        sh(&format!("rm -rf {0} {1}; mkdir {0} {1}", target.display(), volume_path.display()));
        if !sync.is_empty() {
            sh("sync; echo 3 > /proc/sys/vm/drop_caches");
        }
    };
    let peer = |command: &str| {
        let script = format!("{command}; {}", if sync.is_empty() { "true" } else { sync });
        move || sh(&script)
    };
    let (from, to) = (seed.display(), target.display());
    let spec = volume(&volume_path, seed, "");
    let note = if sync.is_empty() { "" } else { " Peers are followed by `sync -f`." };
    let note = format!("A WordPress of {}, {what}; castoff with its journal and syncs.{note}", size(seed));
    let table = race(
        &format!("Filling a volume: {what}"),
        &note,
        rounds,
        &[
            Candidate::new("`cp -a`", prepare, peer(&format!("cp -a {from}/. {to}"))),
            Candidate::new("castoff", prepare, || run(&mut ground.start("seed", &spec))),
            Candidate::new("`tar \\| tar`", prepare, peer(&format!("tar -C {from} -c . | tar -C {to} -x"))),
            Candidate::new("`rsync -a`", prepare, peer(&format!("rsync -a {from}/ {to}"))),
        ],
    );
    sh(&format!("rm -rf {to} {}", volume_path.display()));
    table
}

pub(crate) fn restart(ground: &Ground) -> Vec<Table> {
    let small = ground.memory.join("small");
    let (large_seed, large) = (ground.memory.join("large-seed"), ground.memory.join("large"));
    for directory in 0..300 {
        let path = large_seed.join(format!("{directory}"));
        fs::create_dir_all(&path).unwrap();
        for file in 0..1000 {
            fs::write(path.join(format!("{file}")), "x").unwrap();
        }
    }
    let with_small = volume(&small, &ground.tree_in_memory, "");
    let with_large = volume(&large, &large_seed, "");
    run(&mut ground.start("small", &with_small));
    run(&mut ground.start("large", &with_large));
    let nothing = || {};
    let plain = || run(&mut ground.start("none", ""));
    let candidates = [
        Candidate::new("without a volume", nothing, plain),
        Candidate::new("3,000 files", nothing, || run(&mut ground.start("small", &with_small))),
        Candidate::new("300,000 files", nothing, || run(&mut ground.start("large", &with_large))),
        Candidate::new("`chown -R` of 300,000 files", nothing, || {
            run(Command::new("chown").arg("-R").arg("root:root").arg(&large));
        }),
    ];
    let times = medians(101, &candidates);
    let lines = candidates.iter().zip(&times).map(|(candidate, time)| {
        let more = time.as_secs_f64() - times[0].as_secs_f64();
        let verdict = if more < 0.001 { "less than 1 ms more" } else { "more than 1 ms more" };
        (candidate.name.clone(), format!("{:.2}, {verdict}", time.as_secs_f64() / times[0].as_secs_f64()))
    });
    let note = "A start with nothing to do, castoff and /bin/true together. Medians of 101 rounds.";
    let table = Table::of("Restart", note, lines.collect());
    sh(&format!("rm -rf {} {} {}", small.display(), large.display(), large_seed.display()));
    vec![table]
}

pub(crate) fn upgrade(ground: &Ground) -> Vec<Table> {
    let (old, new) = (&ground.tree_in_memory, ground.memory.join("new"));
    run(Command::new("cp").arg("-a").arg(old).arg(&new));
    sh(&format!(
        "cd {}; find . -name '*.php' | sort | head -10 | while read -r file; do echo '// newer' >> \"$file\"; done",
        new.display()
    ));
    let (path, filled, copy) =
        (ground.memory.join("volume"), ground.memory.join("filled"), ground.memory.join("copy"));
    let spec = |version: u32, seed: &Path| {
        format!("[image]\nversion = \"{version}\"\n{}", volume(&path, seed, "policy = \"upgrade\""))
    };
    run(&mut ground.start("old", &spec(1, old)));
    sh(&format!("cp -a {} {}", path.display(), filled.display()));
    run(Command::new("cp").arg("-a").arg(old).arg(&copy));
    let (newer, older) = (spec(2, &new), spec(1, old));
    let again = || {
        sh(&format!("rm -rf {}", path.display()));
        run(&mut ground.start("old", &older));
    };
    let table = race(
        "An upgrade that changes 10 files",
        &format!("A WordPress of {} on tmpfs.", size(old)),
        15,
        &[
            Candidate::new(
                "`rsync -a` with nothing to do",
                || {},
                || {
                    run(Command::new("rsync").arg("-a").arg(format!("{}/", old.display())).arg(&copy));
                },
            ),
            Candidate::new("castoff", again, || run(&mut ground.start("new", &newer))),
        ],
    );
    sh(&format!("rm -rf {} {} {} {}", new.display(), path.display(), filled.display(), copy.display()));
    vec![table]
}

pub(crate) fn ownership(ground: &Ground) -> Vec<Table> {
    let tree = &ground.tree_in_memory;
    run(Command::new("chown").args(["-R", "33:33"]).arg(tree));
    let spec = format!("[[directory]]\npath = \"{}\"\nowner = \"33:33\"\nrecursive = true\n", tree.display());
    let calls = |command: Command| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "/dev/stdout", "-e", "trace=file,desc"]).arg(command.get_program());
        strace.args(command.get_args());
        let output = strace.output().expect("strace is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let changes = text.lines().filter(|line| line.contains("chown") && !line.contains("execve")).count();
        (text.lines().filter(|line| line.contains(&"(".to_owned())).count(), changes)
    };
    let mut chown = Command::new("chown");
    chown.args(["-R", "33:33"]).arg(tree);
    let (theirs, their_changes) = calls(chown);
    let (ours, our_changes) = calls(ground.start("own", &spec));
    let (none, _) = calls(ground.start("none", ""));
    let lines = vec![
        (
            "`chown -R`: system calls on files".to_owned(),
            format!("{theirs}, {their_changes} of them change owners"),
        ),
        (
            "castoff, `recursive = true`, beyond a start without it".to_owned(),
            format!("{}, {our_changes} of them change owners", ours.saturating_sub(none)),
        ),
    ];
    vec![Table::of(
        "Recursive ownership with nothing to change",
        &format!("A tree of {}.", size(tree)),
        lines,
    )]
}
