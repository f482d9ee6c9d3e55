//! `main.cf`, as Postfix 3 reads it: `name = value` lines that go on where the next one
//! begins with a blank, then `$name` in values.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | the hole is all of it | `$` as `$$`; booleans `yes`, `no`; a list as `a, b` | line feed, NUL; blanks at an end; in lists items with blanks, commas, braces | postconf(5), measured |
//! | part | beside other text | `$` as `$$` | the above; blanks, commas and braces, which could make it more than one item (not in `*_banner`) | postconf(5) |
//! | on a line that goes on | it begins with a blank | as above | `#` first (the line would be a comment), blanks only, also before a `#` | postconf(5), measured |
//! | value that is expanded at delivery | `forward_path`, `luser_relay`, `default_rbl_reply`, `*_reject_footer`, `*_expansion_filter`, `command_execution_directory` | as it is | `$` (there is no `$$` there) | local(8), source |
//! | comment | a line whose first sign is `#` | as it is | line feed, NUL | postconf(5) |
//! | shell command | `mailbox_command`, `debugger_command` | – | all: a shell would run the value | local(8) |
//! | parameter name, inside `${…}` and `$(…)`, beside `$name` | – | – | all | |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton, Unit, fill_with};

/// The main configuration of Postfix.
pub(super) static POSTFIX: Format = Format { name: "postfix", destinations: &["postfix/main.cf"], fill };

#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Context {
    /// A `#` stands before it on its line.
    comment: bool,
    /// Nothing but blanks and values stands before or behind it in the value.
    starts: bool,
    ends: bool,
    /// It is all of the value.
    whole: bool,
    /// Nothing but blanks and values stands before it, or on all of its line (but for what a `#`
    /// begins), which goes on.
    begins_line: bool,
    fills_line: bool,
    /// The parameter is a list, for all that the template says.
    items: bool,
    /// Postfix keeps its `$` until a mail is delivered.
    late: bool,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex, encode)
}

/// A piece of a setting: one line of it, and the number of its first hole.
struct Line<'a> {
    units: &'a [Unit],
    first: usize,
}

fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut holes = Vec::with_capacity(skeleton.holes());
    let mut setting: Vec<Line<'_>> = Vec::new();
    for line in skeleton.units().split(|unit| *unit == Unit::Char('\n')) {
        let first = holes.len();
        let sign = line.iter().find(|unit| !blank(unit));
        if sign.is_none() {
            continue;
        }
        let count = line.iter().filter(|unit| **unit == Unit::Hole).count();
        if sign == Some(&Unit::Char('#')) {
            let comment = Context { comment: true, ..Context::default() };
            holes.extend(std::iter::repeat_n(Ok(comment), count));
            continue;
        }
        holes.extend(std::iter::repeat_n(Err(not_a_setting()), count));
        if !line.first().is_some_and(blank) {
            answer(&setting, &mut holes);
            setting.clear();
            setting.push(Line { units: line, first });
        } else if !setting.is_empty() {
            setting.push(Line { units: line, first });
        }
    }
    answer(&setting, &mut holes);
    holes
}

/// What C's `isspace` takes for a blank.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

fn blank(unit: &Unit) -> bool {
    matches!(unit, Unit::Char(c) if is_blank(*c))
}

fn nothing(unit: &Unit) -> bool {
    *unit == Unit::Hole || blank(unit)
}

