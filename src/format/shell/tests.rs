//! What each context makes of a value, as tables.

use super::super::skeleton::Blame;
use super::*;

/// Fills a template whose holes are written `@`.
fn fillings(template: &str, value: &Literal) -> Vec<Filling> {
    let mut skeleton = Skeleton::default();
    for (index, part) in template.split('@').enumerate() {
        if index > 0 {
            skeleton.push_hole();
        }
        skeleton.push_text(part);
    }
    fill(&skeleton, &vec![value.clone(); skeleton.holes()])
}

fn outcome(template: &str, value: &Literal) -> Result<String, Blame> {
    let mut fillings = fillings(template, value);
    assert_eq!(fillings.len(), template.matches('@').count(), "{template:?}");
    fillings.remove(0).map_err(|refusal| refusal.blame)
}

fn text(value: &str) -> Literal {
    Literal::Text(value.into())
}

#[test]
fn text_by_context() {
    for (template, value, expected) in [
        ("X=@", "a b", "'a b'"),
        ("X=@", "", "''"),
        ("X=@", "it's", r"'it'\''s'"),
        ("X=@", "2", "'2'"),
        ("X=/srv/@/x", "a", "'a'"),
        ("echo @", "$(id)", "'$(id)'"),
        ("echo a >@", "f", "'f'"),
        ("echo a 2>> @ b", "f", "'f'"),
        ("A=1 B=@ cmd", "x", "'x'"),
        ("if [ @ = @ ]; then b; fi", "-v", "'-v'"),
        ("sh -e @", "x", "'x'"),
        ("sh /srv/x @ @", "-c", "'-c'"),
        ("ssh -4 @", "x", "'x'"),
        ("if test @ = a; then b; fi", "x", "'x'"),
        ("case @ in a) b;; esac", "x", "'x'"),
        ("case a in b|@) c;; (d) e;; esac; echo x", "*", "'*'"),
        ("case a in b) echo @;; esac", "*", "'*'"),
        ("for i in @; do x; done", "a", "'a'"),
        ("f() { echo @; }", "a", "'a'"),
        ("echo \"a@b\"", "\"\\$`'!\n", "\\\"\\\\\\$\\`'!\n"),
        ("echo 'a@b'", "'$", r"'\''$"),
        ("echo \"$(printf %s @)\"", "a", "'a'"),
        ("echo \"$(printf %s \"@\")\"", "$", r"\$"),
        ("echo \"${A}@\"", "b", "b"),
        ("echo \"${A:-x$B}@\"", "b", "b"),
        ("echo ${A:-\"x}\"} @", "b", "'b'"),
        ("echo $A@", "b", "'b'"),
        ("echo \"$$@\"", "b", "b"),
        ("echo `basename \"$0\"` @", "b", "'b'"),
        ("# @\nx", "a 'b", "a 'b"),
        ("echo a#@", "b", "'b'"),
        ("cat <<E\n@\nE\n", "a$`\\'\"", "a\\$\\`\\\\'\""),
        ("cat <<EOF\n@é\nEOF\n", "xEOé", "xEOé"),
        ("cat <<'E'\n@\nE\n", "a$`\\'\"", "a$`\\'\""),
        ("cat <<-E\n\tx@\n\tE\n", "\ta", "\ta"),
        ("cat <<E >f\nx\nE\necho @\n", "a", "'a'"),
        ("cat <<A <<B\nx\nA\n@\nB\n", "$", "\\$"),
        ("x=$(cat <<E\n@\nE\n)", "$", "\\$"),
        ("export A=@", "b c", "'b c'"),
        ("readonly A=\"@\"", "b c", "b c"),
        ("echo \\\n@", "b", "'b'"),
        ("echo $((1 + 2)) @", "b", "'b'"),
        ("(cd /; echo @)", "b", "'b'"),
    ] {
        let got = outcome(template, &text(value));
        assert_eq!(got.as_deref(), Ok(expected), "{template:?}");
    }
}

