//! An environment that is wrong: every mistake named, all in one go, exit 78.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::case::Case;
use super::golden::assert_golden;

const SPEC: &str = r#"version = 1

[undeclared]
prefixes = ["APP_"]

[env.APP_HOST]
description = "Database server"
type = "host-port"
required = true

[env.APP_PORT]
type = "port"

[env.APP_MEMORY]
type = "size"

[env.APP_LEVEL]
choices = ["debug", "info", "error"]
default = "info"

[env.APP_WORKERS]
type = "int"
min = 1
max = 64

[env.APP_USER]

[env.APP_PASSWORD]
secret = true
required-if = "APP_USER is defined"

[env.APP_TOKEN]
secret = true
pattern = "[0-9a-f]{32}"

[env.APP_KEY]
secret = true

[env.APP_FROM]
type = "email"
aliases = ["APP_SENDER"]

[env.APP_PREFIX]
pattern = "[a-z_]+"

[env.APP_POST]
type = "size"
default = "8M"

[env.APP_UPLOAD]
type = "size"
default = "2M"

[[rule]]
assert = "APP_POST >= APP_UPLOAD"
message = "an upload can't be larger than the request that carries it"
"#;

fn wrong() -> Case {
    Case::verbatim(SPEC)
        .variable("APP_PORT", "80abc")
        .variable("APP_MEMORY", "128MB")
        .variable("APP_LEVEL", "inof")
        .variable("APP_WORKERS", "65")
        .variable("APP_USER", "alice")
        .variable("APP_TOKEN", "canary-token-not-hex")
        .variable("APP_KEY", "canary-key")
        .variable("APP_KEY_FILE", "/none")
        .variable("APP_UPLOAD", "16M")
        .variable("APP_PASWORD", "canary-password")
}

#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let case = wrong();
    let said = case.run(&[]);
    assert_golden("ten-environment-mistakes", &said.text());
    assert_eq!(said.code(78).err.matches("error: ").count(), 10);
    assert!(!said.err.contains("canary"), "{}", said.err);
    assert_eq!(case.run(&["--check"]).err, said.err);
    assert_eq!(case.names("root"), [""; 0]);
}

#[test]
fn each_mistake_is_a_line_of_json_if_wanted() {
    let said = wrong().run(&["--check", "--log-format", "json"]);
    assert_eq!(said.code(78).err.lines().count(), 10);
    for line in said.err.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&object["source"], &object["level"]), (&"castoff".into(), &"error".into()), "{line}");
        assert_eq!(object["file"], "castoff.toml", "{line}");
    }
    assert!(!said.err.contains("canary"));
}

#[test]
fn files_that_hold_values() {
    for (name, value, said) in [
        ("S_FILE", "none", "`S_FILE` names a file that doesn't exist"),
        ("S_FILE", "tmp", "`S_FILE` names a file that can't be read"),
        ("S_FILE", "nul", "holds a NUL"),
        ("S_FILE", "bytes", "is not UTF-8 (byte 2"),
        ("S_FILE", "empty", "`S` is required and not set"),
        ("S", "", "`S` is set to nothing, which counts as not set"),
    ] {
        let case = Case::new("[env.S]\nsecret = true\nrequired = true\n")
            .file("nul", b"ab\0cd")
            .file("bytes", b"ab\xff")
            .file("empty", b"\n");
        let value = if name == "S_FILE" { case.path(value) } else { value.into() };
        case.variable(name, value).run(&["--check"]).code(78).says(&[said, "castoff.toml:2:6\n"]);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused_where_declared() {
    let case = Case::new("[env.NAME]\n").variable("NAME", OsStr::from_bytes(b"caf\xe9"));
    let said = case.run(&["true"]);
    said.code(78).says(&["`NAME` is not UTF-8 (byte 3, counted from 0)", "castoff.toml:2:6\n"]);
}

#[test]
fn a_mistake_in_an_env_file_is_at_its_line_and_shows_no_value() {
    let case = Case::new("[env.PORT]\ntype = \"port\"\n[env.KEY]\nsecret = true\nmin = 99\n")
        .file("site.env", "# a site\nPORT=99999\nKEY='canary'\n");
    let said = case.run(&["--check", "--env-file", "site.env"]);
    said.code(78).says(&["`PORT` can't be `99999`", "site.env line 2", "site.env line 3"]);
    assert!(!said.err.contains("canary"), "{}", said.err);

    case.write("site.env", "PORT=1\nnot a line canary\n");
    let said = case.run(&["--check", "--env-file", "site.env"]);
    said.code(78).says(&["site.env line 2"]);
    assert!(!said.err.contains("canary"), "{}", said.err);

    case.write("site.env", b"PORT=1\nKEY=canary\xff\n");
    let said = case.run(&["--check", "--env-file", "site.env"]);
    said.code(78).says(&["site.env is not UTF-8", "line 2, byte 17"]);
    assert!(!said.err.contains("canary"), "{}", said.err);

    case.run(&["--check", "--env-file", "none.env"]).code(66).says(&["can't read `none.env`: No such file"]);
}

#[test]
fn misspelt_names_are_an_error_or_a_warning() {
    for (action, code) in [("error", 78), ("warn", 0)] {
        let spec = format!("[undeclared]\nprefixes = [\"APP_\"]\naction = \"{action}\"\n[env.APP_FROM]\n");
        let case = Case::new(&spec).variable("APP_FORM", "value").variable("OTHER", "x");
        let said = case.run(&["true"]);
        said.code(code).says(&["`APP_FORM` is not a variable of this image", "did you mean `APP_FROM`?"]);
        assert!(!said.err.contains("OTHER") && !said.err.contains("value"), "{}", said.err);
    }
}

#[test]
fn an_old_name_is_taken_with_a_warning_that_a_level_can_silence() {
    let case = Case::new("[env.NEW]\naliases = [\"OLD\"]\n").variable("OLD", "x");
    case.run(&["true"]).code(0).says(&["warning: `OLD` is now called `NEW`"]);
    assert_eq!(case.run(&["--log-level", "error", "true"]).code(0).err, "");
}
