//! Templates that are wrong, and values that a place can't carry: located in the template.

use super::case::Case;
use super::golden::assert_golden;

fn template(format: &str, text: impl AsRef<[u8]>) -> Case {
    let spec = format!(
        "[env.NAME]\n[env.OTHER]\n[[template]]\nsource = \"t.j2\"\ndest = \"/t\"\nformat = \"{format}\"\n"
    );
    Case::new(&spec).file("t.j2", text)
}

#[test]
fn mistakes_of_a_template_are_located_in_it() {
    for (text, place, said) in [
        ("a\n  {{ NAEM }}\n", "t.j2:2:6\n", "did you mean `NAME`?"),
        ("a\n{{ NAME }}\n", "t.j2:2:4\n", "`NAME` is not set"),
        ("{{ NAME | uper }}", "t.j2:1:", "filter"),
        ("{{ frob(1) }}", "t.j2:1:4\n", "`frob` is not declared"),
        ("x\n{% if %}", "t.j2:2:", "error"),
        ("x\n{% for %}", "t.j2:2:", "error"),
        ("{% include '../secret' %}", "t.j2:1:", "lies outside the folder"),
        ("{% include '/etc/passwd' %}", "t.j2:1:", "lies outside the folder"),
        ("\n\n{% include 'none.j2' %}", "t.j2:3:", "none.j2"),
        ("{{ NAME.x.y }}", "t.j2:1:", "error"),
    ] {
        let said_now = template("plain", text).run(&[]);
        said_now.code(65).says(&[place, said, "castoff: 1 error\n"]);
    }
}

#[test]
fn a_template_that_can_not_be_read() {
    let case = template("plain", "");
    std::fs::remove_file(case.path("t.j2")).unwrap();
    case.run(&[]).code(66).says(&["the template t.j2 can't be used", "castoff.toml:5:10\n"]);
    template("plain", b"a\n\xff").run(&[]).code(65).says(&["the template t.j2 can't be used", "UTF-8"]);
}

#[test]
fn values_that_a_place_can_not_carry() {
    for (format, text, value, said) in [
        ("ssmtp", "AuthPass={{ NAME }}", "a#b", "`#`"),
        ("ssmtp", "AuthPass={{ NAME }}", "a b", "space"),
        ("nginx", "root \"{{ NAME }}\";", "a$b", "`$`"),
        ("php-ini", "; {{ NAME }}\n", "a\nb=1", "line"),
        ("php", "<?php // {{ NAME }}\n", "a\nb", "line"),
        ("msmtp", "password {{ NAME }}\n", "a\nb", "line"),
    ] {
        let said_now = template(format, format!("\n{text}\n")).variable("NAME", value).run(&[]);
        said_now.code(78).says(&[
            "t.j2:2:",
            "`NAME`",
            said,
            "castoff: 1 error\n",
            &format!("the format is {format}"),
        ]);
    }
}

#[test]
fn a_nul_is_refused_wherever_a_format_has_no_way_to_write_it() {
    for (format, text) in [
        ("nginx", "root \"{{ J.x }}\";"),
        ("shell", "a={{ J.x }}"),
        ("dotenv", "A={{ J.x }}"),
        ("msmtp", "password {{ J.x }}"),
    ] {
        let spec = format!(
            "[env.J]\ntype = \"json\"\n[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"{format}\"\n"
        );
        let case = Case::new(&spec).file("t", format!("{text}\n")).variable("J", r#"{"x": "a\u0000b"}"#);
        case.run(&["true"]).code(78).says(&["t:1:", "the value of `J`", "NUL"]);
    }
}

#[test]
fn all_that_can_not_be_carried_is_told_at_once_and_nothing_is_written() {
    let case = Case::new(
        "[env.USER]\n[env.PASS]\nsecret = true\n\
         [[template]]\nsource = \"mail\"\ndest = \"/etc/ssmtp.conf\"\nformat = \"ssmtp\"\n\
         [[template]]\nsource = \"site\"\ndest = \"/etc/nginx.conf\"\nformat = \"nginx\"\n\
         [[template]]\nsource = \"fine\"\ndest = \"/etc/fine.ini\"\nformat = \"php-ini\"\n",
    )
    .file("mail", "AuthUser={{ USER }}\nAuthPass={{ PASS }}\n")
    .file("site", "server_name \"{{ USER }}\";\n")
    .file("fine", "user = {{ USER }}\n")
    .variable("USER", "a b$c")
    .variable("PASS", "canary#1");
    let said = case.run(&["true"]);
    assert_golden("refused-values", &said.text());
    said.code(78);
    assert!(!said.err.contains("canary"));
    assert_eq!(case.names("root"), [""; 0]);
}
