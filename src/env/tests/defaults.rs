//! Defaults, conditions and rules.

use super::case::Case;
use crate::env::{Origin, Value};

#[test]
fn computed_in_any_order() {
    for (spec, given, name, text) in [
        (
            "[env.A]\ndefault = '{{ B }}x'\n[env.B]\ndefault = '{{ C }}y'\n[env.C]\ndefault = 'z'\n",
            &[][..],
            "A",
            "zyx",
        ),
        ("[env.A]\ndefault = '{{ B }}x'\n[env.B]\n", &["B=1"], "A", "1x"),
        ("[env.A]\ndefault = '{{ B }}x'\n[env.B]\n", &["A=2"], "A", "2"),
        ("[env.A]\ndefault = '{{ B | default(7) }}'\n[env.B]\n", &[], "A", "7"),
        (
            "[env.A]\ndefault = '{{ container.cpus }}-{{ container.hostname }}-{{ image.name }}'\n",
            &[],
            "A",
            "2-box-shop",
        ),
        (
            "[env.N]\ntype = 'int'\ndefault = '{{ [1, (container.memory * 0.8 / M) | int] | max }}'\n\
             [env.M]\ntype = 'size'\ndefault = '128M'\n",
            &[],
            "N",
            "3",
        ),
        ("[env.M]\ntype = 'size'\ndefault = '{{ (container.memory / 2) | int | size }}'\n", &[], "M", "256M"),
        ("[env.L]\ntype = 'list'\ndefault = ['a', 'b']\n", &[], "L", "a,b"),
        ("[env.F]\ntype = 'bool'\ndefault = '{{ 1 == 1 }}'\n", &[], "F", "true"),
    ] {
        assert_eq!(Case::new(spec, given).text(name).as_deref(), Some(text), "{spec}");
    }
}

#[test]
fn values_are_typed_and_unset_ones_undefined() {
    let spec = "[env.A]\n[env.B]\ntype = 'size'\ndefault = '1K'\n[env.L]\ntype = 'list'\ndefault = 'a, b'\n";
    let resolved = Case::new(spec, &[]).resolved();
    assert_eq!(resolved.get("A").unwrap().origin, Origin::Unset);
    assert_eq!(resolved.get("B").unwrap().value, Some(Value::Size(1024)));
    let context = resolved.context(&Case::facts());
    for (expression, expected) in
        [("A is defined", "False"), ("B + 1", "1025"), ("L[1]", "b"), ("image.version is defined", "False")]
    {
        let shown = crate::expression::engine().render_str(&format!("{{{{ {expression} }}}}"), &context);
        assert_eq!(shown.ok().as_deref(), Some(expected), "{expression}");
    }
}