/// Answers for the holes of a setting, of which all lines are known now.
fn answer(setting: &[Line<'_>], holes: &mut [Result<Context, Refusal>]) {
    let Some((line, rest)) = setting.split_first() else { return };
    let Some(equals) = line.units.iter().position(|unit| *unit == Unit::Char('=')) else { return };
    let (name, value) = line.units.split_at(equals);
    if name.contains(&Unit::Hole) {
        return;
    }
    let name: String =
        name.iter().filter_map(|unit| if let Unit::Char(c) = unit { Some(*c) } else { None }).collect();
    let name = name.trim();
    let value = value.get(1..).unwrap_or_default();
    let joined: Vec<Unit> = value.iter().chain(rest.iter().flat_map(|line| line.units)).copied().collect();
    let numbers = std::iter::once(line).chain(rest).flat_map(|line| {
        let count = line.units.iter().filter(|unit| **unit == Unit::Hole).count();
        line.first..line.first + count
    });
    let blocked = expansions(&joined);
    let lines = line_edges(value, rest);
    let whole = joined.iter().filter(|unit| !blank(unit)).count() == 1;
    let text_before = joined.iter().position(|unit| !nothing(unit)).unwrap_or(joined.len());
    let text_after = joined.iter().rposition(|unit| !nothing(unit)).unwrap_or(0);
    let places = joined.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole).map(|(at, _)| at);
    for (((number, at), blocked), (begins_line, fills_line)) in numbers.zip(places).zip(blocked).zip(lines) {
        let context = Context {
            comment: false,
            starts: at < text_before,
            ends: at > text_after || text_before == joined.len(),
            whole,
            begins_line,
            fills_line,
            items: !name.ends_with("_banner"),
            late: is_expanded_late(name),
        };
        let answer = match name {
            "mailbox_command" | "debugger_command" => Err(run_by_a_shell()),
            _ if blocked => Err(in_an_expansion()),
            _ => Ok(context),
        };
        if let Some(hole) = holes.get_mut(number) {
            *hole = answer;
        }
    }
}