/// Found by fuzzing: each of these ran out of stack.
#[test]
fn deep_nesting_is_refused() {
    for construct in ["$(", "\"$(", "${A:-", "\"${A:-$(", "(", "if (", "$((1+", "x=$(cat <<E\n"] {
        let template = construct.repeat(20_000) + "@";
        assert_eq!(outcome(&template, &text("v")), Err(Blame::Template), "{construct}");
    }
    let shallow = "$(echo ".repeat(30) + "@" + &")".repeat(30);
    assert_eq!(outcome(&format!("X={shallow}"), &text("v")), Ok("'v'".to_owned()));
}

/// Found by fuzzing: `-c` or `-v` in the first hole would make code of the second.
#[test]
fn no_value_can_be_the_option_that_makes_code_of_another() {
    for template in
        ["su a -@ 'x @'", "su a @ x @", "sh -o posix @ @", "busybox sh @ @", "[ @ @ ]", "printf -@ @"]
    {
        let last = fillings(template, &text("v")).pop().unwrap();
        assert_eq!(last.map_err(|refusal| refusal.blame), Err(Blame::Template), "{template}");
    }
}

#[test]
fn places_where_no_value_can_stand() {
    for template in [
        "@",
        "@ x",
        "\"@\" x",
        "/usr/bin/@ x",
        "a; @",
        "a | @",
        "a && @",
        "if @; then b; fi",
        "A=1 @",
        "@=1",
        "X@=1",
        "exec @",
        "command @",
        ">f @",
        "! @",
        "{ @; }",
        "(@)",
        "$(@)",
        "for @ in a; do b; done",
        "f() { @; }",
        "function @ { x; }",
        "eval @",
        "eval \"x=@\"",
        "trap '@' EXIT",
        "alias a=@",
        "let x=@",
        "unset @",
        "read @",
        "export @",
        "export @=1",
        "declare -i x=@",
        "sh -c @",
        "sudo /bin/bash -ec 'x @'",
        "test -v @",
        "ssh host echo @",
        "echo ${A:-@}",
        "echo \"${@}\"",
        "echo `echo @`",
        "echo \\@",
        "echo \"\\@\"",
        "echo $@",
        "echo \"$@\"",
        "echo \"$A@\"",
        "echo \"$1@\"",
        "echo ~@",
        "echo $'a@'",
        "echo $'a' @",
        "[[ a == @ ]]",
        "[[ a == b ]] && echo 'x'$\"y\" @",
        "A=(@)",
        "((x=@))",
        "echo <(@)",
        "cat <<@\nx\n@\n",
        "cat <<E\n\\@\nE\n",
        "cat <<E\n$@\nE\n",
        "cat <<E\n$A@\nE\n",
        "cat <<E\n$(echo @)\nE\n",
        "cat <<E\n@\n",
        "sh <<E\necho @\nE\n",
        "echo a >&@",
        "#!@\nx",
        "echo 'x @",
        "echo $((1@))",
        "echo $((16#@))",
        "echo $((@@))",
        "cat <<<@",
        "cat <<E $(\nx)\nE\necho @",
        "esac @",
        "echo \"${A:-'}'}\" @",
        "echo `echo '`' @",
        "cat <<E\n@@\nE\n",
    ] {
        let outcome = outcome(template, &text("1"));
        assert!(outcome.is_err(), "{template:?}: {outcome:?}");
    }
}

#[test]
fn values_that_a_place_cannot_hold() {
    for (template, value) in [
        ("X=@", "a\0b"),
        ("# @", "a\nb"),
        ("cat <<E\n@\nE\n", "E"),
        ("cat <<E\n@\nE\n", "a\nE\nb"),
        ("cat <<EOF\nE@F\nEOF\n", "O"),
        ("cat <<'E'\nx@\nE\n", "\nE"),
        ("cat <<-E\n\t@\nE\n", "\tE"),
        ("cat <<-E\n\t@\nE\n", "\tx"),
        ("cat <<-E\nx@\nE\n", "a\n\tb"),
        ("cat <<E\n@ @\nE\n", "a\nb"),
        ("cat <<EOF\n@\nEOF\n", "EOé"),
        ("cat <<EOF\n@é\nEOF\n", "E"),
        ("cat <<EOF\nEé@ @\nEOF\n", "x"),
        ("cat <<EOF\n@Eé@\nEOF\n", ""),
        ("cat <<EOF\nE@ @\nEOF\n", "é"),
        ("cat <<'EOF'\n@\nEOF\n", "a\nEOFé"),
        ("cat <<-EOF\n\tE@\n\tEOF\n", "é"),
        ("echo $((@))", "1"),
    ] {
        assert_eq!(outcome(template, &text(value)), Err(Blame::Value), "{template:?} {value:?}");
    }
}

