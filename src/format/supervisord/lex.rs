//! Takes a supervisord.conf apart the way Python's `configparser` does: lines, comments,
//! options and lines that go on. What `environment` makes of its value is not its job.

use super::super::skeleton::{Refusal, Skeleton, Unit};
use super::{Around, Context, Place, environment};

pub(super) type Answer = Result<Context, Refusal>;

#[derive(Default)]
struct Lexer {
    holes: Vec<Answer>,
    section: Option<String>,
    option: Option<String>,
    /// The indentation of the option.
    indentation: usize,
    /// A line of this `environment` was not understood.
    unsure: bool,
}

pub(super) fn lex(skeleton: &Skeleton) -> Vec<Answer> {
    let mut lexer = Lexer::default();
    for line in skeleton.units().split(|unit| matches!(unit, Unit::Char('\n' | '\r'))) {
        lexer.line(line);
    }
    lexer.holes
}

/// What Python's `str.isspace` takes for a blank.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

pub(super) fn blank(unit: &Unit) -> bool {
    matches!(unit, Unit::Char(c) if is_blank(*c))
}

fn comments(unit: &Unit) -> bool {
    matches!(unit, Unit::Char(';' | '#'))
}

impl Lexer {
    fn line(&mut self, line: &[Unit]) {
        let Some(start) = line.iter().position(|unit| !blank(unit)) else { return };
        if line.get(start).is_some_and(comments) {
            return self.answer_all(line, &Ok(comment(false)));
        }
        let (text, rest) = line.split_at(comment_start(line));
        let continues = self.option.is_some() && start > self.indentation;
        if continues {
            self.value(line, text, start, true);
        } else {
            self.indentation = start;
            if line.get(start) == Some(&Unit::Char('[')) {
                self.header(text);
            } else {
                self.option(line, text, start);
            }
        }
        self.answer_all(rest, &Ok(comment(true)));
    }

    fn answer_all(&mut self, units: &[Unit], answer: &Answer) {
        let count = units.iter().filter(|unit| **unit == Unit::Hole).count();
        self.holes.extend(std::iter::repeat_n(answer.clone(), count));
    }

    fn header(&mut self, text: &[Unit]) {
        let name = text.iter().filter_map(|unit| if let Unit::Char(c) = unit { Some(*c) } else { None });
        let name: String = name.collect();
        let name = name.trim().trim_start_matches('[');
        self.section = text
            .iter()
            .all(|unit| *unit != Unit::Hole)
            .then(|| name.rsplit_once(']').map_or(name, |(name, _)| name).to_owned());
        self.option = None;
        self.answer_all(text, &Err(no_name()));
    }

    fn option(&mut self, line: &[Unit], text: &[Unit], start: usize) {
        let delimiter = text.iter().position(|unit| matches!(unit, Unit::Char('=' | ':')));
        let (name, _) = text.split_at(delimiter.unwrap_or(text.len()));
        self.answer_all(name, &Err(no_name()));
        let Some(delimiter) = delimiter else { return };
        let name = name.get(start..).unwrap_or_default();
        let letters = name.iter().filter_map(|unit| match unit {
            Unit::Char(c) => Some(c.to_ascii_lowercase()),
            Unit::Hole => None,
        });
        self.unsure = false;
        self.option = Some(letters.collect::<String>().trim_end().to_owned());
        self.value(line, text, delimiter + 1, false);
    }

    /// The value of an option that stands on this line, from `from` on.
    fn value(&mut self, line: &[Unit], text: &[Unit], from: usize, continues: bool) {
        let value = text.get(from..).unwrap_or_default();
        let (Some(option), Some(base)) = (self.option.clone(), self.base()) else {
            return self.answer_all(value, &Err(unknown_section()));
        };
        let count = value.iter().filter(|unit| **unit == Unit::Hole).count();
        let answers = if option != "environment" {
            vec![Ok(Context { place: place(&option), ..base }); count]
        } else if self.unsure {
            vec![Err(environment::not_a_pair()); count]
        } else {
            let (answers, understood) = environment::lex(value, base);
            self.unsure = !understood;
            answers
        };
        let expanded = expansions(value);
        let places = (from..text.len()).filter(|at| text.get(*at) == Some(&Unit::Hole));
        for ((at, answer), inside) in places.zip(answers).zip(expanded) {
            let answer = match answer {
                _ if inside => Err(in_an_expansion()),
                // an empty value, or a blank at its end, would make a comment of what follows
                _ if line.get(at + 1).is_some_and(comments) => Err(before_a_comment_sign()),
                Ok(context) => Ok(Context { around: around(line, text, at, from, continues), ..context }),
                refused => refused,
            };
            self.holes.push(answer);
        }
    }

