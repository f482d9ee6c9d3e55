//! Rendering again while services run: by SIGHUP, all or nothing, and only who reads what changed
//! is told.

use super::{Services, polite, shell};
use crate::harness::{Exit, Place, Running, each_place};

/// `told` reads its file again at SIGHUP, `restarted` doesn't know how, `other` reads none.
fn services(name: &str) -> Services {
    let show = "cat $DIR/out/told.conf";
    let lines = [
        "[env.WORD]\nrequired = true\npattern = \"[a-z]+\"\n[env.OTHER]\ndefault = \"x\"\n".to_owned(),
        "[[template]]\nsource = \"told.j2\"\ndest = \"$HERE/out/told.conf\"\nformat = \"plain\"\n\
         validate = [\"sh\", \"-c\", \"! grep bad {file}\"]\nreload = [\"told\"]\n"
            .to_owned(),
        "[[template]]\nsource = \"restarted.j2\"\ndest = \"$HERE/out/restarted.conf\"\nformat = \"plain\"\n\
         reload = [\"restarted\"]\n"
            .to_owned(),
        shell(
            "told",
            &format!("trap '{show}' HUP; trap 'exit 0' TERM; {show}; echo >&9; while :; do sleep 0.02; done"),
            "ready = { fd = 9 }\nreload-signal = \"HUP\"",
        ),
        shell(
            "restarted",
            "trap 'exit 0' TERM; cat $DIR/out/restarted.conf; echo >&9; while :; do sleep 0.02; done",
            "ready = { fd = 9 }\nafter = [\"told\"]",
        ),
        polite("other", "after = [\"restarted\"]"),
    ];
    let services = Services::new(name, "");
    let here = services.directory.0.to_str().unwrap();
    services.directory.spec(&lines.concat().replace("$HERE", here));
    services.directory.file("told.j2", 0o644, b"told {{ WORD }}\n");
    services.directory.file("restarted.j2", 0o644, b"restarted {{ OTHER }}\n");
    services.directory.file("word", 0o644, b"one");
    services.directory.file("other", 0o644, b"first");
    services
}

fn start(services: &Services, place: Place) -> Running {
    let here = services.directory.0.display();
    let launch = services.launch().variable(&format!("WORD_FILE={here}/word"));
    let mut castoff = launch.variable(&format!("OTHER_FILE={here}/other")).place(place).start();
    for line in ["told one", "restarted first", "other up"] {
        castoff.expect(line);
    }
    castoff
}

fn ends_well(mut castoff: Running) {
    castoff.signal(libc::SIGTERM);
    assert_eq!(castoff.wait(), Exit::Code(0));
}

#[test]
fn who_reads_what_changed_is_told_or_restarted() {
    each_place(|place| {
        let services = services("reload");
        let mut castoff = start(&services, place);
        castoff.signal(libc::SIGHUP);
        castoff.told_that("no service has anything to read");
        services.directory.file("word", 0o644, b"two");
        castoff.signal(libc::SIGHUP);
        castoff.told_that("rendered again, for told");
        castoff.expect("told two");
        services.directory.file("other", 0o644, b"second");
        castoff.signal(libc::SIGHUP);
        castoff.told_that("rendered again, for restarted");
        // those after it are not touched, as they don't require it
        castoff.expect("restarted second");
        ends_well(castoff);
    });
}

#[test]
fn a_bad_value_leaves_everything_as_it_was_and_says_so() {
    each_place(|place| {
        for (word, said) in [("NOT A WORD", "`WORD`"), ("bad", "told.conf")] {
            let services = services("bad");
            let mut castoff = start(&services, place);
            services.directory.file("word", 0o644, word.as_bytes());
            services.directory.file("other", 0o644, b"second");
            castoff.signal(libc::SIGHUP);
            castoff.told_that(said);
            castoff.told_that("rendering again has failed: everything stays as it was");
            let content =
                |name: &str| std::fs::read_to_string(services.directory.0.join("out").join(name)).unwrap();
            assert_eq!(content("told.conf"), "told one\n");
            assert_eq!(content("restarted.conf"), "restarted first\n", "all or nothing");
            // and it can be mended
            services.directory.file("word", 0o644, b"good");
            castoff.signal(libc::SIGHUP);
            castoff.told_that("rendered again, for told, restarted");
            let mut lines = [castoff.line(), castoff.line()];
            lines.sort();
            assert_eq!(lines, ["restarted second", "told good"]);
            ends_well(castoff);
        }
    });
}

