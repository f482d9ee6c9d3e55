//! Says where in nginx's configuration each hole stands: by its word, and by the
//! directive around it. Knows no value.

use super::super::skeleton::{Refusal, Skeleton, Unit};
use super::words::{Token, Word, tokens};
use super::{Context, Place, Rules, Shape};

const WORD: &str = "an nginx word";

/// One place or refusal per hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Place, Refusal>> {
    let mut lexer = Lexer::default();
    for token in tokens(skeleton) {
        lexer.token(token);
    }
    // What no `;` ends: nginx won't read the file.
    lexer.directive();
    lexer.found
}

#[derive(Default)]
struct Lexer {
    found: Vec<Result<Place, Refusal>>,
    /// The directive's words so far, with what is between them.
    pending: Vec<Token>,
    /// The names of the blocks around it.
    blocks: Vec<String>,
    /// How many words and comments came before.
    word: usize,
    /// Code of another language began, and its end is not sure.
    lost: bool,
}

impl Lexer {
    fn token(&mut self, token: Token) {
        match token {
            Token::Word(_) | Token::Comment(_) => self.pending.push(token),
            Token::End => {
                self.directive();
            }
            Token::Open => {
                let name = self.directive();
                self.lost |= name.ends_with("_by_lua_block");
                self.blocks.push(name);
            }
            Token::Close => {
                self.directive();
                self.blocks.pop();
            }
        }
    }

    /// Settles the pending words; returns the directive's name.
    fn directive(&mut self) -> String {
        let mut words: Vec<Word> = Vec::new();
        for token in std::mem::take(&mut self.pending) {
            self.word += 1;
            match token {
                Token::Word(word) => {
                    self.holes_of(&words, &word);
                    words.push(word);
                }
                Token::Comment(units) => self.comment(&units),
                Token::End | Token::Open | Token::Close => {}
            }
        }
        words.first().map(Word::text).unwrap_or_default()
    }

    fn comment(&mut self, units: &[Unit]) {
        let fixed = 1 + bytes(units);
        for _ in units.iter().filter(|unit| **unit == Unit::Hole) {
            self.found.push(match self.lost {
                true => Err(lost()),
                false => Ok(Place { context: Context::Comment, word: self.word, fixed }),
            });
        }
    }

    /// Settles the holes of `word`, which comes after `words` in its directive.
    fn holes_of(&mut self, words: &[Word], word: &Word) {
        if !word.has_hole() {
            return;
        }
        let rules = if self.lost { Err(lost()) } else { self.rules(words, word) };
        let condition = words.first().is_some_and(|name| name.text() == "if") && word.text() == ")";
        let fixed = 2 + bytes(&word.units);
        for (at, _) in word.units.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
            let found = rules.clone().and_then(|rules| {
                beside(word, at)?;
                if condition && word.quote.is_none() && word.units.len() > 2 {
                    return Err(gone());
                }
                let start = word.units.iter().take(at).all(|unit| *unit == Unit::Hole);
                let whole = word.units.len() == 1 || (condition && start && word.units.len() == 2);
                let shape = match word.quote {
                    Some(quote) => Shape::Quoted(quote),
                    None if whole => Shape::Whole,
                    None => Shape::Part,
                };
                Ok(Place { context: Context::Word { shape, start, rules }, word: self.word, fixed })
            });
            self.found.push(found);
        }
    }

    /// What the directive allows in `word`; an error where it allows no value.
    fn rules(&self, words: &[Word], word: &Word) -> Result<Rules, Refusal> {
        let Some(name) = words.first().map(Word::text) else {
            return Err(Refusal::template(
                "an nginx directive's name",
                "a value must not choose what is set",
                "write the name; to insert directives, write `{{ VALUE | raw }}`",
            ));
        };
        if name.ends_with("_by_lua") || name == "perl" || name == "perl_set" {
            return Err(Refusal::template(
                "code in nginx's configuration",
                "castoff does not escape for that language",
                "keep the code in a file of its own and pass the value in a variable",
            ));
        }
        let previous = words.last().map(Word::text).unwrap_or_default();
        if is_regex(&name, words.len(), &previous, word) {
            return Err(Refusal::template(
                "a regex in nginx's configuration",
                "castoff does not escape for regexes",
                "compare with `=`, or use `map`",
            ));
        }
        let chosen = words.last().is_some_and(Word::has_hole);
        if name == "if" && (words.len() < 2 || chosen || !is_operator(&previous)) {
            return Err(Refusal::template(
                "the condition of an nginx `if`",
                "a value can only be compared with",
                "write `($variable = {{ VALUE }})`",
            ));
        }
        let head = word.head();
        let path = name == "location";
        if path && !(head.is_empty() || head.contains('/') || head.starts_with('@')) {
            return Err(Refusal::template(
                "an nginx location",
                "it would join a modifier",
                "put a space between",
            ));
        }
        const LISTS: &[&str] = &[
            "server_name",
            "index",
            "try_files",
            "gzip_types",
            "sub_filter_types",
            "charset_types",
            "ssl_protocols",
            "fastcgi_ignore_headers",
            "proxy_ignore_headers",
        ];
        let geo = self.blocks.last().is_some_and(|block| block == "geo");
        Ok(Rules {
            dollar: geo && words.len() == 1 && name == "default",
            list: LISTS.contains(&name.as_str()),
            path,
        })
    }
}

