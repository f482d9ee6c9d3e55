//! The environment of the service.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::case::Case;
use crate::env::{Snapshot, service_environment};

#[test]
fn table() {
    for (keys, given, expected) in [
        // neither secret nor exported: as it was given
        ("default = 'd'", &["V=x"][..], &["V=x"][..]),
        ("default = 'd'", &["V="], &["V="]),
        ("default = 'd'", &[], &[]),
        ("", &["V_FILE=/f"], &["V_FILE=/f"]),
        ("aliases = ['OLD']", &["OLD=x"], &["OLD=x"]),
        ("type = 'bool'", &["V=yes"], &["V=yes"]),
        // secret
        ("secret = true", &["V=x"], &[]),
        ("secret = true", &["V_FILE=/f"], &[]),
        ("secret = true\naliases = ['OLD']", &["OLD=x", "OLD_FILE="], &[]),
        ("secret = true", &["V="], &[]),
        ("generate = {length = 4}", &["V=x"], &[]),
        ("generate = {length = 4}", &[], &[]),
        // exported
        ("export = true\ndefault = 'd'", &[], &["V=d"]),
        ("export = true\ndefault = 'd'", &["V="], &["V=d"]),
        ("export = true", &["V="], &[]),
        ("export = true", &["V_FILE=/f"], &["V=from file"]),
        ("export = true\naliases = ['OLD']", &["OLD=x"], &["V=x"]),
        ("export = true\nsecret = true", &["V_FILE=/f"], &["V=from file"]),
        ("export = true\nsecret = true", &["V=x"], &["V=x"]),
        ("export = true\ngenerate = {length = 4, alphabet = 'hex'}", &[], &["V=0123"]),
        ("export = true\ntype = 'size'\ndefault = '128m'", &[], &["V=128m"]),
        ("export = true\ntype = 'list'\ndefault = ['a', 'b']", &[], &["V=a,b"]),
        // kept back
        ("export = false", &["V=x", "V_FILE="], &[]),
        // V_FILE is a variable of its own
        ("secret = true\n[env.V_FILE]", &["V=x", "V_FILE=y"], &["V_FILE=y"]),
        // computed from a secret
        ("default = '{{ S }}'\n[env.S]\nsecret = true", &["V=x", "S=y"], &[]),
    ] {
        let mut given = given.to_vec();
        given.extend(["PATH=/bin", "CASTOFF_CONFIG=/etc/c"]);
        let mut expected: Vec<_> = expected.iter().map(|pair| (*pair).to_owned()).collect();
        expected.insert(
            expected.iter().take_while(|pair| pair.as_str() < "PATH").count(),
            "PATH=/bin".to_owned(),
        );
        let case = Case::new(&format!("[env.V]\n{keys}\n"), &given).file("/f", "from file\n");
        assert_eq!(case.service(), expected, "{keys} {given:?}");
    }
}

#[test]
fn bytes_pass_through() {
    let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let pairs = vec![(bytes(b"A\xfe"), bytes(b"\xff\n")), (bytes(b"B"), bytes(b"\xff"))];
    let case = Case::with_snapshot("[env.C]\n", Snapshot::from_pairs(pairs.clone()));
    assert_eq!(service_environment(&case.snapshot, &case.resolved(), &case.spec), pairs);
}
