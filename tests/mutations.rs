//! Damaged specs, templates and environments: castoff answers, whatever it is given. A panic
//! in the entrypoint would be a container that can't start, without a word.

use std::path::Path;
use std::sync::Arc;

use castoff::diagnostic::Source;
use castoff::env::facts::{Facts, Limits};
use castoff::env::{Inputs, Names, Snapshot, dotenv, resolve};
use castoff::format::{FORMATS, Literal, Skeleton};
use castoff::render::{Known, Renderer, render_all};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::structure::Case;

const STEPS: &str = r#"
version = 1
[image]
version = "1"
[env.A]
[[volume]]
path = "/data"
[[template]]
source = "t"
dest = "/t.php"
when = "container.first-start or volumes['/data'].upgraded-from is defined"
[[step]]
name = "install"
command = ["wp", "--url={{ A }}", "{{ volume.upgraded-from | default('') }}"]
run = "on-change"
changes = ["/t.php", "A"]
scope = "/data"
timeout = "5m"
retries = 3
[[hooks]]
path = "/docker-entrypoint.d"
run = "first-start"
when = "A is defined"
"#;

const SPECS: [&str; 5] = [
    STEPS,
    include_str!("../examples/quickstart/castoff.toml"),
    include_str!("../templates/php-fpm/php-fpm.toml"),
    include_str!("../templates/wordpress/wordpress.toml"),
    include_str!("../templates/drupal/drupal.toml"),
];

const TEMPLATES: [&str; 5] = [
    include_str!("../templates/php-fpm/php-fpm.conf.j2"),
    include_str!("../templates/wordpress/wp-config.php.j2"),
    include_str!("../templates/nginx/vhost.conf.j2"),
    include_str!("../templates/mail/msmtprc.j2"),
    include_str!("../templates/drupal/settings.php.j2"),
];

/// What a mutation puts in: the syntax of everything that is parsed.
const TOKENS: [&str; 40] = [
    "\"",
    "'",
    "\\",
    "\n",
    "\0",
    "{{",
    "}}",
    "{%",
    "%}",
    "{{ A }}",
    "| raw",
    "[[template]]",
    "[env.A]",
    "[",
    "]",
    "=",
    "= 1",
    "{",
    "}",
    ";",
    "#",
    "//",
    "/*",
    "*/",
    "<?php",
    "?>",
    "<<<X",
    "$",
    "`",
    "\u{202e}",
    "é",
    "\u{f0000}",
    "for-each = \"A\"",
    "default = \"{{ A }}\"",
    "when = \"A\"",
    "include = [\"x\"]",
    "\r",
    "\t",
    "1e999",
    "..",
];

/// Deletes, repeats and puts in, at places given in thousandths of the text.
fn mutated(text: &str, mutations: &[(usize, usize, usize, u8)]) -> String {
    let mut units: Vec<char> = text.chars().collect();
    for (at, length, token, kind) in mutations {
        let at = units.len() * (at % 1001) / 1000;
        let end = (at + length % 60).min(units.len());
        match kind % 3 {
            0 => drop(units.drain(at..end)),
            1 => {
                let piece: Vec<char> = units[at..end].to_vec();
                units.splice(at..at, piece);
            }
            _ => drop(units.splice(at..at, TOKENS[token % TOKENS.len()].chars()).collect::<Vec<_>>()),
        }
    }
    units.into_iter().collect()
}

fn mutations() -> impl Strategy<Value = Vec<(usize, usize, usize, u8)>> {
    prop::collection::vec((0..1001usize, 0..60usize, 0..TOKENS.len(), 0..3u8), 1..6)
}

/// A short run; PROPTEST_CASES asks for a longer one.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => usual,
        None => ProptestConfig { cases: 400, ..usual },
    }
}

/// Syntax of the formats that mutations of templates seldom hit on.
const SYNTAX: [&str; 24] = [
    "a",
    "a = ",
    "A=",
    "a: ",
    "\n- ",
    " |\n  ",
    "[a]\n",
    " ",
    "  ",
    "~",
    "%",
    "--",
    "-->",
    "<!-- ",
    "<a b=",
    ">",
    "</a>",
    "cat <<E\n",
    "\nE\n",
    "sh -",
    "<?php $a = ",
    "set $a ",
    "'''",
    "@",
];