fn lost() -> Refusal {
    Refusal::template(
        "nginx's configuration",
        "the end of the Lua block before it is not sure",
        "keep the Lua code in a file of its own (`…_by_lua_file`)",
    )
}

fn is_regex(name: &str, at: usize, previous: &str, word: &Word) -> bool {
    let operator = ["~", "~*", "!~", "!~*"].contains(&previous.trim_start_matches('('));
    let argument =
        (name == "rewrite" && at == 1) || name.ends_with("_split_path_info") || name == "gzip_disable";
    // values before the `~` may be empty
    operator || argument || word.text().starts_with('~')
}

fn is_operator(word: &str) -> bool {
    ["=", "!=", "-f", "!-f", "-d", "!-d", "-e", "!-e", "-x", "!-x"].contains(&word.trim_start_matches('('))
}

/// Refuses a hole that would join what stands beside it in its word.
fn beside(word: &Word, at: usize) -> Result<(), Refusal> {
    let refuse = |reason: &str, instead: &str| Err(Refusal::template(WORD, reason, instead));
    if word.touches && word.units.first() != Some(&Unit::Char(')')) {
        return refuse("it stands right after a quote", "put the whole word inside the quotes");
    }
    let before: String = word
        .units
        .iter()
        .take(at)
        .map(|unit| if let Unit::Char(c) = unit { *c } else { '\u{FFFF}' })
        .collect();
    let backslashes = before.len() - before.trim_end_matches('\\').len();
    if backslashes % 2 == 1 {
        return refuse("the backslash before it would join it", "write `\\\\` for a backslash");
    }
    let stem = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '\u{FFFF}');
    let open_brace =
        before.rfind("${").is_some_and(|brace| !before.get(brace..).unwrap_or_default().contains('}'));
    if stem.ends_with('$') || open_brace {
        return refuse("it would join the variable before it", "write the variable as `${name}`");
    }
    if word.quote.is_some() {
        return Ok(());
    }
    let mut others = word.units.iter().filter(|unit| **unit != Unit::Hole);
    let leads = word.units.first() == Some(&Unit::Hole);
    match others.next() {
        None if word.units.len() > 1 => Err(gone()),
        Some(Unit::Char('"' | '\'' | '#' | '}')) if leads => refuse(
            "what follows it would be read differently after an empty value",
            "put the word inside double quotes",
        ),
        _ => Ok(()),
    }
}

fn gone() -> Refusal {
    Refusal::template(
        WORD,
        "were all its values empty, the word would be gone",
        "put it inside double quotes",
    )
}

/// The length of the template's own text.
fn bytes(units: &[Unit]) -> usize {
    units.iter().map(|unit| if let Unit::Char(c) = unit { c.len_utf8() } else { 0 }).sum()
}
