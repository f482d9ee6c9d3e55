//! A named volume, filled from an image on overlayfs: replicas, newer images, a root that
//! can't be written, a user without rights.

use std::process::{Command, Stdio};

use crate::docker::{Container, Said, Volume, docker, missing};
use crate::images::images;

fn run(volume: &Volume, image: &str, options: &[&str], command: &[&str]) -> Said {
    let mount = format!("--volume={}:/site", volume.0);
    Container::run(&[&[mount.as_str()], options].concat(), image, command)
}

#[test]
fn a_named_volume_lives_through_restarts_and_upgrades() {
    if missing() {
        return;
    }
    let volume = Volume::new();
    let first = run(&volume, &images().volumes_one, &[], &[]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(first.stdout.lines().count(), 502, "{}", first.stdout);
    assert!(first.stderr.contains("filled /site/ from /usr/src/app"), "{}", first.stderr);
    let edit = run(
        &volume,
        &images().volumes_one,
        &[],
        &["sh", "-c", "echo mine >/site/content/7; echo up >/site/up"],
    );
    assert_eq!((edit.code, edit.stdout.as_str()), (Some(0), ""), "{}", edit.stderr);
    assert!(!edit.stderr.contains("filled"), "{}", edit.stderr);
    let second = run(
        &volume,
        &images().volumes_two,
        &[],
        &["sh", "-c", "cat /site/version /site/new /site/content/7 /site/up; ls /site"],
    );
    assert_eq!(second.stdout, "2.0\nnew\nmine\nup\ncontent\nfirst\nnew\nup\nversion\n", "{}", second.stderr);
    assert!(
        second.stderr.contains("upgrade from 1.0 to 2.0: 1 added, 1 replaced, 1 removed"),
        "{}",
        second.stderr
    );
    let back = run(&volume, &images().volumes_one, &[], &[]);
    assert_eq!(back.code, Some(78), "{}", back.stderr);
}

#[test]
fn three_replicas_on_one_new_volume() {
    if missing() {
        return;
    }
    let volume = Volume::new();
    let mount = format!("--volume={}:/site", volume.0);
    let image = &images().volumes_one;
    let replicas: Vec<Container> = (0..3).map(|_| Container::create(&[&mount], image, &[])).collect();
    let running: Vec<_> = replicas
        .iter()
        .map(|replica| {
            let mut start = Command::new("docker");
            start.args(["start", "--attach", &replica.0]).stdin(Stdio::null());
            start.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let said: Vec<Said> = running.into_iter().map(|child| child.wait_with_output().unwrap().into()).collect();
    let filled = said.iter().filter(|said| said.stderr.contains("filled /site/")).count();
    assert_eq!(filled, 1, "one fills it");
    for one in &said {
        assert_eq!(one.code, Some(0), "{}", one.stderr);
        assert_eq!(one.stdout.lines().count(), 502, "every service saw the whole tree: {}", one.stderr);
        assert_eq!(one.stdout, said[0].stdout);
    }
}

#[test]
fn only_the_volume_and_a_tmpfs_can_be_written() {
    if missing() {
        return;
    }
    let volume = Volume::new();
    let options = ["--read-only", "--tmpfs=/run"];
    for _ in 0..2 {
        let said = run(&volume, &images().volumes_one, &options, &[]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(said.stdout.lines().count(), 502, "{}", said.stderr);
    }
}

#[test]
fn a_user_without_rights() {
    if missing() {
        return;
    }
    let volume = Volume::new();
    // the image's directory is for everybody: the engine gives the new volume the same
    for _ in 0..2 {
        let said = run(&volume, &images().volumes_one, &["--user=12345:0"], &[]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(said.stdout.lines().count(), 502, "{}", said.stderr);
    }
    let closed = Volume::new();
    // an empty volume would get the rights of the image's directory again
    let close = "chmod 755 /site && touch /site/theirs";
    let mount = format!("--volume={}:/site", closed.0);
    docker(&["run", "--rm", "--entrypoint=sh", &mount, &images().volumes_one, "-c", close]);
    let said = run(&closed, &images().volumes_one, &["--user=12345:0"], &[]);
    assert_eq!(said.code, Some(73), "{}", said.stderr);
    assert!(said.stderr.contains("let uid 12345 write to `/site`"), "{}", said.stderr);
}
