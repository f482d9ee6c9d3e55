//! Only a start waits. Mistakes are found in every mode.

use super::case;
use super::fake::host_port;
use crate::modes::case::Case;
use crate::modes::golden::assert_golden;

#[test]
fn the_other_modes_wait_for_nothing() {
    let at = host_port();
    let case = case(&format!(
        "[env.DB]\ndefault = \"{at}\"\n[env.ON]\ntype = \"bool\"\ndefault = false\n\
         [[wait]]\nmysql = \"{{{{ DB }}}}\"\ntimeout = \"90s\"\n\
         [[wait]]\nfile = \"/x\"\nwhen = \"ON\"\n\
         [[wait]]\ncommand = [\"wp\", \"db\", \"check\"]\n"
    ));
    let said = case.run(&["--plan"]);
    assert_eq!(
        said.code(0).out,
        format!(
            "nothing has to be written\nwait    for {at} (mysql)  at most 1m30s\n\
             wait    for wp db check (command)  at most 1m\nrun     echo service  supervised\n"
        )
    );
    // both variables are used, so there is nothing to point out either
    assert_eq!(case.run(&["--check"]).code(0).err, "castoff: ok: 2 variables, 0 files, 0 validators\n");
    case.run(&["--check", "--strict"]).code(0);
    assert_eq!(case.run(&["--render-only"]).code(0).out, "");
}

#[test]
fn a_command_of_the_command_line_waits_as_well() {
    let lines = "[[wait]]\nfile = \"/nonexistent/x\"\ntimeout = \"100ms\"\n";
    case(lines).run(&["true"]).code(75);
    case(lines).run(&["--exec", "true"]).code(75);
    // unless it is one that nothing is prepared for
    Case::new(&format!("prepare-for = [\"php*\"]\n{lines}")).run(&["true"]).code(0);
}

#[test]
fn mistakes_are_found_before_anything_is_waited_for() {
    let case = case(
        "[env.URL]\ndefault = \"https://api/health\"\n[env.PASS]\nsecret = true\n\
         [[wait]]\ntpc = \"db:1\"\n\
         [[wait]]\ntcp = \"db:1\"\nunix = \"/run/x\"\n\
         [[wait]]\ntcp = \"db\"\ntimeout = \"0s\"\n\
         [[wait]]\nhttp = \"https://api/health\"\n\
         [[wait]]\nmysql = \"{{ DB }}\"\nwhen = \"URI is defined\"\n\
         [[wait]]\ncommand = [\"mysqladmin\", \"ping\", \"-p{{ PASS }}\"]\n",
    );
    let said = case.run(&[]);
    assert_golden("wait-mistakes", &said.text());
    for mode in ["--check", "--plan", "--render-only"] {
        assert_eq!(case.run(&[mode]).err, said.err, "{mode} says the same");
    }
}

#[test]
fn what_variables_make_of_it_is_the_mistake_of_who_sets_them() {
    let case = case(
        "[env.URL]\n[env.DB]\n[[wait]]\nhttp = \"{{ URL }}\"\nwhen = \"URL is defined\"\n\
         [[wait]]\nmysql = \"{{ DB }}\"\nwhen = \"DB is defined\"\n",
    );
    let case = case.variable("URL", "https://api/health").variable("DB", "db;id");
    for mode in [&[][..], &["--check"], &["--plan"]] {
        case.run(mode).code(78).says(&[
            "castoff can't wait for this URL",
            "castoff speaks no TLS",
            "this is not the address of a server",
            "a host name holds letters",
        ]);
    }
    case.run(&["--render-only"]).code(0);
}

#[test]
fn waits_of_included_specs_come_after_those_of_the_spec() {
    let case =
        Case::new("include = [\"more.toml\"]\n[[wait]]\nfile = \"/a\"\n[service.a]\ncommand = [\"a\"]\n")
            .file("more.toml", "version = 1\n[[wait]]\nfile = \"/b\"\n");
    let out = &case.run(&["--plan"]).code(0).out.clone();
    let (a, b) = (out.find("for /a (file)").unwrap(), out.find("for /b (file)").unwrap());
    assert!(a < b, "{out}");
}
