//! Lexers and encoders, on a template and values that the fuzzer made up.

use castoff::format::{FORMATS, Format, Skeleton, by_name};

use crate::input::Input;
use crate::structure::Case;

/// Units of a large template: what takes the square of it takes longer than the fuzzer waits.
const LARGE_UNITS: usize = 100_000;

/// Fills an input in one of the formats: the fuzzer chooses which.
pub fn lexer(formats: &[&str], bytes: &[u8]) {
    let Some(input) = Input::read(bytes) else { return };
    let name = formats[usize::from(input.choice) % formats.len()];
    let format = by_name(name).expect("a format of the registry");
    let case = Case { texts: input.texts, values: input.values };
    if let Err(broken) = case.holds(format) {
        panic!("{broken}");
    }
}

/// Fills an input over and over, in any format: what nests then nests thousands deep.
pub fn large(bytes: &[u8]) {
    let Some(input) = Input::read(bytes) else { return };
    let format: &Format = FORMATS[usize::from(input.choice) % FORMATS.len()];
    let mut skeleton = Skeleton::default();
    let mut values = Vec::new();
    let length: usize = input.texts.iter().map(|text| text.chars().count() + 1).sum();
    for _ in 0..LARGE_UNITS / length.max(1) {
        for (at, text) in input.texts.iter().enumerate() {
            if let Some(value) = at.checked_sub(1).and_then(|at| input.values.get(at)) {
                skeleton.push_hole();
                values.push(value.clone());
            }
            skeleton.push_text(text);
        }
    }
    assert_eq!((format.fill)(&skeleton, &values).len(), values.len(), "one answer for each hole");
}
