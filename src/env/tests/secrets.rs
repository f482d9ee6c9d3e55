//! A secret stands in no message, whatever is wrong.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use proptest::prelude::*;

use super::case::Case;
use crate::env::Snapshot;

#[test]
fn secrecy_spreads_over_defaults() {
    let spec = "[env.A]\nsecret = true\n[env.B]\ndefault = '{{ C }}'\n[env.C]\ndefault = '{{ A | upper }}'\n\
                [env.D]\ndefault = '{{ E }}'\n[env.E]\n[env.F]\ndefault = '{{ K }}'\n[env.K]\ngenerate = {length = 8}\n";
    for given in [&["A=hunter2", "E=1"][..], &["A=hunter2", "E=1", "C=dsn"]] {
        let resolved = Case::new(spec, given).resolved();
        let secret: Vec<_> =
            resolved.variables.iter().filter(|v| v.secret).map(|v| v.name.as_str()).collect();
        assert_eq!(secret, ["A", "B", "C", "F", "K"]);
        assert!(resolved.is_secret("B") && !resolved.is_secret("D") && !resolved.is_secret("NOBODY"));
    }
    // through a circle, too
    let circle =
        "[env.A]\ndefault = '{{ B }}'\n[env.B]\ndefault = '{{ A }}{{ S }}'\n[env.S]\nsecret = true\n";
    assert!(Case::new(circle, &[]).resolve().resolved.variables.iter().all(|variable| variable.secret));
}

/// However a template hides that it uses a secret, its text is one, or there is none.
#[test]
fn secrecy_cannot_be_got_around() {
    for default in [
        "{% if false %}{% set S = 1 %}{% endif %}{{ S }}",
        "{% for S in [] %}{% endfor %}{{ S }}",
        "{% set x = S %}{{ x }}",
        "{% set S = S %}{{ S }}",
        "{% macro m(S) %}{{ S }}{% endmacro %}{{ m(S) }}",
        "{% with S = S %}{{ S }}{% endwith %}",
        "{% filter upper %}{{ S }}{% endfilter %}",
        "{{ [S] | first }}",
        "{{ {'k': S}.k }}",
        "{{ 'x' if S else 'y' }}",
    ] {
        let case =
            Case::new(&format!("[env.A]\ndefault = \"{default}\"\n[env.S]\nsecret = true\n"), &["S=hunter2"]);
        let resolved = case.resolve().resolved;
        let found = resolved.get("A").unwrap();
        assert!(found.secret || found.text.is_none(), "{default}: {found:?}");
        assert!(!case.shown().to_lowercase().contains("hunter2"), "{default}");
    }
}

#[test]
fn texts_to_redact() {
    let spec = "[env.A]\nsecret = true\n[env.L]\nsecret = true\ntype = 'list'\n[env.J]\nsecret = true\ntype = 'json'\n\
                [env.E]\nsecret = true\ndefault = ''\n[env.P]\n";
    let case = Case::new(spec, &["A=one", "L=three, four", "J={\"k\": \"fifth\"}", "P=plain"]);
    let resolved = case.resolved();
    assert_eq!(
        resolved.secrets().collect::<Vec<_>>(),
        ["{\"k\": \"fifth\"}", "three, four", "fifth", "three", "four", "one"]
    );
    let debug = format!("{resolved:?}");
    assert!(debug.contains("plain"));
    assert!(
        ["one", "three", "fifth"].iter().all(|secret| !debug.contains(&format!("\"{secret}"))),
        "{debug}"
    );
}

#[test]
fn a_plain_variable_that_holds_a_secret_is_not_shown() {
    let spec = "[env.PASS]\nsecret = true\n[env.DSN]\ntype = 'int'\n[env.X]\n[[rule]]\nassert = 'X == 1'\n";
    let shown = Case::new(spec, &["PASS=hunter2", "DSN=u:hunter2@h", "X=hunter2"]).shown();
    assert!(shown.contains("`DSN` can't be") && shown.contains("`X` is set"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

const TYPES: [&str; 14] = [
    "string",
    "bool",
    "int",
    "float",
    "port",
    "host",
    "host-port",
    "url",
    "email",
    "path",
    "size",
    "duration",
    "list",
    "json",
];
/// No random text begins so, and no message does.
const MARK: &str = "Zq7";

fn constraint() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "choices = ['1']",
        "pattern = '[0-9]'",
        "required = true",
        "aliases = ['OLD']",
        "default = '1'",
        "default = '{{ S }}'",
        "default = '{{ S | int }}'",
        "default = '{{ S * 2 }}'",
        "default = '{{ S.x }}'",
        "default = '{{ S }}{{ container.nothing }}'",
        "required-if = 'S'",
        "required-if = 'S > 1'",
        "export = true",
    ])
}

