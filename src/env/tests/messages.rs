//! What people read, word by word, and that nothing is left out.

use super::case::Case;

#[test]
fn a_value_of_the_wrong_type() {
    let spec =
        "[env.PHP_MEMORY_LIMIT]\ndescription = \"memory of one request\"\ntype = \"size\"\nmin = \"32M\"\n";
    let expected = "\
error: `PHP_MEMORY_LIMIT` can't be `128MB`
 --> t.toml:2:6
  |
2 | [env.PHP_MEMORY_LIMIT]
  |      ^^^^^^^^^^^^^^^^ must be a size such as `128M`, at least 32M
  |
  = note: a unit is one letter: php reads `MB` and `MiB` as nothing, and the number as bytes
  = note: PHP_MEMORY_LIMIT: memory of one request
  = help: php reads 128MB as 128 bytes; write 128M";
    assert_eq!(Case::new(spec, &["PHP_MEMORY_LIMIT=128MB"]).shown(), expected);
}

#[test]
fn a_secret_of_the_wrong_type() {
    let spec = "[env.PIN]\ndescription = \"the PIN\"\nsecret = true\npattern = \"[0-9]+\"\n";
    let expected = "\
error: `PIN` can't be what it is set to (not shown: a secret)
 --> t.toml:2:6
  |
2 | [env.PIN]
  |      ^^^ must be text, matching `[0-9]+` as a whole
  |
  = note: it doesn't match the pattern
  = note: it was read from `/run/pin`
  = note: PIN: the PIN";
    assert_eq!(Case::new(spec, &["PIN_FILE=/run/pin"]).file("/run/pin", "hunter2\n").shown(), expected);
}

#[test]
fn a_missing_variable() {
    let spec = "[env.HOST]\ndescription = \"the server\"\ntype = \"host\"\nrequired = true\n\
                [env.PASS]\nsecret = true\nrequired-if = \"USER is defined\"\n[env.USER]\n";
    let expected = "\
error: `HOST` is required and not set
 --> t.toml:2:6
  |
2 | [env.HOST]
  |      ^^^^ must be a host name or an IP address
  |
  = note: `HOST` is set to nothing, which counts as not set
  = note: HOST: the server
  = help: set it, as in `-e HOST=...`

error: `PASS` is required and not set
 --> t.toml:6:6
  |
6 | [env.PASS]
  |      ^^^^ must be text
  |
 ::: t.toml:8:15
  |
8 | required-if = \"USER is defined\"
  |               ----------------- required because of this
  |
  = help: set PASS_FILE to the path of a file that holds it, or mount that file as /run/secrets/PASS";
    assert_eq!(Case::new(spec, &["HOST=", "USER=me"]).shown(), expected);
}

#[test]
fn a_broken_rule() {
    let spec = "[env.POST]\ntype = \"size\"\ndefault = \"8M\"\n[env.UP]\ntype = \"size\"\ndefault = \"2M\"\n\
                [env.KEY]\nsecret = true\n\
                [[rule]]\nassert = \"POST >= UP or KEY == 'x'\"\nmessage = \"an upload can't be larger\"\n";
    let expected = "\
error: an upload can't be larger
  --> t.toml:11:10
   |
11 | assert = \"POST >= UP or KEY == 'x'\"
   |          ^^^^^^^^^^^^^^^^^^^^^^^^^^ this must be true
   |
   = note: `KEY` is set (not shown: a secret)
   = note: `POST` is `8M`, its default
   = note: `UP` is `9M`";
    assert_eq!(Case::new(spec, &["UP=9M", "KEY=hunter2"]).shown(), expected);
}

