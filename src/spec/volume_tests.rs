use std::path::Path;
use std::time::Duration;

use super::check;
use crate::diagnostic::Source;
use crate::spec::{Conflicts, Existing, Policy, Spec, WithoutLocks, parse};

fn spec(text: &str) -> Result<Spec, Vec<String>> {
    let document = parse(&Source::new("castoff.toml", format!("version = 1\n{text}")), Path::new(""));
    let mut problems = document.problems;
    check(&document.spec, &mut problems);
    let titles: Vec<String> = problems.into_iter().map(|problem| problem.title).collect();
    if titles.is_empty() { Ok(document.spec) } else { Err(titles) }
}

#[test]
fn all_keys() {
    let spec = spec(
        r#"
        [image]
        version = "2"
        [[volume]]
        path = "/var/www/html"
        seed = "/usr/src/app.tar.zst"
        policy = "upgrade"
        keep = ["a/**"]
        exclude = ["*.md"]
        owner = "www-data"
        modes = [{ paths = "**", file = "0640", directory = "2750" }, { paths = "bin/*", file = "755" }]
        existing = "fill"
        conflicts = "new-file"
        allow-downgrade = true
        lock-timeout = "1m"
        without-locks = "go-on"
        "#,
    )
    .unwrap();
    let volume = &spec.volumes[0];
    assert_eq!((volume.policy, volume.existing), (Policy::Upgrade, Existing::Fill));
    assert_eq!((volume.conflicts, volume.without_locks), (Conflicts::NewFile, WithoutLocks::GoOn));
    assert_eq!((volume.lock_timeout, volume.allow_downgrade), (Duration::from_secs(60), true));
    assert_eq!((volume.modes[0].file, volume.modes[0].directory), (Some(0o640), Some(0o2750)));
    assert_eq!((volume.modes[1].file, volume.modes[1].directory), (Some(0o755), None));
    assert!(volume.keep[0].covers(Path::new("a/b")) && volume.exclude[0].covers(Path::new("x.md")));
}

#[test]
fn what_is_not_said() {
    let spec = spec("[[volume]]\npath = \"/data\"").unwrap();
    let volume = &spec.volumes[0];
    assert_eq!((volume.policy, volume.existing), (Policy::Once, Existing::Refuse));
    assert_eq!((volume.conflicts, volume.without_locks), (Conflicts::Keep, WithoutLocks::Fail));
    assert_eq!((volume.lock_timeout, volume.allow_downgrade), (Duration::from_secs(600), false));
}

#[test]
fn mistakes() {
    for (text, problem) in [
        ("[[volume]]", "`path` is missing in [[volume]]"),
        ("[[volume]]\npath = \"/\"", "the root can't be a volume"),
        ("[[volume]]\npath = \"data\"", "`path` must be an absolute path"),
        ("[[volume]]\npath = \"/d\"\nkeep = [\"/a\"]", "`/a` is no path in the volume"),
        ("[[volume]]\npath = \"/d\"\nexclude = [\"a/../b\"]", "`a/../b` is no path in the volume"),
        ("[[volume]]\npath = \"/d\"\nlock-timeout = \"soon\"", "`soon` is not a duration"),
        ("[[volume]]\npath = \"/d\"\nmodes = [{ paths = \"a\" }]", "this rule of `modes` sets no mode"),
        ("[[volume]]\npath = \"/d\"\nmodes = [{ paths = \"a\", file = \"9\" }]", "`9` is not a mode"),
        (
            "[[volume]]\npath = \"/d\"\nseed = \"/s\"\npolicy = \"upgrade\"",
            "`policy = \"upgrade\"` needs the image's version",
        ),
        ("[[volume]]\npath = \"/d\"\npolicy = \"mirror\"", "this volume has a `policy` and no `seed`"),
        ("[[volume]]\npath = \"/d\"\n[[volume]]\npath = \"/d\"", "the volume /d is declared twice"),
        ("[[volume]]\npath = \"/d\"\nseed = \"/d/seed\"", "the seed /d/seed overlaps a volume"),
        ("[[volume]]\npath = \"/s/d\"\nseed = \"/s\"", "the seed /s overlaps a volume"),
    ] {
        let problems = spec(text).unwrap_err();
        assert_eq!(problems.first().map(String::as_str), Some(problem), "{text}");
    }
}
