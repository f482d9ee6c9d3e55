//! Walks over PHP source as `zend_language_scanner.l` does and says where each hole
//! stands. HTML, code and comments here; strings in `strings.rs`. Knows no value.

use super::super::skeleton::{Cursor, Refusal, Skeleton, Unit};
use super::{Context, is_label};

/// One context or refusal per hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut lexer = Lexer { cursor: skeleton.cursor(), found: Vec::new(), inside: None, depth: 0 };
    lexer.html();
    lexer.found
}

pub(super) struct Lexer<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) found: Vec<Result<Context, Refusal>>,
    /// Set within code where no value may stand: what to call it.
    pub(super) inside: Option<&'static str>,
    pub(super) depth: usize,
}

/// Where a run of code ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `?>`, or the end of the file.
    Tag,
    /// The `}` of an interpolation.
    Brace,
}

/// The last token of code that was not white space or a comment.
#[derive(Clone, PartialEq, Eq)]
enum Before {
    /// A place where a statement begins.
    Statement,
    /// An operator or an opening bracket: an operand comes next.
    Operator(char),
    /// `=>`, or a keyword or a cast that takes an operand.
    Operand,
    /// `->`, `?->`, `::`, `$` or `\`: a name comes next.
    Name,
    /// A name that takes no operand.
    Word,
    /// A number, string, variable or closing bracket: an operator comes next.
    Value,
}

