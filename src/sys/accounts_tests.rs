use proptest::prelude::*;

use super::{AccountError, Accounts, Group, Identity, Owner, User, parse_group, parse_passwd};
use crate::diagnostic::Diagnostic;
use crate::sys::file_error::Cause;
use crate::sys::fixture::Scratch;

const PASSWD: &[u8] = b"\
root:x:0:0:root:/root:/bin/bash
# a comment
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
toor:x:0:0::/:/bin/sh
+nis::::::
broken:x:12
huge:x:4294967296:1::/:/bin/sh
minus:x:-1:1::/:/bin/sh
nobody-at-all:x:4294967295:1::/:/bin/sh
latin\xe9:x:50:50::/:/bin/sh
1000:x:77:78:named like a number:/home/n:/bin/sh
app:x:1000:1000::/srv/app:/bin/sh

www-data:x:99:99:second entry:/:/bin/sh
last:x:5:6::/l:";

const GROUP: &[u8] = b"\
root:x:0:
adm:x:4:www-data,root
www-data:x:33:
ssl-cert:x:101: www-data ,nobody
again:x:4:www-data
bad:x:x:
app:x:1000:";

fn accounts() -> Accounts {
    Accounts::parse(PASSWD, GROUP)
}

#[test]
fn lines_that_are_none_are_skipped() {
    let names: Vec<String> = parse_passwd(PASSWD).into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["root", "www-data", "toor", "1000", "app", "www-data", "last"]);
    let names: Vec<String> = parse_group(GROUP).into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["root", "adm", "www-data", "ssl-cert", "again", "app"]);
    assert_eq!(
        parse_passwd(PASSWD)[1],
        User { name: "www-data".into(), uid: 33, gid: 33, home: "/var/www".into() }
    );
    assert_eq!(
        parse_group(GROUP)[3],
        Group { name: "ssl-cert".into(), gid: 101, members: vec!["www-data".into(), "nobody".into()] }
    );
}

#[test]
fn identities() {
    let identity = |name: Option<&str>, uid, gid, groups: &[u32], home: &str| Identity {
        name: name.map(str::to_owned),
        uid,
        gid,
        groups: groups.to_vec(),
        home: home.into(),
    };
    let www_data = identity(Some("www-data"), 33, 33, &[33, 4, 101], "/var/www");
    for (text, expected) in [
        ("www-data", www_data.clone()),
        ("33", www_data.clone()),
        ("www-data:", www_data),
        ("www-data:adm", identity(Some("www-data"), 33, 4, &[4], "/var/www")),
        ("0", identity(Some("root"), 0, 0, &[0, 4], "/root")),
        ("1000", identity(Some("1000"), 77, 78, &[78], "/home/n")),
        ("4711:4712", identity(None, 4711, 4712, &[4712], "/")),
    ] {
        assert_eq!(accounts().identity(text), Ok(expected), "{text}");
    }
}

#[test]
fn owners() {
    for (text, uid, gid) in [
        ("www-data", Some(33), None),
        ("www-data:adm", Some(33), Some(4)),
        ("www-data:", Some(33), Some(33)),
        (":ssl-cert", None, Some(101)),
        ("4711", Some(4711), None),
        ("4711:4712", Some(4711), Some(4712)),
        ("0:0", Some(0), Some(0)),
    ] {
        assert_eq!(accounts().owner(text), Ok(Owner { uid, gid }), "{text}");
    }
}

#[test]
fn what_is_refused_and_how_it_is_said() {
    let user = |name: &str, nearest: Option<&str>| AccountError::UnknownUser {
        name: name.into(),
        nearest: nearest.map(str::to_owned),
    };
    let group = |name: &str, nearest: Option<&str>| AccountError::UnknownGroup {
        name: name.into(),
        nearest: nearest.map(str::to_owned),
    };
    for (text, expected) in [
        ("wwwdata", user("wwwdata", Some("www-data"))),
        ("mysql:adm", user("mysql", None)),
        ("root:adn", group("adn", Some("adm"))),
        ("4294967295", user("4294967295", None)),
        ("-1", user("-1", None)),
        ("+5", user("+5", None)),
        ("4711:", AccountError::NoLoginGroup { uid: 4711 }),
        (":", AccountError::Empty),
        ("", AccountError::Empty),
        ("a:b:c", group("b:c", None)),
    ] {
        let found = if text == "a:b:c" {
            Accounts::parse(b"a:x:1:1::/:", b"").owner(text)
        } else {
            accounts().owner(text)
        };
        assert_eq!(found, Err(expected.clone()), "{text}");
        assert_eq!(Diagnostic::from(&expected).helps.len(), 1, "{text}");
    }
    assert_eq!(accounts().identity("4711"), Err(AccountError::NoLoginGroup { uid: 4711 }));
    assert_eq!(
        Diagnostic::from(&user("wwwdata", Some("www-data"))).render(false),
        "error: there is no user `wwwdata` in /etc/passwd\n |\n = help: did you mean `www-data`?"
    );
}

#[test]
fn the_files_of_a_private_root() {
    let scratch = Scratch::new();
    assert_eq!(Accounts::read(&scratch.base()).unwrap(), Accounts::default());
    scratch.file("etc/passwd", "app:x:7:8::/app:/bin/sh\n");
    scratch.file("usr/lib/group", "team:x:9:app\n");
    scratch.link("etc/group", "/usr/lib/group");
    let accounts = Accounts::read(&scratch.base()).unwrap();
    assert_eq!(accounts.identity("app").unwrap().groups, [8, 9]);
    std::fs::remove_file(scratch.path("etc/passwd")).unwrap();
    scratch.fifo("etc/passwd");
    let error = Accounts::read(&scratch.base()).unwrap_err();
    assert!(matches!(error.cause, Cause::WrongKind { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_parsed(passwd in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,12}") {
        let accounts = Accounts::parse(&passwd, &passwd);
        let _ = (accounts.owner(&text), accounts.identity(&text));
    }

    #[test]
    fn what_was_written_is_read_back(
        entries in prop::collection::vec(("[a-z_][a-z0-9_-]{0,20}", 0..u32::MAX, 0..u32::MAX, "/[ -9;-~]{0,20}"), 0..8)
    ) {
        let lines: String =
            entries.iter().map(|(name, uid, gid, home)| format!("{name}:x:{uid}:{gid}:gecos:{home}:/bin/sh\n")).collect();
        let expected: Vec<User> = entries
            .into_iter()
            .map(|(name, uid, gid, home)| User { name, uid, gid, home: home.into() })
            .collect();
        prop_assert_eq!(parse_passwd(lines.as_bytes()), expected);
    }
}