/// For each hole: whether it begins a line that goes on, and fills all of it.
fn line_edges(value: &[Unit], rest: &[Line<'_>]) -> Vec<(bool, bool)> {
    let holes = |units: &[Unit]| units.iter().filter(|unit| **unit == Unit::Hole).count();
    let mut edges = vec![(false, false); holes(value)];
    for line in rest {
        let first_text = line.units.iter().position(|unit| !nothing(unit)).unwrap_or(line.units.len());
        let (start, end) = line.units.split_at(first_text);
        // what stands behind them may not begin a line either
        let alone = matches!(end.first(), None | Some(Unit::Char('#')));
        edges.extend(std::iter::repeat_n((true, alone), holes(start)));
        edges.extend(std::iter::repeat_n((false, false), holes(end)));
    }
    edges
}

/// For each hole: whether it is part of a `$name`, `${…}` or `$(…)`.
fn expansions(value: &[Unit]) -> Vec<bool> {
    let mut inside = Vec::new();
    let mut depth = 0usize;
    let mut rest = value.iter();
    let mut naming = false;
    while let Some(unit) = rest.next() {
        let next = rest.as_slice().first();
        match unit {
            Unit::Hole => inside.push(depth > 0 || std::mem::take(&mut naming)),
            Unit::Char('$') if next == Some(&Unit::Char('$')) => {
                rest.next();
                naming = false;
            }
            Unit::Char('$') if matches!(next, Some(Unit::Char('{' | '('))) => {
                rest.next();
                depth += 1;
                naming = false;
            }
            Unit::Char('$') => naming = true,
            Unit::Char('{' | '(') if depth > 0 => depth += 1,
            Unit::Char('}' | ')') if depth > 0 => depth -= 1,
            Unit::Char(c) => naming = naming && (c.is_ascii_alphanumeric() || *c == '_'),
        }
    }
    inside
}

fn is_expanded_late(name: &str) -> bool {
    matches!(name, "forward_path" | "luser_relay" | "default_rbl_reply" | "command_execution_directory")
        || name.ends_with("_reject_footer")
        || name.ends_with("_expansion_filter")
}

fn not_a_setting() -> Refusal {
    Refusal::template(
        "a line of main.cf",
        "it isn't in the value of a `name = value`, and a value can't name a parameter",
        "relayhost = {{ x }}",
    )
}

fn in_an_expansion() -> Refusal {
    Refusal::template(
        "a `$name` of main.cf",
        "the value would choose what is inserted",
        "keep them apart: ${name}{{ x }}",
    )
}

fn run_by_a_shell() -> Refusal {
    Refusal::template(
        "a shell command of main.cf",
        "postfix hands it to a shell, which would run what the value says",
        "",
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    if let (Literal::List(items), true) = (value, context.whole) {
        let item = Context { whole: false, ..*context };
        let items: Result<Vec<String>, Refusal> = items
            .iter()
            .map(|value| match scalar(&item, value) {
                Ok(text) if text.is_empty() => Err(refused("an item of a list can't be empty")),
                result => result,
            })
            .collect();
        return items.map(|items| items.join(", "));
    }
    scalar(context, value)
}

fn scalar(context: &Context, value: &Literal) -> Filling {
    let text = match value {
        Literal::Bool(value) => if *value { "yes" } else { "no" }.into(),
        value => value
            .as_text()
            .ok_or_else(|| refused(format!("a parameter of postfix has no form for {}", value.kind())))?,
    };
    if let Some(reason) = problem(context, &text) {
        return Err(refused(reason));
    }
    Ok(if context.comment { text.into_owned() } else { text.replace('$', "$$") })
}

fn problem(context: &Context, text: &str) -> Option<&'static str> {
    if text.contains(['\n', '\0']) {
        return Some("a line feed ends the line, a NUL the text, and there is no escape");
    }
    if context.comment {
        return None;
    }
    if (context.starts && text.starts_with(is_blank)) || (context.ends && text.ends_with(is_blank)) {
        return Some("blanks at the ends of a value are dropped, and there are no quotes");
    }
    if context.late && text.contains('$') {
        return Some("postfix expands it when it delivers, and knows no `$$` then");
    }
    if !context.whole && context.items && text.contains(|c: char| is_blank(c) || ",{}".contains(c)) {
        return Some("beside other text, a blank, comma or brace could make it more than one item");
    }
    if context.begins_line && text.trim_start_matches(is_blank).starts_with('#') {
        return Some("at the start of a line that goes on, a `#` begins a comment");
    }
    (context.fills_line && text.chars().all(is_blank))
        .then_some("postfix drops a line of blanks, and one that begins with `#`")
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::value("main.cf", reason, "")
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::*;

    #[test]
    fn values_by_context() {
        check(
            &POSTFIX,
            &[
                ("relayhost = @\n", text("[a]:587"), File("relayhost = [a]:587\n")),
                ("relayhost=@", text("a$b, {c} # d"), File("relayhost=a$$b, {c} # d")),
                ("relayhost = @", text(""), File("relayhost = ")),
                ("relayhost = @", text(" a"), BadValue),
                ("relayhost = @", text("a\r"), BadValue),
                ("relayhost = @", text("a\nb"), BadValue),
                ("mynetworks = 127.0.0.1 @", text("a, b"), BadValue),
                ("mynetworks = 127.0.0.1 @", text("$a"), File("mynetworks = 127.0.0.1 $$a")),
                ("smtpd_banner = $myhostname @\n", text("a, b"), File("smtpd_banner = $myhostname a, b\n")),
                ("a =\n @\n", text("b c"), File("a =\n b c\n")),
                ("a =\n @\n", text("#b"), BadValue),
                ("a = b\n @\n", text(""), BadValue),
                ("a = b\n @ # c\n", text(""), BadValue),
                ("a = b\n @ # c\n", text("d"), File("a = b\n d # c\n")),
                ("a = b\n# c\n\n @,\n", text("#"), BadValue),
                ("a = ${b}@$$@\n", text("c"), File("a = ${b}c$$c\n")),
                ("luser_relay = @\n", text("$user"), BadValue),
                (" # @\n", text("a $b"), File(" # a $b\n")),
                ("# @\na = b", text("a\nb = c"), BadValue),
                ("a = b\n# @\n c\n", text("d"), File("a = b\n# d\n c\n")),
            ],
        );
    }

    #[test]
    fn places_where_no_value_can_stand() {
        for template in [
            "@ = a\n",
            "a@ = b\n",
            "@\n",
            "a @\n",
            " @\n",
            "a = $@\n",
            "a = $b@\n",
            "a = ${b@}\n",
            "a = ${b?{@}}\n",
            "a = $(@)\n",
            "a = ${b\n  @\n",
            "mailbox_command = @\n",
        ] {
            check(&POSTFIX, &[(template, text("a"), BadTemplate)]);
        }
    }

    #[test]
    fn other_types() {
        let list = |items: &[&str]| Literal::List(items.iter().map(|item| text(item)).collect());
        check(
            &POSTFIX,
            &[
                ("a = @", Literal::Int(5), File("a = 5")),
                ("a = @", Literal::Bool(false), File("a = no")),
                ("a = @", list(&["b", "$c"]), File("a = b, $$c")),
                ("a = @", list(&["b c"]), BadValue),
                ("a = @", list(&[""]), BadValue),
                ("a = @", list(&[]), File("a = ")),
                ("a = b @", list(&["c"]), BadValue),
                ("a = @", Literal::None, BadValue),
                ("a = @", Literal::Map(vec![]), BadValue),
            ],
        );
    }
}