impl Lexer<'_> {
    pub(super) fn push(&mut self, context: Context) {
        let found = match self.inside {
            None => Ok(context),
            Some(inside) => Err(Refusal::template(
                inside,
                "the value would become php code",
                "assign it to a variable first",
            )),
        };
        self.found.push(found);
    }

    pub(super) fn refuse(&mut self, context: &'static str, reason: &str, instead: &str) {
        self.found.push(Err(Refusal::template(context, reason, instead)));
    }

    /// Refuses all holes from here on: the text can't be read with certainty any more.
    pub(super) fn give_up(&mut self, reason: &str, instead: &str) {
        while let Some(unit) = self.cursor.next() {
            if unit == Unit::Hole {
                self.refuse("php", reason, instead);
            }
        }
    }

    fn html(&mut self) {
        while self.cursor.peek(0).is_some() {
            if self.cursor.starts_with("<?") {
                self.open_tag();
            } else if self.cursor.next() == Some(Unit::Hole) {
                self.refuse(
                    "text outside of php",
                    "castoff does not escape for HTML",
                    "print it from php: `<?= htmlspecialchars({{ VALUE }}) ?>`",
                );
            }
        }
    }

    fn open_tag(&mut self) {
        if self.cursor.starts_with("<?=") {
            self.cursor.advance(3);
            self.code(Before::Operand, End::Tag);
        } else if self.cursor.starts_with_ignore_case("<?php")
            && matches!(self.cursor.peek(5), None | Some(Unit::Char(' ' | '\t' | '\n' | '\r')))
        {
            self.cursor.advance(5);
            self.code(Before::Statement, End::Tag);
        } else {
            self.give_up(
                "php's setting short_open_tag decides whether the `<?` before it begins code",
                "write `<?php` or `<?=`; print a literal `<?` from php",
            );
        }
    }

    /// Code that an interpolation begins, up to its `}`; no value may stand in it.
    pub(super) fn interpolation(&mut self) {
        let outer = self.inside.replace("an interpolation in a php string");
        self.depth += 1;
        if self.depth > 32 {
            self.give_up("the interpolations before it are nested too deeply", "");
        }
        self.code(Before::Operator('{'), End::Brace);
        self.depth -= 1;
        self.inside = outer;
    }

    fn code(&mut self, mut before: Before, end: End) {
        let mut braces = 0_usize;
        while let Some(unit) = self.cursor.peek(0) {
            let Unit::Char(c) = unit else {
                self.operand(&before);
                before = Before::Value;
                continue;
            };
            match c {
                '?' if self.cursor.starts_with("?>") && end == End::Tag => {
                    self.cursor.advance(2);
                    return;
                }
                '}' if end == End::Brace && braces == 0 => {
                    self.cursor.advance(1);
                    return;
                }
                '{' | '}' => {
                    braces = if c == '{' { braces + 1 } else { braces.saturating_sub(1) };
                    self.cursor.advance(1);
                    before = Before::Statement;
                }
                _ if self.comment() => {}
                c if c.is_ascii_whitespace() => self.cursor.advance(1),
                _ => before = self.token(c),
            }
        }
    }

    /// Consumes one token that begins with `c`.
    fn token(&mut self, c: char) -> Before {
        if self.cursor.starts_with("<<<") {
            self.heredoc();
            return Before::Value;
        }
        if is_label(c) {
            return self.word();
        }
        self.cursor.advance(1);
        match c {
            '\'' => self.single_quoted(),
            '"' => self.double_quoted(),
            '`' => self.backticks(),
            ')' if is_cast(&self.cursor) => return Before::Operand,
            ')' | ']' => {}
            '$' | '\\' => return Before::Name,
            ';' => return Before::Statement,
            '>' if self.cursor.look_back(2) == Some(Unit::Char('-')) => return Before::Name,
            ':' if self.cursor.look_back(2) == Some(Unit::Char(':')) => return Before::Name,
            '>' if self.cursor.look_back(2) == Some(Unit::Char('=')) => return Before::Operand,
            _ => return Before::Operator(c),
        }
        Before::Value
    }

    fn word(&mut self) -> Before {
        let variable = self.cursor.previous() == Some(Unit::Char('$'));
        let mut word = String::new();
        while let Some(Unit::Char(c)) = self.cursor.peek(0) {
            if !is_label(c) {
                break;
            }
            word.push(c.to_ascii_lowercase());
            self.cursor.advance(1);
        }
        if variable || word.starts_with(|c: char| c.is_ascii_digit()) {
            return Before::Value;
        }
        if word == "__halt_compiler" {
            self.give_up("php reads nothing after `__halt_compiler`", "move it before that");
        }
        const TAKES_OPERAND: &[&str] = &[
            "return",
            "echo",
            "print",
            "case",
            "yield",
            "from",
            "and",
            "or",
            "xor",
            "include",
            "include_once",
            "require",
            "require_once",
        ];
        if TAKES_OPERAND.contains(&word.as_str()) { Before::Operand } else { Before::Word }
    }

    /// Consumes a comment, if one begins here. `#[` begins an attribute, which is code.
    fn comment(&mut self) -> bool {
        let line = if self.cursor.starts_with("//") {
            2
        } else if self.cursor.starts_with("#") && !self.cursor.starts_with("#[") {
            1
        } else if self.cursor.starts_with("/*") {
            self.cursor.advance(2);
            self.block_comment();
            return true;
        } else {
            return false;
        };
        self.cursor.advance(line);
        if line == 1 && self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(
                "a php line comment",
                "`#` and a value could begin an attribute",
                "put a space after `#`",
            );
        }
        while let Some(unit) = self.cursor.peek(0) {
            // The closing tag ends the comment, and is left to the code.
            if matches!(unit, Unit::Char('\n' | '\r')) || self.cursor.starts_with("?>") {
                break;
            }
            let before = self.touches('?');
            self.cursor.advance(1);
            if unit == Unit::Hole {
                let after = matches!(self.cursor.peek(0), Some(Unit::Char('>') | Unit::Hole));
                self.push(Context::LineComment { before, after });
            }
        }
        true
    }

    fn block_comment(&mut self) {
        while let Some(unit) = self.cursor.peek(0) {
            if self.cursor.starts_with("*/") {
                self.cursor.advance(2);
                return;
            }
            let before = self.touches('*');
            self.cursor.advance(1);
            if unit == Unit::Hole {
                let after = matches!(self.cursor.peek(0), Some(Unit::Char('/') | Unit::Hole));
                self.push(Context::BlockComment { before, after });
            }
        }
    }

    /// Whether `c`, or a value that may end in it, was just consumed.
    fn touches(&self, c: char) -> bool {
        matches!(self.cursor.previous(), Some(unit) if unit == Unit::Hole || unit == Unit::Char(c))
    }

    /// Consumes a hole in code.
    fn operand(&mut self, before: &Before) {
        const CONTEXT: &str = "a php expression";
        let left = self.cursor.previous();
        let decimal_point = left == Some(Unit::Char('.'))
            && matches!(self.cursor.look_back(2), Some(Unit::Char(c)) if c.is_ascii_digit());
        self.cursor.advance(1);
        let touching =
            decimal_point || matches!(left, Some(Unit::Char(c)) if is_label(c)) || joins_right(&self.cursor);
        if touching {
            return self.refuse(
                CONTEXT,
                "it touches a name, a number or a string",
                "put the whole text inside quotes, or an operator between the two",
            );
        }
        match before {
            Before::Statement => self.refuse(
                "a php statement",
                "a value is no statement",
                "assign it to something; to insert code, write `{{ VALUE | raw }}`",
            ),
            Before::Name => {
                self.refuse(CONTEXT, "a name has to stand there", "write the name in the template")
            }
            Before::Word | Before::Value => {
                self.refuse(
                    CONTEXT,
                    "no operand can follow what stands before it",
                    "put an operator between them",
                );
            }
            Before::Operator(_) | Before::Operand => match follow(&self.cursor) {
                Follow::Uses => self.refuse(
                    CONTEXT,
                    "what follows would call it, name something by it or assign to it",
                    "assign the value to a variable first",
                ),
                follow => {
                    let left = !matches!(before, Before::Operator(c) if !"=(,[?:".contains(*c));
                    self.push(Context::Expression { apart: left && follow == Follow::Apart });
                }
            },
        }
    }
}