/// Mistakes of the spec are found whatever was given.
#[test]
fn mistakes_of_defaults() {
    for (spec, given, expected) in [
        (
            "[env.P]\ntype = 'port'\ndefault = '80abc'\n",
            &["P=80"][..],
            &[(65, "`P` can't be `80abc`, its default")][..],
        ),
        ("[env.P]\ntype = 'port'\ndefault = '80abc'\n", &[], &[(65, "`P` can't be `80abc`, its default")]),
        ("[env.N]\ntype = 'int'\nmax = 3\ndefault = 4\n", &[], &[(65, "`N` can't be `4`, its default")]),
        ("[env.L]\ntype = 'list'\ndefault = ['a,b']\n", &[], &[(65, "`L` can't be `a,b`, its default")]),
        ("[env.C]\nchoices = ['a']\ndefault = 'b'\n", &["C=a"], &[(65, "`C` can't be `b`, its default")]),
        (
            "[env.S]\nsecret = true\ntype = 'int'\ndefault = 'x'\n",
            &[],
            &[(65, "`S` can't be its default (not shown: a secret)")],
        ),
        ("[env.A]\ndefault = '{{ B }}'\n", &["A=1"], &[(65, "there is no variable `B`")]),
        ("[env.A]\ndefault = '{{ B'\n", &["A=1"], &[(65, "this is not a template")]),
        ("[env.A]\nrequired-if = 'NOBODY is defined'\n", &["A=1"], &[(65, "there is no variable `NOBODY`")]),
        ("[[rule]]\nassert = 'NOBODY > 1'\n", &[], &[(65, "there is no variable `NOBODY`")]),
        ("[env.container]\n", &[], &[(65, "`container` can't be declared")]),
        // only facts and defaults took part: the spec's mistake
        (
            "[env.P]\ntype = 'port'\ndefault = '{{ container.cpus * 70000 }}'\n",
            &[],
            &[(65, "`P` can't be `140000`, its default")],
        ),
        // a given variable took part, far away
        (
            "[env.P]\ntype = 'port'\ndefault = '{{ Q }}'\n[env.Q]\ndefault = '{{ R }}'\n[env.R]\n",
            &["R=70000"],
            &[(78, "`P` can't be `70000`, its default")],
        ),
        ("[env.A]\ndefault = '{{ B }}'\n[env.B]\n", &[], &[(65, "`B` is not set")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(code, title)| (*code, (*title).to_owned())).collect();
        assert_eq!(Case::new(spec, given).problems(), expected, "{spec} {given:?}");
    }
}

#[test]
fn circles_are_named() {
    for (spec, titles) in [
        ("[env.A]\ndefault = '{{ A }}'\n", &["A → A"][..]),
        ("[env.A]\ndefault = '{{ B }}'\n[env.B]\ndefault = '{{ A }}'\n", &["A → B → A"]),
        (
            "[env.A]\ndefault = '{{ B }}'\n[env.B]\ndefault = '{{ C }}'\n[env.C]\ndefault = '{{ B }}'\n",
            &["B → C → B"],
        ),
        (
            "[env.A]\ndefault = '{{ B }}'\n[env.B]\ndefault = '{{ A }}'\n\
             [env.C]\ndefault = '{{ D }}'\n[env.D]\ndefault = '{{ C }}'\n[[rule]]\nassert = 'A == C'\n",
            &["A → B → A", "C → D → C"],
        ),
    ] {
        let expected: Vec<_> =
            titles.iter().map(|round| (65, format!("defaults need each other: {round}"))).collect();
        assert_eq!(Case::new(spec, &[]).problems(), expected, "{spec}");
        assert_eq!(Case::new(spec, &["A=1"]).problems(), expected, "given or not: {spec}");
    }
}

/// Each asks for the other, and neither gives the other a value: no circle.
#[test]
fn two_variables_may_require_each_other() {
    let spec = "[env.U]\nrequired-if = 'P is defined'\n[env.P]\nrequired-if = 'U is defined'\n";
    for (given, expected) in [
        (&[][..], &[][..]),
        (&["U=1", "P=2"], &[]),
        (&["U=1"], &[(78, "`P` is required and not set")]),
        (&["P=1"], &[(78, "`U` is required and not set")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(code, title)| (*code, (*title).to_owned())).collect();
        assert_eq!(Case::new(spec, given).problems(), expected, "{given:?}");
    }
}

#[test]
fn what_follows_from_a_mistake_is_not_said_again() {
    let chain = "[env.A]\ntype = 'int'\n[env.B]\ndefault = '{{ A + 1 }}'\n[env.C]\ndefault = '{{ B }}'\n\
                 [env.D]\nrequired-if = 'B == \"1\"'\n[[rule]]\nassert = 'C == \"2\"'\n";
    assert_eq!(Case::new(chain, &["A=x"]).problems(), [(78, "`A` can't be `x`".to_owned())]);
    let required = "[env.A]\nrequired = true\n[env.B]\ndefault = '{{ A }}'\n[[rule]]\nassert = 'A == B'\n";
    assert_eq!(Case::new(required, &[]).problems(), [(78, "`A` is required and not set".to_owned())]);
    // the default is computed first, and fails for want of what is required later
    let later = "[env.A]\nrequired-if = 'C is defined'\n[env.B]\ndefault = '{{ A }}'\n[env.C]\n";
    assert_eq!(Case::new(later, &["C=1"]).problems(), [(78, "`A` is required and not set".to_owned())]);
}

#[test]
fn rules() {
    let spec = |assert: &str| {
        format!(
            "[env.A]\ntype = 'size'\ndefault = '8M'\n[env.B]\ntype = 'size'\ndefault = '2M'\n[env.C]\n\
             [[rule]]\nassert = '{assert}'\nmessage = 'too small'\n"
        )
    };
    for (assert, given, expected) in [
        ("A >= B", &[][..], None),
        ("A >= B", &["B=9M"], Some((78, "too small"))),
        ("A >= B", &["A=1M"], Some((78, "too small"))),
        ("A >= B", &["A=1X"], Some((78, "`A` can't be `1X`"))),
        ("A", &[], Some((65, "this is neither true nor false"))),
        ("C", &["C=x"], Some((65, "this is neither true nor false"))),
        ("C is defined and C == 1 or A > 1", &[], None),
    ] {
        let expected: Vec<_> = expected.iter().map(|(code, title)| (*code, (*title).to_owned())).collect();
        assert_eq!(Case::new(&spec(assert), given).problems(), expected, "{assert} {given:?}");
    }
    let unset = Case::new(&spec("C == 1"), &[]);
    assert_eq!(unset.problems().into_iter().map(|(code, _)| code).collect::<Vec<_>>(), [65]);
    assert!(unset.shown().contains("`C` is not set"), "{}", unset.shown());
}

/// The variables of a WordPress image, nothing given but what must be.
#[test]
fn a_real_image() {
    let spec = r#"
[undeclared]
prefixes = ["WORDPRESS_", "PHP_"]
[env.WORDPRESS_DB_HOST]
type = "host-port"
default = "db:3306"
[env.WORDPRESS_DB_PASSWORD]
secret = true
required = true
[env.WORDPRESS_DB_COLLATE]
default = ""
[env.WORDPRESS_TABLE_PREFIX]
pattern = "[A-Za-z0-9_]+"
default = "wp_"
[env.WORDPRESS_AUTH_KEY]
secret = true
generate = { length = 64, alphabet = "printable" }
[env.WORDPRESS_DEBUG]
type = "bool"
default = false
[env.PHP_MEMORY_LIMIT]
type = "size"
min = -1
default = "128M"
[env.PHP_MAX_CHILDREN]
type = "int"
min = 1
default = "{{ [1, (container.memory * 0.8 / PHP_MEMORY_LIMIT) | int] | max }}"
[env.PHP_UPLOAD_MAX_FILESIZE]
type = "size"
default = "2M"
[env.PHP_POST_MAX_SIZE]
type = "size"
default = "8M"
[[rule]]
assert = "PHP_POST_MAX_SIZE >= PHP_UPLOAD_MAX_FILESIZE"
"#;
    let password = "a'\"\\$&\n{{ x }} line two\nZ=x\n";
    let case = Case::new(spec, &["WORDPRESS_DB_PASSWORD_FILE=/run/pw", "WORDPRESS_DB_NAME_=", "HOME=/"])
        .file("/run/pw", format!("{password}\n"));
    assert_eq!(case.problems(), [(78, "`WORDPRESS_DB_NAME_` is not a variable of this image".to_owned())]);
    let resolved = case.resolve().resolved;
    let value = |name: &str| resolved.get(name).and_then(|found| found.value.clone());
    assert_eq!(value("WORDPRESS_DB_PASSWORD"), Some(Value::Text(password.to_owned())));
    assert_eq!(value("WORDPRESS_DB_COLLATE"), Some(Value::Text(String::new())));
    assert_eq!(value("WORDPRESS_DEBUG"), Some(Value::Bool(false)));
    assert_eq!(value("PHP_MAX_CHILDREN"), Some(Value::Int(3)));
    assert_eq!(value("Z"), None);
    assert_eq!(case.service(), ["HOME=/", "WORDPRESS_DB_NAME_="]);
}
