//! The fuzzer's bytes, taken apart. Bytes that never stand in UTF-8 divide them, so that every
//! text can be said, and a mutation of one part leaves the others as they are.

use castoff::format::Literal;

/// Between the template and the values, and between values.
const END: u8 = 0xFF;
/// The place of a value in a template.
const HOLE: u8 = 0xFE;
/// Begins a value that is not text.
const OTHER: u8 = 0xFD;
/// Between the items of a list or a map.
const ITEM: u8 = 0xFC;
/// More holes than this only make a run slower.
const MOST_HOLES: usize = 8;

/// A choice that the fuzzer makes, and a template with its values.
pub(crate) struct Input {
    pub(crate) choice: u8,
    /// The template's text around its holes: one more than there are holes.
    pub(crate) texts: Vec<String>,
    /// One for each hole.
    pub(crate) values: Vec<Literal>,
}

/// The parts of an input, as text.
pub(crate) fn parts(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes.split(|byte| *byte == END).map(|part| String::from_utf8_lossy(part).into_owned())
}

impl Input {
    /// `None`: there is nothing in it.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (choice, rest) = bytes.split_first()?;
        let mut parts = rest.split(|byte| *byte == END);
        let template = parts.next()?;
        let mut texts: Vec<String> = template
            .split(|byte| *byte == HOLE)
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .collect();
        let rest = texts.split_off(texts.len().min(MOST_HOLES + 1));
        texts.last_mut()?.extend(rest);
        let given: Vec<Literal> = parts.map(value).collect();
        let default = [Literal::Text("a".to_owned())];
        let given = if given.is_empty() { &default[..] } else { &given };
        let values = given.iter().cycle().take(texts.len() - 1).cloned().collect();
        Some(Self { choice: *choice, texts, values })
    }
}

fn value(bytes: &[u8]) -> Literal {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some((&OTHER, rest)) = bytes.split_first() else { return Literal::Text(text(bytes)) };
    let Some((kind, rest)) = rest.split_first() else { return Literal::None };
    let mut number = [0; 16];
    for (to, from) in number.iter_mut().zip(rest) {
        *to = *from;
    }
    let items = || rest.split(|byte| *byte == ITEM).map(text);
    match kind % 7 {
        0 => Literal::Bool(rest.is_empty()),
        1 => Literal::Int(i128::from_le_bytes(number)),
        2 => Literal::Int(i128::from_le_bytes(number) >> 96),
        3 => {
            let float = f64::from_bits(u128::from_le_bytes(number) as u64);
            // the engine refuses the others
            Literal::Float(if float.is_finite() { float } else { -0.5 })
        }
        4 => Literal::List(items().map(Literal::Text).collect()),
        5 => Literal::Map(items().map(|item| (item.clone(), Literal::Text(item))).collect()),
        _ => Literal::Map(vec![(
            "k".to_owned(),
            Literal::List(vec![
                Literal::None,
                Literal::Int(i128::from(number[0])),
                Literal::Text(text(rest)),
            ]),
        )]),
    }
}