/// How a variable is given: names and values made of the secret.
fn given(name: &str, secret: &str, how: usize) -> Vec<(OsString, OsString)> {
    let pair = |name: String, value: &str| (OsString::from(name), OsString::from(value));
    match how {
        0 => vec![],
        1 => vec![pair(name.to_owned(), secret)],
        2 => vec![pair(format!("{name}_FILE"), "/secret")],
        3 => vec![pair(name.to_owned(), secret), pair(format!("{name}_FILE"), "/secret")],
        4 => {
            let bytes = [secret.as_bytes(), b"\xff"].concat();
            vec![(OsString::from(name), OsString::from_vec(bytes))]
        }
        5 => vec![pair(format!("{name}_FILE"), secret)],
        6 => vec![pair(format!("{name}_FILE"), "/bytes")],
        7 => vec![pair(name.to_owned(), &format!("x{secret}y"))],
        _ => vec![pair("OLD".to_owned(), secret), pair(name.to_owned(), &format!("{secret}2"))],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_message_holds_a_secret(
        tail in "[A-Za-z0-9!#%&:/@.,;'\"\\\\$ \n{}-]{5,80}",
        types in (0..TYPES.len(), 0..TYPES.len(), 0..TYPES.len()),
        constraints in (constraint(), constraint(), constraint()),
        hows in (0usize..9, 0usize..9),
        assert in prop::sample::select(vec!["S == 1", "S > 1", "S", "T ~ S", "U == S", "S.x", "S[1:2:0]", "S is odd"]),
    ) {
        let secret = format!("{MARK}{tail}");
        // S and T are secrets, U is a plain variable that may be made of one
        let kind = |i: usize| TYPES.get(i).copied().unwrap_or("string");
        // S is a secret by itself: nothing it is made of comes first, and OLD is its old name only
        let but = |keys: &'static str, unwanted: &[&str]| {
            if unwanted.iter().any(|word| keys.contains(word)) { "" } else { keys }
        };
        let (of_s, of_t, of_u) =
            (but(constraints.0, &["{{ S"]), but(constraints.1, &["aliases"]), but(constraints.2, &["aliases"]));
        let spec = format!(
            "version = 1\n[undeclared]\nprefixes = ['PREFIX_']\n\
             [env.S]\nsecret = true\ntype = '{}'\n{}\n[env.T]\nsecret = true\ntype = '{}'\n{}\n\
             [env.U]\ntype = '{}'\n{}\n[[rule]]\nassert = '{assert}'\n",
            kind(types.0), of_s, kind(types.1), of_t, kind(types.2), of_u,
        );
        let mut pairs = given("S", &secret, hows.0);
        pairs.extend(given("T", &secret, hows.1));
        pairs.extend([(OsString::from("PREFIX_X"), OsString::from(&secret))]);
        let as_bytes = [secret.as_bytes(), b"\xff"].concat();
        let case = Case::with_snapshot(spec.trim_start_matches("version = 1\n"), Snapshot::from_pairs(pairs))
            .file("/secret", format!("{secret}\n"))
            .file("/bytes", as_bytes)
            .file("/run/secrets/S", secret.clone());
        let shown = case.shown();
        prop_assert!(!shown.contains(MARK), "{spec}\n{shown}");
        prop_assert!(!format!("{:?}", case.resolve()).contains(MARK), "{spec}");
        // what a service gets of them is only what says so
        let environment = crate::env::service_environment(&case.snapshot, &case.resolve().resolved, &case.spec);
        for (name, value) in environment {
            let held = value.as_bytes().windows(MARK.len()).any(|part| part == MARK.as_bytes());
            let exported = spec.contains("export = true");
            let others = name == "PREFIX_X" || name == "OLD" && !spec.contains("aliases");
            prop_assert!(!held || exported || others, "{name:?}");
        }
    }
}