    /// What is the same for all holes of an option; `None` in a section that isn't supervisor's own.
    fn base(&self) -> Option<Context> {
        let section = self.section.as_deref()?;
        let kind = section.split(':').next().unwrap_or_default();
        let known = [
            "supervisord",
            "supervisorctl",
            "unix_http_server",
            "inet_http_server",
            "program",
            "fcgi-program",
            "eventlistener",
            "group",
            "include",
        ];
        let option = self.option.as_deref().unwrap_or_default();
        let twice = match kind {
            "supervisord" => option == "environment",
            "program" | "fcgi-program" | "eventlistener" => option.ends_with("_logfile"),
            _ => false,
        };
        known.contains(&kind).then(|| Context {
            place: Place::Text,
            expansions: if twice { 2 } else { 1 },
            around: Around::default(),
        })
    }
}

fn place(option: &str) -> Place {
    match option {
        "password" => Place::Password,
        "command" => Place::Word { commas: true },
        "programs" | "events" | "exitcodes" | "files" => Place::Word { commas: false },
        _ => Place::Text,
    }
}

/// A comment: all of a line, or behind other text.
fn comment(commented: bool) -> Context {
    let around = Around { commented, ..Around::default() };
    Context { place: Place::Comment, expansions: 0, around }
}

/// Where the comment of a line starts: at the first `;` or `#` with a blank before it.
/// (`configparser` looks for both kinds in turns, and may find the second one first; a
/// line of the template on which that matters is the template's own business, because
/// values beside a comment hold neither.)
fn comment_start(line: &[Unit]) -> usize {
    let mut before = None;
    for (at, unit) in line.iter().enumerate() {
        if comments(unit) && before.is_none_or(blank) {
            return at;
        }
        before = Some(unit);
    }
    line.len()
}

fn around(line: &[Unit], text: &[Unit], at: usize, from: usize, continues: bool) -> Around {
    let (before, after) = (text.get(from..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    let nothing = |unit: &Unit| blank(unit) || *unit == Unit::Hole;
    let starts = before.iter().all(nothing);
    let ends = after.iter().all(nothing);
    let touching = at.checked_sub(1).and_then(|before| line.get(before));
    Around {
        starts,
        ends,
        behind_blank: touching.is_none_or(nothing),
        before_bracket: matches!(line.get(at + 1), Some(Unit::Hole | Unit::Char('('))),
        commented: text.len() < line.len(),
        needed: match (starts, ends) {
            (true, true) => continues || before.contains(&Unit::Hole) || after.contains(&Unit::Hole),
            (true, false) => after.first().is_some_and(nothing),
            (false, true) => before.last().is_some_and(nothing),
            (false, false) => false,
        },
    }
}

/// For each hole: whether it stands in a `%(…)s`, or behind a single `%`.
fn expansions(value: &[Unit]) -> Vec<bool> {
    let mut inside = Vec::new();
    let mut rest = value;
    while let [unit, after @ ..] = rest {
        rest = after;
        match (unit, after.first()) {
            (Unit::Hole, _) => inside.push(false),
            (Unit::Char('%'), Some(Unit::Char('%'))) => rest = after.get(1..).unwrap_or_default(),
            (Unit::Char('%'), Some(Unit::Hole)) => {
                inside.push(true);
                rest = after.get(1..).unwrap_or_default();
            }
            (Unit::Char('%'), Some(Unit::Char('('))) => {
                // up to the letter behind the bracket
                let end = after.iter().position(|unit| *unit == Unit::Char(')'));
                let end = end.map_or(after.len(), |end| (end + 2).min(after.len()));
                let (expansion, next) = after.split_at(end);
                inside.extend(expansion.iter().filter(|unit| **unit == Unit::Hole).map(|_| true));
                rest = next;
            }
            (Unit::Char(_), _) => {}
        }
    }
    inside
}

fn no_name() -> Refusal {
    Refusal::template(
        "a name in supervisord.conf",
        "a value can't name a section or an option",
        "write the name out: user = {{ x }}",
    )
}

fn unknown_section() -> Refusal {
    Refusal::template(
        "a section of supervisord.conf",
        "it isn't in an option of one of supervisor's own sections, and a plug-in reads its options by rules of its own",
        "",
    )
}

fn in_an_expansion() -> Refusal {
    Refusal::template(
        "a `%(…)s` of supervisord.conf",
        "the value would choose what is inserted",
        "{{ x }} alone",
    )
}

fn before_a_comment_sign() -> Refusal {
    Refusal::template(
        "a value in supervisord.conf",
        "the `;` or `#` that follows begins a comment if the value ends with a blank, or is empty",
        "move it into the value: {{ x ~ ';…' }}",
    )
}
