//! What a start leaves on disk: only what differs is written, with the right owner and mode,
//! and files that belong to others are left alone.

use std::fs;

use super::case::{Case, SOMEBODY, needs_root};

/// One file for each of these, all of the same template.
fn file(rest: &str) -> Case {
    let template = "[[template]]\nsource = \"t\"\ndest = \"/etc/app.conf\"\nformat = \"plain\"\n";
    Case::new(&format!(
        "[env.NAME]\ndefault = \"one\"\n[env.KEY]\nsecret = true\ndefault = \"k\"\n{template}{rest}"
    ))
    .file("t", "name {{ NAME }}\n")
}

#[test]
fn a_second_start_changes_nothing_at_all() {
    let case = Case::new(
        "[env.KEY]\ngenerate = { length = 32 }\n\
         [env.SITES]\ntype = \"list\"\ndefault = [\"a\", \"b\"]\n\
         [[directory]]\npath = \"/run/app\"\nmode = \"0750\"\n\
         [[template]]\nsource = \"t\"\ndest = \"/etc/app/key.ini\"\nformat = \"php-ini\"\nmode = \"0640\"\n\
         [[template]]\nsource = \"u\"\ndest = \"/srv/{{ item }}/u.txt\"\nformat = \"plain\"\nfor-each = \"SITES\"\n\
         overwrite = \"unless-edited\"\nvalidate = [\"test\", \"-s\", \"{file}\"]\n",
    )
    .file("t", "key = {{ KEY }}\n")
    .file("u", "site {{ item }}\n");
    let said = case.run(&["true"]);
    said.code(0).says(&["generated KEY", "made /run/app/", "wrote /etc/app/key.ini", "wrote /srv/b/u.txt"]);
    let before = case.listing();
    case.run(&["true"]).code(0).says(&["castoff: nothing had to be written\n"]);
    assert_eq!(case.listing(), before);
}

#[test]
fn only_what_differs_is_written() {
    let case = Case::new(
        "[env.NAME]\ndefault = \"one\"\n\
         [[template]]\nsource = \"t\"\ndest = \"/a\"\nformat = \"plain\"\n\
         [[template]]\nsource = \"u\"\ndest = \"/b\"\nformat = \"plain\"\n",
    )
    .file("t", "name {{ NAME }}\n")
    .file("u", "always the same\n");
    case.run(&["true"]).code(0);
    let of = |name: &str| case.listing().into_iter().find(|line| line.contains(&format!("root/{name}\t")));
    let b = of("b");
    let case_two = case.run_with("NAME", "two", &["true"]);
    case_two.code(0).says(&["castoff: wrote /a\n"]);
    assert!(!case_two.err.contains("/b"), "{}", case_two.err);
    assert_eq!(case.read("root/a"), "name two\n");
    assert_eq!(of("b"), b);
}

#[test]
fn a_wrong_mode_is_corrected_without_writing_the_file() {
    let case = file("mode = \"0640\"\n[[directory]]\npath = \"/d\"\nmode = \"0711\"\n");
    case.run(&["true"]).code(0);
    assert_eq!((case.mode("root/etc/app.conf"), case.mode("root/d")), (0o640, 0o711));
    case.set_mode("root/etc/app.conf", 0o604);
    case.set_mode("root/d", 0o777);
    let inode = |case: &Case| {
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(case.path("root/etc/app.conf")).unwrap())
    };
    let before = (inode(&case), fs::metadata(case.path("root/etc/app.conf")).unwrap().modified().unwrap());
    case.run(&["true"])
        .code(0)
        .says(&["corrected owner and mode of /etc/app.conf\n", "corrected owner and mode of /d/\n"]);
    assert_eq!((case.mode("root/etc/app.conf"), case.mode("root/d")), (0o640, 0o711));
    let after = (inode(&case), fs::metadata(case.path("root/etc/app.conf")).unwrap().modified().unwrap());
    assert_eq!(before, after);
}

#[test]
fn a_file_that_others_could_have_open_is_written_anew() {
    let case = file("mode = \"0640\"\n");
    case.run(&["true"]).code(0);
    case.set_mode("root/etc/app.conf", 0o666);
    case.run(&["true"]).code(0).says(&["wrote /etc/app.conf"]);
    assert_eq!(case.mode("root/etc/app.conf"), 0o640);
}

#[test]
fn a_wrong_owner_is_corrected() {
    if !needs_root() {
        return;
    }
    let case = file("owner = \"app:1234\"\n").file("root/etc/passwd", "app:x:4321:4321::/:/bin/sh\n");
    case.run(&["true"]).code(0);
    assert_eq!(case.owner("root/etc/app.conf"), (4321, 1234));
    case.set_owner("root/etc/app.conf", 0, 0);
    case.run(&["true"]).code(0).says(&["corrected owner and mode"]);
    assert_eq!(case.owner("root/etc/app.conf"), (4321, 1234));
}

#[test]
fn the_mode_of_a_new_file() {
    for (text, mode) in [("name {{ NAME }}\n", 0o644), ("key {{ KEY }}\n", 0o600)] {
        let case = file("").file("t", text).variable("KEY", "secret");
        case.run(&["true"]).code(0);
        assert_eq!(case.mode("root/etc/app.conf"), mode, "{text}");
    }
}

