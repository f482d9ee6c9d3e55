//! The grammar of commands, as far as it says which word names a command, which is an
//! argument, a pattern or a file name, and so in which of them a value can stand.

use super::lexer::{Lexer, Word};
use crate::format::skeleton::Unit;

/// Commands that read an argument as shell code, arithmetic or the name of a variable.
const REPARSING: &[&str] = &[
    "eval",
    "trap",
    "alias",
    "unalias",
    "let",
    "unset",
    "read",
    "getopts",
    "mapfile",
    "readarray",
    "bind",
    "complete",
];
/// Commands whose arguments are assignments.
const DECLARING: &[&str] = &["export", "readonly", "local", "declare", "typeset"];
/// Commands that look a variable up behind `-v`, with whatever code its index holds.
const TESTS: &[&str] = &["test", "[", "printf"];
/// Commands that take a command as their argument.
const PREFIXES: &[&str] = &["exec", "command", "builtin", "nohup", "time"];
const SHELLS: &[&str] =
    &["sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox", "su", "runuser", "ssh"];
/// Those that take options behind other words too.
const PERMUTING: &[&str] = &["su", "runuser", "ssh"];

/// What the next word of a command list is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Command,
    Argument,
    LoopName,
    LoopIn,
    LoopWord,
    CaseWord,
    CaseIn,
    Pattern,
    FunctionName,
}

/// What closes a command list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    File,
    Paren,
}

/// The simple command being read: what of its words decides where values can stand. It is
/// kept word by word, as a command may have many.
#[derive(Default)]
struct Command {
    name: String,
    words: usize,
    last: Option<Said>,
    /// One of the words is the name of a shell.
    shell: Option<Shell>,
    /// Words other than options came behind the name.
    operands: bool,
    /// An argument is `-v`.
    looks_up: bool,
    /// A declaration has options beyond those that keep its arguments assignments.
    odd: bool,
}

/// A shell among the words of a command.
struct Shell {
    /// It takes options behind other words too.
    permutes: bool,
    /// The next word may be options.
    options: bool,
    /// One of its arguments is code, or some value would make it so.
    code: bool,
}

/// A word of a command.
struct Said {
    text: String,
    /// Where in it the first value stands.
    value: Option<usize>,
}

impl Said {
    /// Whether it is options with a `c` among them, or could be with some value behind its `-`.
    fn is_code_option(&self) -> bool {
        self.text.starts_with('-') && (self.text.contains('c') || self.value.is_some())
    }

    /// Whether the word behind it, if it is an option, belongs to it.
    fn takes_a_word(&self) -> bool {
        self.text.starts_with("--") || (self.text.starts_with(['-', '+']) && self.text.ends_with(['o', 'O']))
    }

    /// Whether it is, or with some value could be, `option`.
    fn may_be(&self, option: &str) -> bool {
        self.text == option
            || self.value.is_some_and(|at| {
                let (before, after) = self.text.split_at_checked(at).unwrap_or_default();
                option.len() >= self.text.len() && option.starts_with(before) && option.ends_with(after)
            })
    }
}

impl Command {
    fn push(&mut self, word: Word) {
        let said = Said { value: (!word.holes.is_empty()).then_some(word.head), text: word.text };
        let base = basename(&said.text);
        if SHELLS.contains(&base) {
            let code = self.shell.as_ref().is_some_and(|shell| shell.code);
            self.shell = Some(Shell { permutes: PERMUTING.contains(&base), options: true, code });
        } else if let Some(shell) = &mut self.shell {
            // Values may be options, unless they come behind the name of a script.
            shell.code |= said.is_code_option() || (shell.options && said.value == Some(0));
            let belongs = self.last.as_ref().is_some_and(Said::takes_a_word);
            shell.options &= shell.permutes || said.text.starts_with(['-', '+']) || belongs;
        }
        if self.words == 0 {
            self.name = base.to_owned();
        } else {
            self.operands |= !said.text.starts_with('-');
            self.looks_up |= said.text == "-v";
            self.odd |= said.text.starts_with('-') && said.text.contains(|c| !"-rxgp".contains(c));
        }
        self.words += 1;
        self.last = Some(said);
    }

