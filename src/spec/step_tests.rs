use std::path::Path;
use std::time::Duration;

use super::{check, merge};
use crate::diagnostic::Source;
use crate::spec::{Occasion, Spec, Watched, parse};

const REST: &str = "[image]\nversion = \"2\"\n[env.DOMAIN]\n[[volume]]\npath = \"/data\"\n\
                    [[template]]\nsource = \"t\"\ndest = \"/etc/t\"\n";

fn spec(text: &str) -> Result<Spec, Vec<String>> {
    let document = parse(&Source::new("castoff.toml", format!("version = 1\n{REST}{text}")), Path::new(""));
    let mut problems = document.problems;
    check(&document.spec, &mut problems);
    let titles: Vec<String> = problems.into_iter().map(|problem| problem.title).collect();
    if titles.is_empty() { Ok(document.spec) } else { Err(titles) }
}

#[test]
fn all_keys() {
    let spec = spec(
        r#"
        [[step]]
        name = "install it"
        command = ["wp", "core", "install", "--url={{ DOMAIN }}"]
        run = "first-start"
        scope = "/data/"
        when = "DOMAIN is defined"
        user = "www-data"
        group = "www-data"
        working-directory = "/data"
        timeout = "5m"
        retries = 3
        [[step]]
        name = "reindex"
        command = ["x"]
        run = "on-change"
        changes = ["/etc/t", "DOMAIN"]
        [[hooks]]
        path = "/docker-entrypoint.d"
        run = "upgrade"
        "#,
    )
    .unwrap();
    let terms = &spec.steps[0].terms;
    assert_eq!((spec.steps[0].name.value.as_str(), spec.steps[0].command.value.len()), ("install it", 4));
    assert_eq!((&terms.occasion.value, terms.retries), (&Occasion::FirstStart, 3));
    assert_eq!(terms.timeout, Some(Duration::from_secs(300)));
    assert_eq!(terms.scope.as_ref().unwrap().value, Path::new("/data"));
    let Occasion::OnChange(changes) = &spec.steps[1].terms.occasion.value else { panic!() };
    let changes: Vec<_> = changes.iter().map(|watched| &watched.value).collect();
    assert_eq!(changes, [&Watched::File("/etc/t".into()), &Watched::Variable("DOMAIN".to_owned())]);
    assert_eq!(spec.hooks[0].terms.occasion.value, Occasion::Upgrade);
}

#[test]
fn what_is_not_said() {
    let spec = spec("[[step]]\nname = \"a\"\ncommand = [\"x\"]\n").unwrap();
    let terms = &spec.steps[0].terms;
    assert_eq!((&terms.occasion.value, terms.retries, terms.timeout), (&Occasion::Always, 0, None));
    assert!(terms.scope.is_none() && terms.user.is_none() && terms.when.is_none());
}

#[test]
fn mistakes() {
    let step = |text: &str| format!("[[step]]\nname = \"a\"\ncommand = [\"x\"]\n{text}");
    for (text, problem) in [
        ("[[step]]\ncommand = [\"x\"]".to_owned(), "`name` is missing in [[step]]"),
        ("[[step]]\nname = \"a\"".to_owned(), "`command` is missing in [[step]]"),
        ("[[step]]\nname = \"a\"\ncommand = \"x\"".to_owned(), "`command` must be an array of strings"),
        ("[[step]]\nname = \"a\"\ncommand = []".to_owned(), "`command` is empty"),
        ("[[step]]\nname = \"a/b\"\ncommand = [\"x\"]".to_owned(), "a step can't be called \"a/b\""),
        ("[[step]]\nname = \"\"\ncommand = [\"x\"]".to_owned(), "a step can't be called \"\""),
        (step("run = \"first_start\""), "`run` can't be `first_start`"),
        (step("scope = \"container\""), "`scope` must be an absolute path"),
        (step("scope = \"/dat\""), "the scope /dat is no volume"),
        (step("run = \"on-change\""), "`run = \"on-change\"` needs `changes`"),
        (step("run = \"on-change\"\nchanges = []"), "`changes` is empty"),
        (step("changes = [\"DOMAIN\"]"), "`changes` has no effect here"),
        (step("run = \"on-change\"\nchanges = [\"/etc/s\"]"), "no template writes /etc/s"),
        (step("run = \"on-change\"\nchanges = [\"DOMIAN\"]"), "there is no variable `DOMIAN`"),
        (step("timeout = \"5\""), "`5` is not a duration"),
        (step("retries = -1"), "`retries` can't be -1"),
        (step("retries = 1001"), "`retries` can't be 1001"),
        (step(&step("")), "two steps are called `a`"),
        ("[[hooks]]".to_owned(), "`path` is missing in [[hooks]]"),
        ("[[hooks]]\npath = \"x\"".to_owned(), "`path` must be an absolute path"),
        (
            "[[hooks]]\npath = \"/x\"\n[[hooks]]\npath = \"/x\"".to_owned(),
            "the hooks of /x are declared twice",
        ),
    ] {
        assert_eq!(spec(&text).unwrap_err(), [problem], "{text}");
    }
    let source = "version = 1\n[[step]]\nname = \"a\"\ncommand = [\"x\"]\nrun = \"upgrade\"\n";
    let document = parse(&Source::new("castoff.toml", source), Path::new(""));
    let mut problems = document.problems;
    check(&document.spec, &mut problems);
    assert_eq!(problems[0].title, "`run = \"upgrade\"` needs the image's version");
}

#[test]
fn included_steps_come_first_and_give_way() {
    let of = |names: &[&str]| {
        let steps = names.iter().map(|name| format!("[[step]]\nname = \"{name}\"\ncommand = [\"x\"]\n"));
        let text = format!("version = 1\n{}", steps.collect::<String>());
        parse(&Source::new("castoff.toml", text), Path::new("")).spec
    };
    let mut spec = of(&["plugins", "install"]);
    for included in [of(&["prepare", "install"]), of(&["second"])] {
        merge(&mut spec, included.steps, included.hooks);
    }
    let names: Vec<_> = spec.steps.iter().map(|step| step.name.value.as_str()).collect();
    assert_eq!(names, ["prepare", "second", "plugins", "install"]);
}
