//! A spec that is wrong: every mistake located, all in one go, exit 65.

use super::case::Case;
use super::golden::assert_golden;

/// Of syntax, of types, of words and of meaning.
const TEN: &str = r##"version = 1
prepair-for = ["php*"]

[image]
name = 5

[env.HOST]
type = "hostt"

[env.PORT]
type = "port"
default = "70000"

[env.A]
default = "{{ B }}"
[env.B]
default = "{{ A }}"

[[template]]
source = "app.conf.j2"
dest = "/etc/app.conf"
format = "phpp"
mode = "0999"
when = "HOTS == 'x'"

[[rule]]
assert = "PORT >"

[service.app]
command = ["app", "{{ PROT }}"]
"##;

#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let case = Case::verbatim(TEN).file("app.conf.j2", "");
    let said = case.run(&[]);
    assert_golden("ten-spec-mistakes", &said.text());
    assert_eq!(said.code(65).err.matches("error: ").count(), 10);
    for mode in ["--check", "--plan", "--render-only"] {
        assert_eq!(case.run(&[mode]).err, said.err, "{mode} says the same");
    }
    assert_eq!(case.names("root"), [""; 0]);
}

#[test]
fn text_that_is_not_toml_is_located() {
    let case = Case::verbatim("version = 1\n[env.A\ntype = \"int\"\n[env.B]\ntype = int\n");
    assert_golden("not-toml", &case.run(&[]).text());
}

#[test]
fn each_mistake_with_its_place_and_advice() {
    for (spec, place, said) in [
        ("[env.X]\nsecert = true", "3:1", "did you mean `secret`?"),
        ("[env.X]\nrequired = \"yes\"", "3:12", "`required` must be `true` or `false`"),
        ("[[template]]\nsource = \"a\"\ndest = \"etc/a\"", "4:8", "`dest` must be an absolute path"),
        ("[[template]]\nsource = \"../a\"\ndest = \"/a\"", "3:10", "leads out of the spec's directory"),
        ("[[template]]\nsource = \"a\"\ndest = \"/a\"\nmode = 0o644", "5:8", "mode = \"0640\""),
        ("[[template]]\nsource = \"a\"\ndest = \"/a\"\nvalidate = [\"true\"]", "5:12", "{file}"),
        ("[[template]]\nsource = \"a\"\ndest = \"/a.conf\"", "4:8", "the format of /a.conf is not known"),
        ("[[template]]\ndest = \"/a\"", "2:1", "`source` is missing in [[template]]"),
        ("[env.X]\ntype = \"int\"\nmin = 5\nmax = 3", "4:7", "`min` is above `max`"),
        ("[env.X]\npattern = \"(\"", "3:11", "is not a regular expression"),
        ("[env.X]\nrequired-if = \"Y is defined\"", "3:16", "there is no variable `Y`"),
        ("[[rule]]\nassert = \"true\"\nmessage = \"\"", "4:11", "`message` is empty"),
        ("[env.CASTOFF_X]", "2:6", "castoff's own settings"),
        ("[env.\"A-B\"]", "2:6", "can't be the name of a variable"),
        ("[env.container]", "2:6", "this is castoff's own name"),
        ("[env.X]\n[env.Y]\naliases = [\"X\"]", "4:12", "`X` is declared twice"),
        ("[service.a]\ncommand = \"nginx -g\"", "3:11", "castoff uses no shell"),
        ("[service.a]\ncommand = [\"a\"]\nstop-timeout = \"10\"", "4:16", "is not a duration"),
        (
            "[env.S]\nsecret = true\n[service.a]\ncommand = [\"a\", \"{{ S }}\"]",
            "5:17",
            "visible to every other",
        ),
        ("include = [\"none.toml\"]", "2:12", "can't read none.toml"),
        ("undeclared = 5", "2:14", "`undeclared` must be a table"),
    ] {
        let case = Case::new(spec).file("a", "");
        case.run(&["--check"]).code(65).says(&[
            &format!("castoff.toml:{place}\n"),
            said,
            "castoff: 1 error\n",
        ]);
    }
}

#[test]
fn what_castoff_can_not_do_yet_is_refused_in_so_many_words() {
    for (spec, said) in [
        ("[service.a]\ncommand = [\"a\"]\nlisten = []", "`listen` in [service.a] is not supported yet"),
        ("[service.a]\ncommand = [\"a\"]\nstart = \"x\"", "`start` in [service.a] is not supported yet"),
    ] {
        Case::new(spec).run(&[]).code(65).says(&[said, "castoff: 1 error\n"]);
    }
}