/// Whether the text ahead would join a literal that ends here.
fn joins_right(cursor: &Cursor<'_>) -> bool {
    match cursor.peek(0) {
        Some(Unit::Hole | Unit::Char('\'' | '"' | '`' | '$' | '\\')) => true,
        Some(Unit::Char('.')) => matches!(cursor.peek(1), Some(Unit::Char(c)) if c.is_ascii_digit()),
        Some(Unit::Char(c)) => is_label(c),
        None => false,
    }
}

/// What comes after an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// Its end.
    Apart,
    /// An operator, maybe one that binds tighter than a sign.
    Operator,
    /// Something that would make a name or a target of it.
    Uses,
}

fn follow(cursor: &Cursor<'_>) -> Follow {
    let mut ahead = cursor.clone();
    skip_blank(&mut ahead);
    let uses = ["(", "{", "::", "->", "?->", "<<<", "++", "--"].iter().any(|text| ahead.starts_with(text))
        || (ahead.starts_with("=") && !ahead.starts_with("==") && !ahead.starts_with("=>"));
    match ahead.peek(0) {
        _ if uses => Follow::Uses,
        None | Some(Unit::Char(';' | ')' | ',' | ']' | '}' | ':' | '?' | '=')) => Follow::Apart,
        Some(_) => Follow::Operator,
    }
}

/// Skips white space and comments.
fn skip_blank(cursor: &mut Cursor<'_>) {
    while let Some(unit) = cursor.peek(0) {
        let line = cursor.starts_with("//") || (cursor.starts_with("#") && !cursor.starts_with("#["));
        if line {
            while cursor.peek(0).is_some_and(|unit| !matches!(unit, Unit::Char('\n' | '\r')))
                && !cursor.starts_with("?>")
            {
                cursor.advance(1);
            }
        } else if cursor.starts_with("/*") {
            cursor.advance(2);
            while cursor.peek(0).is_some() && !cursor.starts_with("*/") {
                cursor.advance(1);
            }
            cursor.advance(2);
        } else if matches!(unit, Unit::Char(c) if c.is_ascii_whitespace()) {
            cursor.advance(1);
        } else {
            return;
        }
    }
}

/// Whether the `)` just consumed ends a cast, as in `(int)`.
fn is_cast(cursor: &Cursor<'_>) -> bool {
    const TYPES: &[&str] =
        &["int", "integer", "bool", "boolean", "float", "double", "string", "array", "object", "binary"];
    let mut name = Vec::new();
    for back in 2..32 {
        match cursor.look_back(back) {
            Some(Unit::Char('(')) => {
                let name: String = name.iter().rev().collect();
                return TYPES.contains(&name.trim_matches([' ', '\t']).to_ascii_lowercase().as_str());
            }
            Some(Unit::Char(c)) => name.push(c),
            _ => return false,
        }
    }
    false
}