/// A few pieces of syntax in a row.
fn syntax() -> impl Strategy<Value = String> {
    let piece = (0..TOKENS.len() + SYNTAX.len())
        .prop_map(|piece| TOKENS.get(piece).copied().unwrap_or_else(|| SYNTAX[piece - TOKENS.len()]));
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// The same cases each time: one that fails is a finding, and wants a test of its own.
fn fixed() -> ProptestConfig {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config().cases } else { 4_000 };
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(0x00C0_FFEE), ..config() }
}

/// Everything from the text of a spec to its rendered files.
fn run(spec: &str, template: &str, environment: &str) {
    let source = Source::new("castoff.toml", spec);
    let document = castoff::spec::parse(&source, Path::new("/t"));
    let entries = dotenv::parse("env", environment.as_bytes()).unwrap_or_default();
    let snapshot = Snapshot::from_entries(entries);
    let facts =
        Facts { limits: Limits::found_by(|| (1 << 30, 2)), hostname: "h".to_owned(), ..Facts::default() };
    let inputs = Inputs {
        snapshot: &snapshot,
        facts: &facts,
        read_file: &|_| Ok(None),
        generated: &|_, _| None,
        fresh: &|length, _| "x".repeat(length.min(100)),
    };
    let resolution = resolve(&document.spec, &inputs);
    let text = template.to_owned();
    let mut renderer = Renderer::new(Arc::new(move |_: &Path| Ok(Some(text.clone().into_bytes()))));
    let names = document.spec.variables.iter().map(|variable| variable.name.value.clone());
    let known = Known { names: names.collect(), ..Known::default() };
    let context = resolution.resolved.context(&facts);
    let names = Names::of(&document.spec);
    let outputs = render_all(&document.spec.templates, &names, &context, &known, &mut renderer);
    let problems = document.problems.iter().chain(&resolution.diagnostics).chain(&outputs.problems);
    for problem in problems {
        assert!(!problem.render(false).is_empty());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_spec_gets_an_answer(spec in 0..SPECS.len(), template in 0..TEMPLATES.len(), m in mutations()) {
        run(&mutated(SPECS[spec], &m), TEMPLATES[template], include_str!("../examples/quickstart/site.env"));
    }

    #[test]
    fn a_damaged_template_gets_an_answer(spec in 0..SPECS.len(), template in 0..TEMPLATES.len(), m in mutations()) {
        run(SPECS[spec], &mutated(TEMPLATES[template], &m), include_str!("../examples/quickstart/site.env"));
    }

    #[test]
    fn a_damaged_env_file_gets_an_answer(m in mutations()) {
        run(SPECS[0], TEMPLATES[1], &mutated(include_str!("../examples/quickstart/site.env"), &m));
    }

    #[test]
    fn every_lexer_answers_for_every_hole(format in 0..FORMATS.len(), template in 0..TEMPLATES.len(), m in mutations()) {
        let text = mutated(TEMPLATES[template], &m);
        let mut skeleton = Skeleton::default();
        for piece in text.split_inclusive(' ') {
            skeleton.push_text(piece);
            skeleton.push_hole();
        }
        let values = vec![Literal::Text("a'b\"c$d".to_owned()); skeleton.holes()];
        prop_assert_eq!((FORMATS[format].fill)(&skeleton, &values).len(), values.len());
    }
}

proptest! {
    #![proptest_config(fixed())]

    #[test]
    fn what_stands_in_one_hole_changes_nothing_for_the_others(
        format in 0..FORMATS.len(),
        texts in prop::collection::vec(syntax(), 2..6),
        values in prop::collection::vec(syntax(), 5),
    ) {
        let values = values.into_iter().take(texts.len() - 1).map(Literal::Text).collect();
        prop_assert_eq!(Case { texts, values }.holds(FORMATS[format]), Ok(()));
    }
}