/// bash 5.2 ran what followed the delimiter.
#[test]
fn a_line_that_begins_with_the_delimiter_ends_no_document_in_a_substitution() {
    for (template, value, taken) in [
        ("x=$(cat <<EOF\n@\nEOF\n)\n", "EOF' ) ; id #", false),
        ("x=$(cat <<EOF\n@\nEOF\n)\n", "a\nEOF)", false),
        ("x=$(cat <<EOF\n@)\nEOF\n)\n", "EOF ", false),
        ("x=$(cat <<-EOF\n\tE@\n\tEOF\n)\n", "OF)", false),
        ("x=$(cat <<'EOF'\n@\nEOF\n)\n", "EOF}", false),
        ("x=$(cat <<EOF\n@ x@\nEOF\n)\n", "EOF", false),
        ("x=$(cat <<EOF\nE@ @\nEOF\n)\n", "a)", true),
        ("x=$(cat <<EOF\n@\nEOF\n)\n", "EOF x", true),
        ("x=$(cat <<EOF\n@\nEOF\n)\n", " EOF)", true),
    ] {
        let outcome = outcome(template, &text(value));
        assert_eq!(outcome.is_ok(), taken, "{template:?} {value:?}: {outcome:?}");
    }
    assert_eq!(outcome("x=$(cat <<EOF\nEOF )\n@\nEOF\n)\n", &text("a")), Err(Blame::Template));
}

#[test]
fn other_types() {
    let list = Literal::List(vec![text("a b"), text("'"), Literal::Int(1)]);
    for (template, value, expected) in [
        ("X=@", Literal::Int(-5), Some("-5")),
        ("X=@", Literal::Bool(true), Some("true")),
        ("echo @", Literal::Int(2), Some("2")),
        ("echo @>f", Literal::Int(2), Some("'2'")),
        ("echo a@", Literal::Int(2), Some("'2'")),
        ("echo \"@\"", Literal::Int(2), Some("2")),
        ("echo $((1-@))", Literal::Int(2), Some("2")),
        ("echo $((1-@))", Literal::Int(-2), Some("(-2)")),
        ("echo $((@))", Literal::Int(i128::MAX), None),
        ("echo $((@))", Literal::Float(1.5), None),
        ("for i in @; do x; done", list.clone(), Some(r"'a b' ''\''' '1'")),
        ("echo @ x", list.clone(), Some(r"'a b' ''\''' '1'")),
        ("echo @", Literal::List(vec![]), Some("")),
        ("echo a@", list.clone(), None),
        ("X=@", list.clone(), None),
        ("echo > @", list.clone(), None),
        ("echo \"@\"", list.clone(), None),
        ("case @ in a) b;; esac", list, None),
        ("echo @", Literal::None, None),
        ("echo @", Literal::Map(vec![]), None),
    ] {
        let expected = expected.map(str::to_owned).ok_or(Blame::Value);
        assert_eq!(outcome(template, &value), expected, "{template:?} {value:?}");
    }
}

proptest::proptest! {
    /// However broken the script is, each hole has one answer.
    #[test]
    fn every_hole_has_one_answer(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)) {
        let template = pieces.concat();
        assert_eq!(fillings(&template, &text("v")).len(), template.matches('@').count());
    }
}

const PIECES: &[&str] = &[
    "@", "@", "@", " ", "\n", "'", "\"", "\\", "$", "(", ")", "{", "}", "`", "<<E", "\nE\n", "<<-'E'", "#",
    ";", ";;", "&", "|", ">", "<", "case ", " in ", "esac", "for ", "do ", "$((", "))", "${", "[[ ", " ]]",
    "A=", "x", "eval ", "$(", "\t",
];
