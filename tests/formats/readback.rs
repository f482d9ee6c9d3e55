//! Fills many copies of one piece of template with many values, and compares what a
//! program read with what had to come out.

use castoff::format::{Filling, Literal, Skeleton, by_name};

use super::counts::{self, Refusals};
use super::values;

/// A piece of template with one hole: what stands before and after it in the file (`N`
/// is the number of the copy), and before and after the value in what is read.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) name: &'static str,
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    pub(crate) reads: (&'static str, &'static str),
}

/// A piece whose value is all that is read.
pub(crate) const fn piece(name: &'static str, before: &'static str, after: &'static str) -> Piece {
    Piece { name, before, after, reads: ("", "") }
}

/// A piece whose value stands between other text.
pub(crate) const fn between(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    reads: (&'static str, &'static str),
) -> Piece {
    Piece { name, before, after, reads }
}

/// Copies of a piece that were filled.
pub(crate) struct Filled {
    pub(crate) format: &'static str,
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// What has to be read from each copy, by its number.
    pub(crate) expected: Vec<String>,
    pub(crate) refusals: Refusals,
}

/// The known, the harmless and 5,000 generated values.
pub(crate) fn all_values() -> Vec<String> {
    some_values(5_000)
}

/// The known, the harmless and `generated` generated values.
pub(crate) fn some_values(generated: usize) -> Vec<String> {
    let mut values = values::hostile();
    values.extend(values::harmless());
    values.extend(values::generated(values::seed(), generated));
    values
}

/// The answers for many holes in one skeleton.
pub(crate) fn fill(format: &str, pieces: &[(String, String)], values: &[String]) -> Vec<Filling> {
    let mut skeleton = Skeleton::default();
    for (before, after) in pieces {
        skeleton.push_text(before);
        skeleton.push_hole();
        skeleton.push_text(after);
    }
    let values: Vec<Literal> = values.iter().map(|value| Literal::Text(value.clone())).collect();
    let fillings = (by_name(format).unwrap().fill)(&skeleton, &values);
    assert_eq!(fillings.len(), values.len(), "one answer for each hole");
    fillings
}

/// Fills one copy of `piece` per value, all in one file; refused ones are left out.
pub(crate) fn filled(format: &'static str, piece: Piece, values: &[String]) -> Filled {
    filled_after("", format, piece, values)
}

/// The same in a file that begins with `head`, which is left out of the text.
pub(crate) fn filled_after(head: &str, format: &'static str, piece: Piece, values: &[String]) -> Filled {
    let mut pieces: Vec<_> = (0..values.len())
        .map(|n| (piece.before.replace('N', &n.to_string()), piece.after.replace('N', &n.to_string())))
        .collect();
    if let Some((before, _)) = pieces.first_mut() {
        before.insert_str(0, head);
    }
    let answers = fill(format, &pieces, values);
    let mut filled = Filled {
        format,
        name: piece.name,
        text: String::new(),
        expected: Vec::new(),
        refusals: Refusals::default(),
    };
    let harmless = values::harmless();
    for (value, answer) in values.iter().zip(&answers) {
        let Ok(text) = answer else {
            let refusal = answer.as_ref().unwrap_err();
            assert!(!harmless.contains(value), "{}: {value:?} refused: {refusal:?}", piece.name);
            filled.refusals.add(refusal);
            continue;
        };
        let n = filled.expected.len().to_string();
        filled.text.push_str(&piece.before.replace('N', &n));
        filled.text.push_str(text);
        filled.text.push_str(&piece.after.replace('N', &n));
        filled.expected.push(format!("{}{value}{}", piece.reads.0, piece.reads.1));
    }
    filled
}

impl Filled {
    /// The same copies, from which something else has to be read.
    pub(crate) fn expecting(&self, expected: Vec<String>) -> Self {
        assert_eq!(expected.len(), self.expected.len());
        let (text, refusals) = (self.text.clone(), self.refusals.clone());
        Self { expected, text, refusals, ..*self }
    }

    /// The same copies, where all that counts is that `text` is read from each: what stands in
    /// a comment is not read, but what comes after the comment must be.
    pub(crate) fn expecting_each(&self, text: &str) -> Self {
        self.expecting(vec![text.to_owned(); self.expected.len()])
    }

    /// The same copies, where the number of each has to be read from it.
    pub(crate) fn expecting_numbers(&self) -> Self {
        self.expecting((0..self.expected.len()).map(|n| n.to_string()).collect())
    }

    /// Fails unless `reader` read each copy as it had to.
    pub(crate) fn compare(&self, reader: &str, read: &[Vec<u8>]) {
        let Self { name, expected, .. } = self;
        for (n, (expected, read)) in expected.iter().zip(read).enumerate() {
            assert!(
                expected.as_bytes() == &read[..],
                "{name}, copy {n}, seed {}: {:?} was read as {:?}",
                values::seed(),
                shortened(expected),
                shortened(&String::from_utf8_lossy(read)),
            );
        }
        assert_eq!(expected.len(), read.len(), "{name}: every copy is read, and nothing else");
        self.count(reader);
    }

    /// Counts the copies as read back by `reader`.
    pub(crate) fn count(&self, reader: &str) {
        counts::values(self.format, self.name, reader, self.expected.len(), &self.refusals);
    }

    /// Fails unless at least `share` per cent of the values were taken.
    pub(crate) fn accepts(&self, share: usize) {
        let all = self.expected.len() + self.refusals.count();
        let taken = self.expected.len() * 100 / all;
        assert!(taken >= share, "{}: only {taken} % of {all} values taken", self.name);
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Lines of hexadecimal digits, as bytes.
pub(crate) fn hex_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(text).unwrap();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}