    /// Whether one more word, or one word less, would give the others another meaning.
    fn counts_words(&self) -> bool {
        let name = self.name.as_str();
        self.shell.is_some() || TESTS.contains(&name) || DECLARING.contains(&name)
    }

    /// Why no value can be an argument of it.
    fn refuses(&self, word: &Word) -> Option<&'static str> {
        let name = self.name.as_str();
        let looks_up = TESTS.contains(&name)
            && (self.looks_up || self.last.as_ref().is_some_and(|word| word.may_be("-v")));
        if REPARSING.contains(&name) || looks_up {
            return Some("the command reads it as code, or as the name of a variable");
        }
        let remote = name == "ssh" && self.operands;
        if remote || self.shell.as_ref().is_some_and(|shell| shell.code) {
            return Some("another shell reads it as code");
        }
        if DECLARING.contains(&name) {
            return (self.odd || !word.assigns).then_some("a value can't name a variable");
        }
        None
    }
}

fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Lexer<'_> {
    /// Commands, up to the end of the file or the closing parenthesis.
    pub(super) fn commands(&mut self, end: End) {
        self.nested(|lexer| lexer.list(end));
    }

    fn list(&mut self, end: End) {
        let mut at = At::Command;
        let mut cases = 0usize;
        let mut command = Command::default();
        while let Some(unit) = self.peek(0) {
            let Unit::Char(c) = unit else {
                at = self.word_of(at, &mut command, &mut cases);
                continue;
            };
            match c {
                ' ' | '\t' => self.at += 1,
                '\\' if self.starts_with("\\\n") => self.at += 2,
                '#' => self.comment(),
                '\n' => {
                    self.at += 1;
                    self.bodies();
                    if !matches!(at, At::Pattern | At::CaseIn | At::LoopIn) {
                        (at, command) = (At::Command, Command::default());
                    }
                }
                ';' => {
                    self.at += 1;
                    at = if self.is_next(';') || self.is_next('&') {
                        self.case_end(cases)
                    } else {
                        At::Command
                    };
                    command = Command::default();
                }
                '|' if at == At::Pattern => self.at += 1,
                '&' | '|' => {
                    self.at += if self.peek(1) == Some(unit) { 2 } else { 1 };
                    (at, command) = (At::Command, Command::default());
                }
                '(' => at = self.open_paren(at, &command),
                ')' if at == At::Pattern => {
                    self.at += 1;
                    (at, command) = (At::Command, Command::default());
                }
                ')' => {
                    if end == End::File || cases > 0 || !self.heredocs.is_empty() {
                        return self.lose("this `)`");
                    }
                    self.at += 1;
                    return;
                }
                '<' | '>' => self.redirection(&mut command),
                _ => at = self.word_of(at, &mut command, &mut cases),
            }
        }
        if end == End::Paren || cases > 0 {
            self.lose("an unclosed `(` or `case`");
        }
    }

    fn case_end(&mut self, cases: usize) -> At {
        while self.is_next(';') || self.is_next('&') {
            self.at += 1;
        }
        if cases == 0 {
            self.lose("`;;` outside a case");
        }
        At::Pattern
    }

    fn open_paren(&mut self, at: At, command: &Command) -> At {
        let touches_assignment =
            self.at.checked_sub(1).and_then(|before| self.units.get(before)) == Some(&Unit::Char('='));
        self.at += 1;
        let mut ahead = 0;
        while matches!(self.peek(ahead), Some(Unit::Char(' ' | '\t'))) {
            ahead += 1;
        }
        if self.peek(ahead) == Some(Unit::Char(')')) && (at == At::Command || command.words == 1) {
            // `name()`: a body follows.
            self.at += ahead + 1;
            return At::Command;
        }
        match at {
            At::Pattern => At::Pattern,
            At::Command if touches_assignment => self.lose_at("an array", at),
            At::Command if self.is_next('(') => self.lose_at("`((`", at),
            At::Command => {
                self.commands(End::Paren);
                At::Command
            }
            _ => self.lose_at("this `(`", at),
        }
    }

    fn lose_at(&mut self, construct: &'static str, at: At) -> At {
        self.lose(construct);
        at
    }

    /// Reads a word, and says what the next one is.
    fn word_of(&mut self, at: At, command: &mut Command, cases: &mut usize) -> At {
        let word = self.word();
        let redirects = self.is_next('<') || self.is_next('>');
        if word.plain && redirects && word.text.bytes().all(|b| b.is_ascii_digit()) {
            return at;
        }
        let lists = at == At::LoopWord || (at == At::Argument && !command.counts_words());
        self.settle(&word, !redirects, lists);
        match at {
            At::Command => self.first_word(&word, command, cases),
            At::Argument => {
                if let Some(reason) = command.refuses(&word) {
                    self.refuse(
                        &word,
                        "an argument of a shell command",
                        reason,
                        "NAME={{ x }}, and \"$NAME\" there",
                    );
                }
                command.push(word);
                at
            }
            At::LoopName | At::FunctionName => {
                self.refuse(&word, "a shell name", "a value can't name a variable or a function", "");
                if at == At::LoopName { At::LoopIn } else { At::Command }
            }
            At::LoopIn if word.plain && word.text == "in" => At::LoopWord,
            At::LoopIn if word.plain && word.text == "do" => At::Command,
            At::CaseIn if word.plain && word.text == "in" => At::Pattern,
            At::LoopIn | At::CaseIn => {
                self.refuse(&word, "a shell script", "`in` is due there", "");
                self.lose_at("what follows `for` or `case`", at)
            }
            At::LoopWord => at,
            At::CaseWord => At::CaseIn,
            At::Pattern if word.plain && word.text == "esac" => {
                *cases = cases.saturating_sub(1);
                At::Command
            }
            At::Pattern => at,
        }
    }

    /// The first word of a command: a reserved word, an assignment, or its name.
    fn first_word(&mut self, word: &Word, command: &mut Command, cases: &mut usize) -> At {
        if word.assigns {
            return At::Command;
        }
        match word.text.as_str() {
            _ if !word.plain => {}
            "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "{" | "!" | "fi" | "done" | "}" => {
                return At::Command;
            }
            "for" | "select" => return At::LoopName,
            "function" => return At::FunctionName,
            "case" => {
                *cases += 1;
                return At::CaseWord;
            }
            "esac" => {
                *cases = cases.saturating_sub(1);
                return At::Command;
            }
            "[[" => self.double_bracket(),
            "coproc" => self.lose("`coproc`"),
            name if PREFIXES.contains(&name) => return At::Command,
            _ => {}
        }
        let reason = "a value can't name a command or a variable";
        self.refuse(word, "a shell command's name", reason, "write the name out");
        command.push(Word { text: word.text.clone(), ..Word::default() });
        At::Argument
    }

    fn redirection(&mut self, command: &mut Command) {
        for heredoc in ["<<-", "<<<", "<<"] {
            if self.starts_with(heredoc) {
                self.at += heredoc.len();
                return match heredoc {
                    "<<<" => self.lose("`<<<`"),
                    heredoc => self.heredoc(heredoc == "<<-", command.shell.is_some()),
                };
            }
        }
        let operators = [">>", ">|", "<>", ">&", "<&", ">(", "<(", ">", "<"];
        let operator = operators.into_iter().find(|operator| self.starts_with(operator)).unwrap_or("<");
        self.at += operator.len();
        if operator.ends_with('(') {
            return self.lose("`<(…)`");
        }
        self.blanks();
        let word = self.word();
        let bare = !(self.is_next('<') || self.is_next('>'));
        self.settle(&word, bare, false);
        if operator.ends_with('&') {
            self.refuse(
                &word,
                "a shell redirection",
                "a value can't be a descriptor",
                "write the number out",
            );
        }
        if word.units == 0 {
            self.lose("this redirection");
        }
    }
}
