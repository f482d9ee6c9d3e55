//! `[[directory]]` with `recursive = true`: all below belongs to its owner, whatever else is
//! declared there keeps its own, and nothing planted is given away.

use std::fs;

use super::case::{Case, SOMEBODY, needs_root};

const DATA: &str = "[[directory]]\npath = \"/data\"\nowner = \"54321:7\"\nrecursive = true\n";

fn data(rest: &str) -> Case {
    Case::new(&format!("{DATA}{rest}"))
        .file("root/data/a/b/file", "")
        .file("root/data/other", "")
        .file("root/outside", "")
}

#[test]
fn all_below_is_given_away_once_and_a_second_start_changes_nothing() {
    if !needs_root() {
        return;
    }
    let case = data("mode = \"0711\"\n");
    case.set_owner("root/data/other", SOMEBODY, 7);
    std::os::unix::fs::symlink("/outside", case.path("root/data/link")).unwrap();
    case.run(&["true"]).code(0).says(&["gave what is below /data/ to 54321:7, 4 in all"]);
    for name in ["root/data", "root/data/a", "root/data/a/b", "root/data/a/b/file", "root/data/link"] {
        assert_eq!(case.owner(name), (SOMEBODY, 7), "{name}");
    }
    assert_eq!(case.owner("root/outside"), (0, 0));
    assert_eq!((case.mode("root/data"), case.mode("root/data/a")), (0o711, 0o755));
    let before = case.listing();
    case.run(&["true"]).code(0).says(&["nothing had to be written\n"]);
    assert_eq!(case.listing(), before);
}

#[test]
fn a_directory_that_is_missing_is_made() {
    if !needs_root() {
        return;
    }
    let case = Case::new(DATA);
    case.run(&["true"]).code(0).says(&["made /data/"]);
    case.run(&["true"]).code(0).says(&["nothing had to be written\n"]);
    assert_eq!(case.owner("root/data"), (SOMEBODY, 7));
}

#[test]
fn what_other_tables_name_and_what_castoff_keeps_there_stays_as_it_is() {
    if !needs_root() {
        return;
    }
    let case = data(
        "[[directory]]\npath = \"/data/uploads\"\nowner = \"8\"\n\
         [[directory]]\npath = \"/data/cache\"\nowner = \"9\"\nrecursive = true\n\
         [[template]]\nsource = \"t\"\ndest = \"/data/a/config\"\nformat = \"plain\"\nowner = \"0:10\"\n\
         [env.KEY]\ngenerate = { length = 9 }\nscope = \"/data\"\n",
    )
    .file("t", "{{ KEY }}\n")
    .file("root/data/uploads/file", "")
    .file("root/data/cache/file", "");
    case.run(&["true"]).code(0);
    let expected = [
        ("a/config", (0, 10)),
        ("a/b", (SOMEBODY, 7)),
        ("uploads", (8, 0)),
        ("uploads/file", (SOMEBODY, 7)),
        ("cache", (9, 0)),
        ("cache/file", (9, 0)),
        (".castoff", (0, 0)),
        (".castoff/generated", (0, 0)),
    ];
    for (name, owner) in expected {
        assert_eq!(case.owner(&format!("root/data/{name}")), owner, "{name}");
    }
    let before = case.listing();
    case.run(&["true"]).code(0).says(&["nothing had to be written\n"]);
    assert_eq!(case.listing(), before);
}

#[test]
fn a_file_that_was_linked_there_is_left_and_named() {
    if !needs_root() {
        return;
    }
    let case = data("");
    case.set_owner("root/data", SOMEBODY, 7);
    fs::hard_link(case.path("root/outside"), case.path("root/data/a/planted")).unwrap();
    case.run(&["true"])
        .code(0)
        .says(&["did not give away below /data/: a/planted: files with several names"]);
    assert_eq!(case.owner("root/outside"), (0, 0));
}

#[test]
fn who_may_not_give_away_is_told_what_to_do() {
    if !needs_root() {
        return;
    }
    let case = data("").user(1234);
    case.run(&["true"]).code(77).says(&[
        "can't give `root/data/",
        "` to 54321:7",
        "start the container as root",
    ]);
}

#[test]
fn it_needs_an_owner_and_is_shown_in_a_plan() {
    let case = Case::new("[[directory]]\npath = \"/data\"\nrecursive = true\n");
    case.run(&["--check"]).code(65).says(&["`owner` is missing in [[directory]]"]);
    let said = data("").run(&["--plan", "true"]);
    let line = "own     /data/ and all below  owner 54321:7  (recursive: where it differs)\n";
    assert!(said.code(0).out.contains(line), "{}", said.out);
}