#[test]
fn what_is_watched_is_rendered_again_when_it_changes() {
    each_place(|place| {
        let services = services("watched");
        let spec = services.directory.0.join("castoff.toml");
        let text = std::fs::read_to_string(&spec).unwrap();
        std::fs::write(&spec, text.replacen("version = 1", "version = 1\nwatch = true", 1)).unwrap();
        let here = services.directory.0.clone();
        let mut castoff = start(&services, place);
        // in its place
        services.directory.file("word", 0o644, b"two");
        castoff.told_that("rendered again, for told");
        castoff.expect("told two");
        // by another file under its name
        services.directory.file("new", 0o644, b"three");
        std::fs::rename(here.join("new"), here.join("word")).unwrap();
        castoff.told_that("rendered again, for told");
        castoff.expect("told three");
        // a template
        services.directory.file("restarted.j2", 0o644, b"anew {{ OTHER }}\n");
        castoff.told_that("rendered again, for restarted");
        castoff.expect("anew first");
        // one that is wrong, once, and stays wrong
        services.directory.file("word", 0o644, b"NOT A WORD");
        castoff.told_that("rendering again has failed: everything stays as it was");
        services.directory.file("unrelated", 0o644, b"x");
        services.directory.file("word", 0o644, b"four");
        castoff.told_that("rendered again, for told");
        castoff.expect("told four");
        ends_well(castoff);
    });
}

#[test]
fn without_being_asked_castoff_watches_nothing() {
    let services = services("unwatched");
    let mut castoff = start(&services, Place::Child);
    let watching = |castoff: &Running| {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", castoff.pid)).unwrap();
        fds.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok())
            .any(|target| target.to_string_lossy().contains("inotify"))
    };
    castoff.until("castoff to wait", |castoff| !watching(castoff));
    ends_well(castoff);
}

#[test]
fn a_lone_service_that_reads_what_is_rendered_is_supervised() {
    for watch in ["watch = true\n", ""] {
        lone(watch);
    }
}

fn lone(watch: &str) {
    let services = Services::new("lone", "");
    let here = services.directory.0.display().to_string();
    let template = "[env.WORD]\n[[template]]\nsource = \"t\"\ndest = \"$HERE/t.conf\"\n\
                    format = \"plain\"\nreload = [\"app\"]\n";
    let app = shell("app", "trap 'exit 0' TERM; cat $DIR/t.conf; while :; do sleep 0.02; done", "");
    services.directory.spec(&[watch, &template.replace("$HERE", &here), &*app].concat());
    services.directory.file("t", 0o644, b"{{ WORD }}\n");
    services.directory.file("word", 0o600, b"one");
    let mut castoff = services.launch().variable(&format!("WORD_FILE={here}/word")).start();
    castoff.expect("one");
    services.directory.file("word", 0o600, b"two");
    if watch.is_empty() {
        castoff.signal(libc::SIGHUP);
    }
    castoff.expect("two");
    ends_well(castoff);
}

#[test]
fn a_secret_that_would_be_made_anew_leaves_everything_as_it_was() {
    let template = "[env.KEY]\nsecret = true\ngenerate = { length = 20 }\n[[template]]\nsource = \"t\"\n\
                    dest = \"$HERE/key\"\nformat = \"plain\"\nreload = [\"app\"]\n";
    let services = Services::new("generated", "");
    let here = services.directory.0.to_str().unwrap();
    services.directory.file("t", 0o644, b"{{ KEY }}\n");
    services.directory.file("given", 0o600, b"was given");
    services.directory.spec(&[template.replace("$HERE", here), polite("app", "")].concat());
    let launch = services.launch().variable(&format!("CASTOFF_STATE={here}/state"));
    let mut castoff = launch.variable(&format!("KEY_FILE={here}/given")).start();
    castoff.expect("app up");
    // an empty file is no value, so the next one would be generated
    services.directory.file("given", 0o600, b"");
    castoff.signal(libc::SIGHUP);
    castoff.told_that("`KEY` would be generated anew");
    castoff.told_that("everything stays as it was");
    assert_eq!(std::fs::read(services.directory.0.join("key")).unwrap(), b"was given\n");
    ends_well(castoff);
}

#[test]
fn many_requests_come_to_a_few_renderings() {
    each_place(|place| {
        let services = services("many");
        let mut castoff = start(&services, place);
        services.directory.file("word", 0o644, b"two");
        for _ in 0..20 {
            castoff.signal(libc::SIGHUP);
        }
        castoff.expect("told two");
        castoff.told_that("rendered again, for told");
        ends_well(castoff);
    });
}

#[test]
fn services_that_are_not_there_are_refused() {
    let template = "[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\nreload = [\"ap\"]\n";
    let services = Services::new("unknown", &[template, &polite("app", "")].concat());
    let (exit, _, err) = services.launch().start().end();
    assert_eq!(exit, Exit::Code(65));
    assert!(err.contains("there is no service `ap`") && err.contains("did you mean `app`?"), "{err}");
}