#[test]
fn a_circle_and_an_unknown_name() {
    let spec = "[env.A]\ndefault = \"{{ B }}\"\n[env.B]\ndefault = \"{{ A }}\"\n[env.SMTP_HOST]\n\
                [env.C]\ndefault = \"{{ SMTP_HOTS }}\"\n";
    let expected = "\
error: defaults need each other: A → B → A
 --> t.toml:3:11
  |
3 | default = \"{{ B }}\"
  |           ^^^^^^^^^ can't be computed before itself
  |
 ::: t.toml:5:11
  |
5 | default = \"{{ A }}\"
  |           --------- needed on the way

error: there is no variable `SMTP_HOTS`
 --> t.toml:8:15
  |
8 | default = \"{{ SMTP_HOTS }}\"
  |               ^^^^^^^^^ not declared
  |
  = help: did you mean `SMTP_HOST`?";
    assert_eq!(Case::new(spec, &[]).shown(), expected);
}

#[test]
fn a_computed_default_that_does_not_fit() {
    let spec = "[env.N]\ntype = \"int\"\nmin = 1\ndefault = \"{{ M - 1 }}\"\n[env.M]\ntype = \"int\"\n";
    let expected = "\
error: `N` can't be `0`, its default
 --> t.toml:5:11
  |
5 | default = \"{{ M - 1 }}\"
  |           ^^^^^^^^^^^^^ must be a whole number, at least 1
  |
  = note: it is too low
  = note: `M` is `1`";
    assert_eq!(Case::new(spec, &["M=1"]).shown(), expected);
}

/// Ten different mistakes, ten diagnostics, all of the environment.
#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let spec = "
[undeclared]
prefixes = ['MSMTP_']
[env.PORT]
type = 'port'
[env.MEMORY]
type = 'size'
[env.LEVEL]
choices = ['low', 'high']
[env.NAME]
pattern = '[a-z]+'
[env.HOST]
type = 'host'
required = true
[env.PASSWORD]
secret = true
[env.TOKEN]
secret = true
[env.KEY]
secret = true
required-if = 'LIMIT is defined'
[env.LIMIT]
type = 'int'
max = 10
[env.COUNT]
type = 'int'
[env.MSMTP_FROM]
type = 'email'
aliases = ['SENDER']
[env.URL]
default = 'https://{{ HOST }}:{{ PORT }}/'
[[rule]]
assert = 'COUNT == 1'
message = 'one'
[[rule]]
assert = 'PORT > 1024'
message = 'follows'
";
    let given = [
        "PORT=80;id",
        "MEMORY=128MB",
        "LEVEL=medium",
        "NAME=a b",
        "PASSWORD=hunter2",
        "PASSWORD_FILE=/p",
        "TOKEN_FILE=/missing",
        "LIMIT=11",
        "COUNT=2",
        "MSMTP_FROM=a@b",
        "SENDER=c@d",
        "MSMTP_FORM=a@b",
    ];
    let titles = [
        "`PORT` can't be `80;id`",
        "`MEMORY` can't be `128MB`",
        "`LEVEL` can't be `medium`",
        "`NAME` can't be `a b`",
        "`HOST` is required and not set",
        "`PASSWORD` and `PASSWORD_FILE` are both set",
        "`TOKEN_FILE` names a file that doesn't exist: `/missing`",
        "`LIMIT` can't be `11`",
        "`MSMTP_FROM` is set, and its old name `SENDER` to another value",
        "one",
        "`MSMTP_FORM` is not a variable of this image",
    ];
    let expected: Vec<_> = titles.iter().map(|title| (78, (*title).to_owned())).collect();
    assert_eq!(Case::new(spec, &given).problems(), expected);
}

#[test]
fn emptiness_is_said_in_words() {
    let spec = "[env.A]\ntype = 'int'\nempty = 'keep'\n[env.B]\ntype = 'int'\ndefault = ''\n";
    let titles: Vec<_> = Case::new(spec, &["A="]).problems().into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["`A` can't be empty", "`B` can't be empty, as its default is"]);
}

/// Mistakes of the spec and of the environment, in one go.
#[test]
fn both_kinds_of_mistakes_at_once() {
    let spec = "[env.A]\ntype = 'int'\ndefault = 'x'\n[env.B]\nrequired = true\n[env.C]\naliases = ['OLD']\n";
    let codes: Vec<_> = Case::new(spec, &["OLD=1"]).problems().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [65, 78, 0]);
}
