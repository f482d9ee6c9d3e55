//! What rendering promises, on a toy format that shows each hole as `<value>`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use minijinja::context;

use super::holes::choose_marker;
use super::{Known, Rendered, Renderer, Request};
use crate::diagnostic::{Diagnostic, Located, Place, Source};
use crate::format::{Filling, Format, Literal, Refusal, Skeleton};

static TOY: Format = Format { name: "toy", destinations: &[], fill: fill_toy };

fn fill_toy(_: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    values
        .iter()
        .map(|value| match value.as_text() {
            Some(text) if text.contains('#') => {
                Err(Refusal::value("a toy", "it can't hold '#'", "choose another"))
            }
            Some(text) => Ok(format!("<{text}>")),
            None => Ok(format!("<{value:?}>")),
        })
        .collect()
}

fn render(files: &[(&str, &str)]) -> Result<Rendered, Vec<Diagnostic>> {
    let mut rendered = render_each(files, &["main"]);
    rendered.remove(0)
}

/// Those of `names`, one after the other, by one renderer.
fn render_each(files: &[(&str, &str)], names: &[&str]) -> Vec<Result<Rendered, Vec<Diagnostic>>> {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, text)| (format!("/t/{name}"), text.as_bytes().to_vec())).collect();
    let read = move |path: &Path| Ok(files.get(path.to_str().unwrap()).cloned());
    let spec = Source::new("castoff.toml", "source = \"main\"\n");
    let known = Known {
        names: ["NAME", "PASSWORD", "BAD", "UNSET", "NAMES"].map(String::from).into(),
        secrets: ["PASSWORD".to_owned()].into(),
        open_texts: BTreeSet::from(["db".to_owned()]),
        ..Known::default()
    };
    let context = context! { NAME => "db", PASSWORD => "hunter2", BAD => "a#b", NAMES => ["x", "y"] };
    let mut renderer = Renderer::new(Arc::new(read));
    let mut render = |name: &str| {
        renderer.render(&Request {
            source: &Located { value: name.to_owned(), place: Place::new(&spec, 9..15) },
            directory: Path::new("/t"),
            format: &TOY,
            context: &context,
            known: &known,
            marker: choose_marker(&context),
        })
    };
    names.iter().map(|name| render(name)).collect()
}

fn content(template: &str) -> String {
    render(&[("main", template)]).unwrap().content
}

fn message(files: &[(&str, &str)]) -> String {
    render(files).unwrap_err().iter().map(|d| d.render(false) + "\n").collect()
}

#[test]
fn nothing_of_one_template_is_left_for_the_next() {
    let files = [
        ("fails", "{{ PASSWORD }}{{ NAME }}{{ UNSET }}"),
        ("secret", "{{ PASSWORD }} {% include 'part' %}"),
        ("part", "{{ NAMES | first }}"),
        ("open", "{{ NAME }}"),
    ];
    let rendered = render_each(&files, &["fails", "secret", "open", "secret"]);
    assert!(rendered[0].is_err());
    let of = |at: usize| rendered[at].as_ref().unwrap();
    let names = |at: usize| of(at).names.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of(1).content, "<hunter2> <x>");
    assert_eq!((of(2).content.as_str(), names(2)), ("<db>", vec!["NAME"]));
    assert_eq!(of(3).content, of(1).content);
    assert!(names(1).contains(&"PASSWORD") && names(1).contains(&"NAMES"));
    assert_eq!(names(3), names(1));
}

#[test]
fn every_printed_value_goes_through_the_format_once() {
    for (template, expected) in [
        ("a {{ NAME }} b\n", "a <db> b\n"),
        ("{{ NAME }}{{ NAME }}", "<db><db>"),
        ("{{ NAME | upper }}", "<DB>"),
        ("{{ 'x' ~ NAME }}", "<xdb>"),
        ("{{ (NAME ~ '@/%') | url }}", "<db%40%2F%25>"),
        ("{{ NAME | raw }}", "db"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ q }}{{ q }}", "[<db>][<db>]"),
        ("{% set q = NAME %}{{ q }}", "<db>"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ q | upper }}", "<[DB]>"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ q ~ NAME }}", "<[db]db>"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ q | replace('d', NAME) }}", "<[dbb]>"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ q | reverse }}", "<]bd[>"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ q | length }}", "<4>"),
        ("{% set q %}[{{ NAME }}]{% endset %}{{ [q, 'x'] | join('+') }}", "<[db]+x>"),
        ("{% set q %}{{ NAME }}{% endset %}{% set r %}{{ q }}{{ q | upper }}{% endset %}{{ r }}", "<db><DB>"),
        ("{% set q %}{{ NAME | raw }}{% endset %}{{ q | upper }}", "<DB>"),
        ("{{ NAME | indent(width=2, first=true) }}", "<  db>"),
        ("{% set q %}{{ NAME }}{% endset %}{{ 'a%(x)s' | format(x=q) }}", "<adb>"),
        ("{% filter upper %}a{{ NAME }}{% endfilter %}", "<ADB>"),
        ("{% macro m(v) %}({{ v }}){% endmacro %}{{ m(NAME) }}", "(<db>)"),
        ("{% for n in NAMES %}{{ n }};{% endfor %}", "<x>;<y>;"),
        ("{% autoescape false %}{{ NAME }}{% endautoescape %}", "<db>"),
        ("{{ 3 }} {{ true }}", "<3> <true>"),
        ("{% if UNSET is defined %}{{ UNSET }}{% endif %}x\n", "x\n"),
        ("  {% if true %}\nline\n  {% endif %}\n", "line\n"),
    ] {
        assert_eq!(content(template), expected, "{template}");
    }
}

