use std::path::Path;

use crate::capability::{Capability, CapabilitySet};
use crate::diagnostic::Source;
use crate::resource::UNLIMITED;
use crate::spec::{Service, parse};

/// The service with these keys, or its problems: titles with what is beside the caret and
/// what helps.
fn service(keys: &str) -> Result<Service, Vec<String>> {
    let text = format!("version = 1\n[service.a]\ncommand = [\"a\"]\n{keys}\n");
    let document = parse(&Source::new("castoff.toml", text), Path::new(""));
    if document.problems.is_empty() {
        return Ok(document.spec.services.into_iter().next().unwrap());
    }
    let text = |problem: &crate::diagnostic::Diagnostic| {
        let label = problem.place.iter().map(|(_, label)| label.clone());
        let words = std::iter::once(problem.title.clone()).chain(label).chain(problem.helps.clone());
        words.collect::<Vec<_>>().join(" | ")
    };
    Err(document.problems.iter().map(text).collect())
}

fn set(names: &[&str]) -> CapabilitySet {
    names.iter().fold(CapabilitySet::EMPTY, |set, name| set.with(Capability::parse(name).unwrap()))
}

#[test]
fn all_keys() {
    let service = service(
        r#"
        groups = ["video", "1234"]
        environment = { add = { K = "v {{ X }}", A = "" }, remove = ["A", "B_*"], only = ["PATH"] }
        umask = "0027"
        nice = -20
        oom-score-adj = 1000
        limits = { nofile = 65536, core = 0, nproc = "unlimited", as = "512M", stack = "8M:unlimited", cpu = "1:2" }
        no-new-privs = true
        capabilities = { bounding = ["NET_BIND_SERVICE", "cap_kill"], ambient = ["CAP_KILL"] }
        read-only-paths = ["/var/www/html", "/etc/"]
        "#,
    )
    .unwrap();
    let groups: Vec<_> = service.groups.iter().map(|group| group.value.as_str()).collect();
    assert_eq!(groups, ["video", "1234"]);
    let environment = &service.environment;
    let added: Vec<_> =
        environment.add.iter().map(|(name, value)| (name.as_str(), value.value.as_str())).collect();
    assert_eq!(added, [("K", "v {{ X }}"), ("A", "")]);
    assert_eq!((environment.remove.len(), environment.only.as_ref().unwrap().len()), (2, 1));
    let attributes = &service.attributes;
    assert_eq!((attributes.umask, attributes.nice), (Some(0o27), Some(-20)));
    assert_eq!((attributes.oom_score_adj, attributes.no_new_privs), (Some(1000), true));
    let limits: Vec<String> = attributes.limits.iter().map(ToString::to_string).collect();
    let expected = ["nofile 65536", "core 0", "nproc unlimited", "as 512M", "stack 8M:unlimited", "cpu 1:2"];
    assert_eq!(limits, expected);
    assert_eq!(attributes.limits[2].soft, UNLIMITED);
    assert_eq!(attributes.bounding, Some(set(&["NET_BIND_SERVICE", "KILL"])));
    assert_eq!(attributes.ambient, Some(set(&["KILL"])));
    assert_eq!(attributes.read_only_paths, [Path::new("/var/www/html"), Path::new("/etc")]);
}

#[test]
fn what_is_not_said_changes_nothing() {
    let service = service("").unwrap();
    assert_eq!(service.attributes, crate::process_attributes::ProcessAttributes::default());
    assert!(service.groups.is_empty() && service.environment.only.is_none());
}

#[test]
fn words_for_sets() {
    for (keys, bounding, ambient) in [
        ("bounding = \"none\"", Some(set(&[])), None),
        ("bounding = [\"none\"], ambient = []", Some(set(&[])), Some(set(&[]))),
        ("bounding = []", Some(set(&[])), None),
        ("bounding = \"all\", ambient = [\"CHOWN\"]", None, Some(set(&["CHOWN"]))),
        ("bounding = [\"all\"]", None, None),
    ] {
        let attributes = service(&format!("capabilities = {{ {keys} }}")).unwrap().attributes;
        assert_eq!((attributes.bounding, attributes.ambient), (bounding, ambient), "{keys}");
    }
}

