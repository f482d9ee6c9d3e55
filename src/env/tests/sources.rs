//! Where a value comes from.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::case::Case;
use crate::env::{Origin, Snapshot};

const PLAIN: &str = "[env.V]\naliases = ['OLD']\ndefault = 'd'\n";
const SECRET: &str = "[env.V]\nsecret = true\naliases = ['OLD']\ndefault = 'd'\n";
const KEEP: &str = "[env.V]\nempty = 'keep'\ndefault = 'd'\n";

fn files(case: Case) -> Case {
    case.file("/f", "from file\n")
        .file("/empty", "\n")
        .file("/two", "a\nb\n\n")
        .file("/crlf", "a\r\nb\r\n")
        .file("/none", "")
}

#[test]
fn the_first_source_counts() {
    let environment = Origin::Environment;
    let file = |path: &str| Origin::File(PathBuf::from(path));
    for (spec, given, text, origin) in [
        (PLAIN, &["V=x"][..], "x", environment.clone()),
        (PLAIN, &[], "d", Origin::Default),
        (PLAIN, &["V="], "d", Origin::Default),
        (PLAIN, &["V_FILE=/f"], "from file", file("/f")),
        (PLAIN, &["V=", "V_FILE=/f"], "from file", file("/f")),
        (PLAIN, &["V=x", "V_FILE="], "x", environment.clone()),
        (PLAIN, &["V_FILE=/two"], "a\nb\n", file("/two")),
        (PLAIN, &["V_FILE=/crlf"], "a\r\nb", file("/crlf")),
        (PLAIN, &["V_FILE=/empty"], "d", Origin::Default),
        (SECRET, &["V_FILE=/f"], "from file", file("/f")),
        (SECRET, &[], "d", Origin::Default),
        (KEEP, &["V="], "", environment.clone()),
        (KEEP, &["V=", "V_FILE=/f"], "from file", file("/f")),
        (KEEP, &["V_FILE=/none"], "", file("/none")),
        (KEEP, &["V_FILE="], "d", Origin::Default),
        // V_FILE is a variable of its own
        ("[env.V]\ndefault = 'd'\n[env.V_FILE]\n", &["V=x", "V_FILE=/missing"], "x", environment),
        (
            "[env.V]\ndefault = 'd'\n[env.W]\naliases = ['V_FILE']\nempty = 'keep'\n",
            &[],
            "d",
            Origin::Default,
        ),
        ("[env.V]\ndefault = ''\n", &[], "", Origin::Default),
    ] {
        let resolved = files(Case::new(spec, given)).resolved();
        let found = resolved.get("V").unwrap();
        assert_eq!((found.text.as_deref(), &found.origin), (Some(text), &origin), "{spec} {given:?}");
    }
}

#[test]
fn the_secret_mount_is_for_secrets() {
    let mount = |name: &str| Origin::SecretMount(PathBuf::from(format!("/run/secrets/{name}")));
    for (spec, path, given, text, origin) in [
        (SECRET, "/run/secrets/V", &[][..], "m", mount("V")),
        (SECRET, "/run/secrets/v", &[], "m", mount("v")),
        (SECRET, "/run/secrets/V", &["V="], "m", mount("V")),
        (SECRET, "/run/secrets/V", &["V=x"], "x", Origin::Environment),
        (SECRET, "/run/secrets/OLD", &[], "d", Origin::Default),
        (PLAIN, "/run/secrets/V", &[], "d", Origin::Default),
        ("[env.V]\ngenerate = {length = 4}\n", "/run/secrets/V", &[], "m", mount("V")),
    ] {
        let resolved = Case::new(spec, given).file(path, "m\n").resolved();
        let found = resolved.get("V").unwrap();
        assert_eq!((found.text.as_deref(), &found.origin), (Some(text), &origin), "{spec} {path} {given:?}");
    }
    let both = Case::new(SECRET, &[]).file("/run/secrets/V", "upper").file("/run/secrets/v", "lower");
    assert_eq!(both.text("V").as_deref(), Some("upper"));
}