#[test]
fn includes_are_found_beside_the_template_and_escaped_too() {
    let rendered = render(&[("main", "{% include 'part' %}"), ("part", "[{{ NAME }}]")]).unwrap();
    assert_eq!(rendered.content, "[<db>]");
}

#[test]
fn a_secret_is_never_shown() {
    for (template, shown) in [
        ("{{ PASSWORD }}", "[hidden]"),
        ("{{ NAME }} {{ PASSWORD }}", "<db> [hidden]"),
        ("{{ PASSWORD | upper }}", "[hidden]"),
        ("{{ PASSWORD | raw }}", "[hidden]"),
        ("{{ NAME }} {{ NAMES }}", "<db> <List([Text(\"x\"), Text(\"y\")])>"),
    ] {
        let rendered = render(&[("main", template)]).unwrap();
        assert_eq!(rendered.shown, shown, "{template}");
        assert!(!format!("{rendered:?}").contains("hunter2"));
    }
}

#[test]
fn a_refusal_names_variable_place_and_reason() {
    let expected = "\
error: the value of `BAD` can't stand in a toy
 --> /t/main:2:6
  |
2 | x {{ BAD }}
  |      ^^^ it can't hold '#'
  |
  = note: the format is toy
  = help: choose another
";
    assert_eq!(message(&[("main", "first\nx {{ BAD }}\n")]), expected);
}

#[test]
fn every_refusal_is_reported() {
    let refused = render(&[("main", "{{ BAD }} {{ NAME }} {{ BAD }}")]).unwrap_err();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|d| d.exit == crate::exit::ExitCode::ENVIRONMENT));
}

#[test]
fn thousands_of_refusals_are_told_in_short() {
    let template = "{{ BAD }}\n".repeat(5_000);
    let refused = render(&[("main", &template)]).unwrap_err();
    assert_eq!(refused.len(), 26);
    assert_eq!(refused[24].place.as_ref().unwrap().0.to_string(), "/t/main:25:4");
    assert_eq!(refused[25].title, "4975 more values of /t/main are refused");
}

#[test]
fn mistakes_of_templates_are_located() {
    for (template, expected) in [
        ("{{ NAMME }}", "did you mean `NAME`?"),
        ("{% if false %}{{ NAMME }}{% endif %}", "`NAMME` is not declared"),
        ("a\n{{ UNSET }}", ":2:4"),
        ("{{ NAME | frobnicate }}", "there is no such filter"),
        ("{{ NAME", "this is not a template"),
        ("{% include '../etc/passwd' %}", "outside the folder"),
        ("{% include '/etc/passwd' %}", "outside the folder"),
        ("{% include 'absent' %}", "there is no such template"),
        ("{% set q %}{{ NAME }}{% endset %}{{ q[1:] }}", "can't be cut or turned"),
        ("{% set q %}{{ NAME }}{% endset %}{{ q[::-1] }}", "can't be cut or turned"),
        ("{{ 1e308 * 1e308 }}", "not finite"),
        ("{{ NAME | indent(99999999999999) }}", "numbers up to 9999"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "too many steps"),
        ("{{ NAMES | raw }}", "`raw` takes text"),
    ] {
        let shown = message(&[("main", template)]);
        assert!(shown.contains(expected), "{template}\n{shown}");
        assert!(shown.contains("/t/main:"), "{template}\n{shown}");
    }
}

#[test]
fn a_mistake_in_an_included_file_is_located_there() {
    let shown = message(&[("main", "{% include 'part' %}"), ("part", "x\n{{ NAME | nope }}")]);
    assert!(shown.contains("/t/part:2"), "{shown}");
}

#[test]
fn a_template_that_is_missing_is_located_in_the_spec() {
    let shown = message(&[]);
    assert!(shown.contains("castoff.toml:1:10"), "{shown}");
}