#[test]
fn mistakes() {
    for (keys, said) in [
        (
            "umask = 27",
            &["`umask` must be a string | this is an integer | write it in octal: umask = \"0640\""][..],
        ),
        ("umask = \"1777\"", &["`umask` is too large"]),
        ("umask = \"9\"", &["`9` is not a mode"]),
        ("nice = 20", &["`nice` can't be 20 | from -20 to 19"]),
        ("nice = \"5\"", &["`nice` must be an integer"]),
        ("oom-score-adj = -1001", &["`oom-score-adj` can't be -1001 | from -1000 to 1000"]),
        ("limits = 5", &["`limits` must be a table"]),
        (
            "limits = { nofiles = 5 }",
            &["there is no limit `nofiles` | no resource of setrlimit(2) | did you mean `nofile`?"],
        ),
        (
            "limits = { NPROC = 5 }",
            &["there is no limit `NPROC` | no resource of setrlimit(2) | did you mean `nproc`?"],
        ),
        (
            "limits = { zzzzzz = 5 }",
            &["there is no limit `zzzzzz` | no resource of setrlimit(2) | known: cpu, fsize"],
        ),
        (
            "limits = { nofile = -1 }",
            &["this is no limit of `nofile` | a number: 1024, \"unlimited\", or two"],
        ),
        ("limits = { nofile = \"1K\" }", &["this is no limit of `nofile`"]),
        ("limits = { as = \"-1\" }", &["this is no limit of `as` | bytes: 65536, \"512M\""]),
        ("limits = { as = \"512MB\" }", &["this is no limit of `as`"]),
        ("limits = { as = true, core = \"\" }", &["this is no limit of `as`", "this is no limit of `core`"]),
        ("limits = { core = \"1:2:3\" }", &["this is no limit of `core`"]),
        ("limits = { core = \"2:1\" }", &["the soft limit of `core` is above the hard one"]),
        ("no-new-privs = 1", &["`no-new-privs` must be `true` or `false`"]),
        ("capabilities = []", &["`capabilities` must be a table"]),
        ("capabilities = { bound = [] }", &["unknown key `bound` in `capabilities`"]),
        ("capabilities = { bounding = 1 }", &["`bounding` must be an array of names, \"all\" or \"none\""]),
        (
            "capabilities = { bounding = [\"NET_BIND\", \"CAP_NET_BIND_SERVIC\"] }",
            &[
                "there is no capability `NET_BIND`",
                "there is no capability `CAP_NET_BIND_SERVIC` | a name of capabilities(7), with or without CAP_ | did you mean `NET_BIND_SERVICE`?",
            ],
        ),
        ("capabilities = { bounding = [\"KILL\", \"none\"] }", &["`none` stands alone"]),
        ("capabilities = { ambient = \"all\" }", &["`ambient` can't be \"all\""]),
        (
            "capabilities = { bounding = [\"KILL\"], ambient = [\"KILL\", \"CHOWN\"] }",
            &["`ambient` goes beyond `bounding`: CHOWN"],
        ),
        ("read-only-paths = \"/a\"", &["`read-only-paths` must be an array of strings"]),
        (
            "read-only-paths = [\"a\", \"/b/../c\"]",
            &["`read-only-paths` must be an absolute path", "`read-only-paths` can't contain `..`"],
        ),
        ("read-only-paths = [\"/\"]", &["`read-only-paths` can't be all there is"]),
        (
            "no-new-privs = false\nread-only-paths = [\"/a\"]",
            &["`read-only-paths` can't do with `no-new-privs = false`"],
        ),
        ("groups = \"video\"", &["`groups` must be an array of strings"]),
        (
            "environment = { adds = {} }",
            &["unknown key `adds` in `environment` | not a key of this table | did you mean `add`?"],
        ),
        ("environment = { add = [\"A\"] }", &["`add` must be a table"]),
        ("environment = { add = { A = 1 } }", &["`A` must be a string | this is an integer"]),
        (
            "environment = { add = { \"\" = \"\" }, remove = [\"A=1\"] }",
            &["\"A=1\" can't be the name", "\"\" can't be the name"],
        ),
    ] {
        let problems = service(keys).unwrap_err();
        assert_eq!(problems.len(), said.len(), "{keys}: {problems:?}");
        for said in said {
            assert!(problems.iter().any(|problem| problem.starts_with(said)), "{keys}: {problems:?}");
        }
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let problems = service(
        "umask = \"x\"\nnice = 99\noom-score-adj = 9999\nlimits = { a = 1, b = 2 }\n\
         capabilities = { bounding = [\"X\"], ambient = [\"Y\"] }\nread-only-paths = [\"x\"]\ngroups = 1",
    );
    assert_eq!(problems.unwrap_err().len(), 9);
}