#[test]
fn old_names_are_taken_with_a_warning() {
    let alias = Origin::Alias("OLD".to_owned());
    for (given, text, origin, title) in [
        (&["OLD=x"][..], Some("x"), alias.clone(), (0, "`OLD` is now called `V`")),
        (&["OLD_FILE=/f"], Some("from file"), alias, (0, "`OLD` is now called `V`")),
        (
            &["V=x", "OLD=x"],
            Some("x"),
            Origin::Environment,
            (0, "`V` is set, and its old name `OLD` too, to the same value"),
        ),
        (&["V=x", "OLD=y"], None, Origin::Unset, (78, "`V` is set, and its old name `OLD` to another value")),
        (&["OLD=y", "OLD_FILE=/f"], None, Origin::Unset, (78, "`OLD` and `OLD_FILE` are both set")),
    ] {
        let case = files(Case::new(PLAIN, given));
        assert_eq!(case.problems(), [(title.0, title.1.to_owned())], "{given:?}");
        let resolved = case.resolve().resolved;
        let found = resolved.get("V").unwrap();
        assert_eq!((found.text.as_deref(), &found.origin), (text, &origin), "{given:?}");
    }
    assert_eq!(Case::new(PLAIN, &["OLD="]).text("V").as_deref(), Some("d"));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for (spec, given, title) in [
        (PLAIN, "V_FILE=/missing", "`V_FILE` names a file that doesn't exist: `/missing`"),
        (PLAIN, "V_FILE=/denied", "`V_FILE` names a file that can't be read: `/denied`"),
        (
            PLAIN,
            "V_FILE=/bytes",
            "the file that `V_FILE` names is not UTF-8 (byte 3, counted from 0): `/bytes`",
        ),
        (
            PLAIN,
            "V_FILE=/nul",
            "the file that `V_FILE` names holds a NUL, which no variable can (byte 1, counted from 0): `/nul`",
        ),
        (
            SECRET,
            "V_FILE=pass",
            "`V_FILE` names a file that doesn't exist: the file that it names (not shown)",
        ),
        (SECRET, "A=", "the secret `V` is mounted and can't be read: /run/secrets/v"),
    ] {
        let case = Case::new(spec, &[given])
            .unreadable("/denied", "permission denied")
            .unreadable("/run/secrets/v", "permission denied")
            .file("/bytes", b"abc\xff".to_vec())
            .file("/nul", b"a\0b".to_vec());
        assert_eq!(case.problems(), [(78, title.to_owned())]);
        assert_eq!(case.resolve().resolved.get("V").unwrap().value, None, "{given}");
    }
    let case = Case::new(PLAIN, &["V_FILE=/denied"]).unreadable("/denied", "permission denied");
    assert!(case.shown().contains("note: permission denied"));
}

#[test]
fn a_value_and_a_file_contradict_each_other() {
    for spec in [PLAIN, SECRET, KEEP] {
        let case = files(Case::new(spec, &["V=x", "V_FILE=/f"]));
        assert_eq!(case.problems(), [(78, "`V` and `V_FILE` are both set".to_owned())]);
    }
}

#[test]
fn bytes_that_are_no_text() {
    let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let snapshot = Snapshot::from_pairs([
        (bytes(b"V"), bytes(b"hunter2\xff")),
        (bytes(b"OTHER"), bytes(b"\xff")),
        (bytes(b"\xff"), bytes(b"x")),
    ]);
    let case = Case::with_snapshot(PLAIN, snapshot);
    assert_eq!(case.problems(), [(78, "`V` is not UTF-8 (byte 7, counted from 0)".to_owned())]);
    assert!(!case.shown().contains("hunter2"));
}

#[test]
fn generated_values() {
    let spec = "[env.KEY]\ngenerate = {length = 6, alphabet = 'hex'}\n";
    for (case, text, origin) in [
        (Case::new(spec, &[]), "012345", Origin::Generated { new: true }),
        (Case::new(spec, &[]).kept("KEY", "kept"), "kept", Origin::Generated { new: false }),
        (Case::new(spec, &["KEY=given"]).kept("KEY", "kept"), "given", Origin::Environment),
        (Case::new(spec, &["KEY="]).kept("KEY", "kept"), "kept", Origin::Generated { new: false }),
    ] {
        let resolved = case.resolved();
        let found = resolved.get("KEY").unwrap();
        assert_eq!((found.text.as_deref(), &found.origin), (Some(text), &origin));
        assert!(found.secret, "what is generated is a secret");
    }
    let short = "[env.KEY]\nmin = 8\ngenerate = {length = 6}\n";
    let title = "what castoff generates for `KEY` is not what `KEY` takes";
    assert_eq!(Case::new(short, &[]).problems(), [(65, title.to_owned())]);
}

#[test]
fn an_env_file_is_pointed_at_by_line() {
    let text = "# local\nPORT=80abc\nV=x\nV_FILE=/f\nP_FORM=hunter2\n";
    let snapshot = Snapshot::from_entries(crate::env::dotenv::parse("site.env", text.as_bytes()).unwrap());
    let spec = format!("[undeclared]\nprefixes = ['P_']\n[env.PORT]\ntype = 'port'\n{PLAIN}");
    let shown = Case::with_snapshot(&spec, snapshot).shown();
    for line in ["set here: site.env line 2", "set here: site.env line 3", "set here: site.env line 5"] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}