#[test]
fn the_version_of_the_format() {
    for (spec, said) in [
        ("", "`version` is missing in the spec"),
        ("version = 2", "doesn't know this version"),
        ("version = \"1\"", "must be the integer 1"),
        ("version = 1.0", "must be the integer 1"),
    ] {
        Case::verbatim(spec).run(&["--check"]).code(65).says(&[said, "castoff: 1 error\n"]);
    }
}

#[test]
fn a_mistake_in_an_included_file_is_located_there() {
    let case = Case::new("include = [\"shared/mail.toml\"]\n")
        .file("shared/mail.toml", "version = 1\n[env.MAIL]\ntyp = \"email\"\n");
    case.run(&[]).code(65).says(&["shared/mail.toml:3:1\n", "did you mean `type`?"]);
}

#[test]
fn users_that_the_image_does_not_know() {
    let spec = "[[directory]]\npath = \"/d\"\nowner = \"apache\"\n\
                [[template]]\nsource = \"a\"\ndest = \"/a.txt\"\nformat = \"plain\"\nowner = \"www:web\"\n\
                [service.a]\ncommand = [\"a\"]\nuser = \"wwwdata\"\n";
    let case = Case::new(spec)
        .file("a", "")
        .file("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\n")
        .file("root/etc/group", "root:x:0:\nwww-data:x:33:\n");
    assert_golden("unknown-users", &case.run(&["--check"]).text());
    // they are told together with everything else
    case.write("castoff.toml", format!("version = 1\n[env.X]\nrequired = true\n{spec}"));
    case.run(&["--check"]).says(&["`X` is required", "castoff: 4 errors\n"]);
}

#[test]
fn a_spec_that_is_named_and_missing() {
    for arguments in [&["--config", "none.toml"][..], &["--config", "none.toml", "--check"]] {
        let said = Case::new("").run_plain(arguments);
        said.code(66).says(&["can't read the spec none.toml", "No such file"]);
    }
    let said = Case::new("").variable("CASTOFF_CONFIG", "none.toml").run_plain(&["true"]);
    said.code(66).says(&["can't read the spec none.toml"]);
}

#[test]
fn a_spec_that_is_not_text() {
    Case::new("")
        .file("castoff.toml", b"version = 1\n# \xff\n")
        .run(&[])
        .code(66)
        .says(&["line 2 is not UTF-8"]);
}

#[test]
fn what_is_a_file_and_a_directory_at_once() {
    let template =
        |dest: &str| format!("[[template]]\nsource = \"t\"\ndest = \"{dest}\"\nformat = \"plain\"\n");
    for other in [
        "[[directory]]\npath = \"/etc/app\"\n".to_owned(),
        "[[directory]]\npath = \"/etc/app/run\"\n".to_owned(),
        template("/etc/app/conf"),
    ] {
        let case = Case::new(&format!("{}{other}", template("/etc/app"))).file("t", "");
        let said = case.run(&["true"]);
        said.code(65).says(&["/etc/app can't be a file and a directory", "castoff: 1 error\n"]);
        assert_eq!(case.names("root"), [""; 0]);
    }
    let case = Case::new(&format!("{}{}", template("/etc/app"), template("/etc/app.d"))).file("t", "");
    case.run(&["true"]).code(0);
}

#[test]
fn a_root_that_is_not_there() {
    let said = Case::new("").run_plain(&["--config", "castoff.toml", "--root", "none", "--check"]);
    said.code(73).says(&["can't reach `none`: No such file", "must name a directory that is there"]);
}

#[test]
fn logs_of_services() {
    for (keys, said) in [
        ("log = \"text\"", "`log` can't be `text`"),
        ("log = \"jsn\"", "did you mean `json`?"),
        ("follow = \"/a\"", "`follow` must be an array of strings"),
        ("follow = [\"a\"]", "`a` can't be followed"),
        ("follow = [\"/a\", \"/a\"]", "`/a` is followed twice"),
    ] {
        let spec = format!("[service.a]\ncommand = [\"a\"]\n{keys}");
        Case::new(&spec).run(&["--check"]).code(65).says(&[said, "castoff: 1 error\n"]);
    }
}