#[test]
fn a_file_that_is_there_keeps_its_mode_and_owner() {
    for (text, before, after) in [
        ("name {{ NAME }}\n", 0o604, 0o604),
        // a secret is no business of everybody
        ("key {{ KEY }}\n", 0o664, 0o660),
    ] {
        let case = file("").file("t", text).file("root/etc/app.conf", "old\n").variable("KEY", "secret");
        case.set_mode("root/etc/app.conf", before);
        if needs_root() {
            case.set_owner("root/etc/app.conf", SOMEBODY, 7);
        }
        let owner = case.owner("root/etc/app.conf");
        case.run(&["true"]).code(0);
        assert_eq!(case.mode("root/etc/app.conf"), after, "{text}");
        assert_eq!(case.owner("root/etc/app.conf"), owner, "{text}");
        assert!(!case.read("root/etc/app.conf").contains("old"));
    }
}

#[test]
fn when_a_file_is_replaced() {
    // What stands there first; what was there when it is edited between two starts.
    for (overwrite, found, edited) in [
        ("always", "name two\n", "name two\n"),
        ("unless-edited", "theirs\n", "edited\n"),
        ("if-missing", "theirs\n", "edited\n"),
    ] {
        let rest = format!("overwrite = \"{overwrite}\"\n");
        let case = file(&rest).file("root/etc/app.conf", "theirs\n");
        case.run_with("NAME", "two", &["true"]).code(0);
        assert_eq!(case.read("root/etc/app.conf"), found, "{overwrite}, without a record");

        let case = file(&rest);
        case.run(&["true"]).code(0);
        assert_eq!(case.read("root/etc/app.conf"), "name one\n", "{overwrite}, missing");
        case.write("root/etc/app.conf", "edited\n");
        case.run_with("NAME", "two", &["true"]).code(0);
        assert_eq!(case.read("root/etc/app.conf"), edited, "{overwrite}, edited");
    }
}

#[test]
fn unless_edited_follows_the_variables_as_long_as_nobody_edits() {
    let case = file("overwrite = \"unless-edited\"\n");
    for name in ["one", "two", "three"] {
        case.run_with("NAME", name, &["true"]).code(0);
        assert_eq!(case.read("root/etc/app.conf"), format!("name {name}\n"));
    }
}

#[test]
fn a_file_that_is_kept_is_told_and_why() {
    let case = file("overwrite = \"unless-edited\"\n").file("root/etc/app.conf", "theirs\n");
    case.run(&["true"]).code(0).says(&["kept /etc/app.conf: castoff has no record of having written it"]);
    fs::remove_file(case.path("root/etc/app.conf")).unwrap();
    case.run(&["true"]).code(0);
    case.write("root/etc/app.conf", "edited\n");
    case.run(&["true"]).code(0).says(&["kept /etc/app.conf: it was edited since castoff wrote it"]);
}

#[test]
fn what_is_not_wanted_is_not_written() {
    let case = file("when = \"NAME == 'two'\"\n");
    case.run(&["true"]).code(0);
    assert!(!case.exists("root/etc"));
    case.run_with("NAME", "two", &["true"]).code(0);
    assert!(case.exists("root/etc/app.conf"));
    // nor taken away
    case.run(&["true"]).code(0);
    assert!(case.exists("root/etc/app.conf"));
}

#[test]
fn one_file_for_each_item() {
    let spec = "[env.SITES]\ntype = \"list\"\n[[template]]\nsource = \"t\"\nformat = \"plain\"\n\
                dest = \"/sites/{{ item }}.conf\"\nfor-each = \"SITES\"\n";
    let case = Case::new(spec).file("t", "site {{ item }}\n").variable("SITES", "a,b.c");
    case.run(&["true"]).code(0);
    assert_eq!(case.names("root/sites"), ["a.conf", "b.c.conf"]);
    assert_eq!(case.read("root/sites/b.c.conf"), "site b.c\n");
    for (sites, code, said) in [
        ("a,a", 78, "/sites/a.conf"),
        ("../a", 78, "must name a file, without `..`"),
        ("x/../../../etc/passwd", 78, "must name a file, without `..`"),
    ] {
        case.run_with("SITES", sites, &["true"]).code(code).says(&[said]);
    }
}

#[test]
fn a_mistake_that_every_item_meets_is_told_once() {
    let spec = "[env.NAME]\n[[template]]\nsource = \"t\"\nformat = \"plain\"\n\
                dest = \"/{{ item }}\"\nfor-each = \"['a', 'b', 'c']\"\n";
    let case = Case::new(spec).file("t", "{{ item }} {{ NAME }}\n");
    case.run(&["true"]).code(65).says(&["`NAME` is not set", "castoff: 1 error\n"]);
}

#[test]
fn two_templates_for_one_file() {
    let two = |when: &str| {
        Case::new(&format!(
            "[[template]]\nsource = \"t\"\ndest = \"/a\"\nformat = \"plain\"\n{when}\
             [[template]]\nsource = \"u\"\ndest = \"/a\"\nformat = \"plain\"\n"
        ))
        .file("t", "t")
        .file("u", "u")
    };
    two("").run(&["true"]).code(65).says(&["two templates write /a", "castoff: 1 error\n"]);
    two("when = \"true\"\n").run(&["true"]).code(65).says(&["two templates write /a", "castoff: 1 error\n"]);
    let case = two("when = \"false\"\n");
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/a"), "u");
}

#[test]
fn a_record_of_what_was_written_that_can_not_be_believed() {
    let record = "root/var/lib/castoff/written";
    for (damage, code, said) in [
        ("garbled", 74, "/var/lib/castoff/written is damaged: line 1 is not castoff's"),
        ("mode", 77, "/var/lib/castoff/written can't be trusted"),
    ] {
        let case = file("overwrite = \"unless-edited\"\n");
        case.run(&["true"]).code(0);
        match damage {
            "mode" => case.set_mode(record, 0o622),
            _ => case.write(record, "nonsense\n"),
        }
        case.run_with("NAME", "two", &["true"]).code(code).says(&[said]);
        assert_eq!(case.read("root/etc/app.conf"), "name one\n");
    }
}
