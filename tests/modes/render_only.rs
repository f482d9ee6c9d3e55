//! `--render-only`: the files alone, on any machine, as anybody.

use super::case::{Case, SOMEBODY, needs_root};
use super::golden::assert_golden;

fn site() -> Case {
    Case::new(
        "[env.NAME]\ndefault = \"new\"\n[env.PASSWORD]\nsecret = true\n\
         [[directory]]\npath = \"/run/app\"\nowner = \"nobody-knows\"\n\
         [[template]]\nsource = \"config.php.j2\"\ndest = \"/etc/config.php\"\nowner = \"nobody-knows:either\"\n\
         [[template]]\nsource = \"name.j2\"\ndest = \"/etc/name.txt\"\nformat = \"plain\"\nmode = \"0640\"\n\
         validate = [\"false\", \"{file}\"]\n\
         [service.app]\ncommand = [\"app\"]\nuser = \"nobody-knows\"\n",
    )
    .variable("PASSWORD", "canary")
    .file("config.php.j2", "<?php\n$name = {{ NAME }};\n$password = {{ PASSWORD }};\n")
    .file("name.j2", "{{ NAME }}\n")
}

#[test]
fn to_a_directory() {
    let case = site();
    for _ in 0..2 {
        let said = case.run_plain(&["-c", "castoff.toml", "--render-only", "--output", "new/out"]);
        assert_eq!((said.code(0).out.as_str(), said.err.contains("canary")), ("", false));
        assert_eq!(case.names("new/out"), ["etc", "etc/config.php", "etc/name.txt"]);
        assert_eq!(case.read("new/out/etc/config.php"), "<?php\n$name = 'new';\n$password = 'canary';\n");
        assert_eq!((case.mode("new/out/etc/config.php"), case.mode("new/out/etc/name.txt")), (0o600, 0o640));
    }
}

#[test]
fn as_anybody() {
    if !needs_root() {
        return;
    }
    let case = site().user(SOMEBODY);
    std::fs::create_dir(case.path("out")).unwrap();
    case.set_owner("out", SOMEBODY, SOMEBODY);
    case.run_plain(&["-c", "castoff.toml", "--render-only", "--output", "out"]).code(0);
    assert_eq!(case.owner("out/etc/config.php"), (SOMEBODY, SOMEBODY));
}

#[test]
fn to_stdout_with_secrets_hidden() {
    let case = site();
    let before = case.listing();
    let said = case.run_plain(&["-c", "castoff.toml", "--render-only", "--output", "-"]);
    assert_golden("render-only", &said.text());
    assert!(!said.code(0).out.contains("canary"));
    assert_eq!(case.run_plain(&["-c", "castoff.toml", "--render-only"]).out, said.out);
    assert_eq!(case.run(&["--render-only", "--output", "-"]).out, said.out);
    assert_eq!(case.listing(), before);
}

#[test]
fn below_the_root_if_no_output_is_named() {
    let case = site();
    case.run(&["--render-only"]).code(0);
    assert_eq!(case.names("root"), ["etc", "etc/config.php", "etc/name.txt"]);
}

#[test]
fn from_an_env_file_in_the_environments_place() {
    let case =
        site().file("site.env", "NAME='from the file'\nPASSWORD=\"canary\"\n").variable("NAME", "process");
    case.run(&["--render-only", "--env-file", "site.env"]).code(0);
    assert_eq!(case.read("root/etc/name.txt"), "from the file\n");
    // what the file leaves out is not taken from the environment
    case.write("site.env", "PASSWORD=x\n");
    case.run(&["--render-only", "--env-file", "site.env"]).code(0);
    assert_eq!(case.read("root/etc/name.txt"), "new\n");
}

#[test]
fn generated_values_are_made_up_and_not_kept() {
    let case = Case::new(
        "[env.KEY]\ngenerate = { length = 20 }\n[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n",
    )
    .file("t", "{{ KEY }}");
    case.run(&["--render-only"]).code(0);
    assert_eq!(case.names("root"), ["t"]);
    assert_eq!(case.read("root/t").len(), 20);
}

#[test]
fn mistakes_are_those_of_a_start() {
    let case = site().file("name.j2", "{{ NAEM }}");
    case.run(&["--render-only"]).code(65).says(&["did you mean `NAME`?"]);
    assert_eq!(case.names("root"), [""; 0]);
}
