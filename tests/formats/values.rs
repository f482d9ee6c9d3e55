//! Values that break naive templates: a list of known ones, and as many generated ones
//! as a test asks for. The same seed gives the same values, on any machine.

use std::sync::OnceLock;

/// The known ones: each text of tests/data/hostile.json.
pub(crate) fn hostile() -> Vec<String> {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| serde_json::from_str(include_str!("../data/hostile.json")).unwrap()).clone()
}

/// The seed of this run: `CASTOFF_TEST_SEED`, or a fixed one. A test prints it when it fails.
pub(crate) fn seed() -> u64 {
    std::env::var("CASTOFF_TEST_SEED").map_or(0x00C0_FFEE, |seed| seed.parse().unwrap())
}

/// `count` values: hostile fragments strung together, single characters of every kind,
/// and now and then one of 64 kB.
pub(crate) fn generated(seed: u64, count: usize) -> Vec<String> {
    let mut random = Random::new(seed);
    let fragments = hostile();
    (0..count).map(|_| value(&mut random, &fragments)).collect()
}

/// Values without anything special in them: a format that refuses one of these in a
/// place where text can stand is broken.
pub(crate) fn harmless() -> Vec<String> {
    ["a", "Z", "example", "wordpress", "x1y2z3", "abcdefghijklmnopqrstuvwxyz0123456789", "h4rmless"]
        .map(str::to_owned)
        .to_vec()
}

fn value(random: &mut Random, fragments: &[String]) -> String {
    match random.below(200) {
        0 => long(random, fragments),
        1..=60 => (0..random.below(12)).map(|_| character(random)).collect(),
        _ => (0..1 + random.below(6))
            .map(|_| match random.below(4) {
                0 => character(random).to_string(),
                _ => random.pick(fragments).clone(),
            })
            .collect(),
    }
}

/// 64 kB and a little more of one fragment, and another one at its end.
fn long(random: &mut Random, fragments: &[String]) -> String {
    let fragment = match random.below(2) {
        0 => character(random).to_string(),
        _ => format!("x{}", random.pick(fragments).as_str()),
    };
    let mut text = fragment.repeat(65_536 / fragment.len() + 1);
    text.push_str(random.pick(fragments).as_str());
    text
}

fn character(random: &mut Random) -> char {
    const PUNCTUATION: &[char] = &[
        '\'', '"', '`', '\\', '$', '{', '}', '<', '>', '?', '#', ';', '=', '&', '|', '!', '(', ')', '[', ']',
        '~', '^', '%', '@', '/', '*', ',', '.', ':', '+', '-', '_', ' ',
    ];
    const DIRECTION: &[char] =
        &['\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', 'ש', 'م'];
    match random.below(10) {
        0..=3 => *random.pick(PUNCTUATION),
        4 => char::from_u32(random.below(0x20) as u32).unwrap(),
        5 => *random.pick(DIRECTION),
        6 => char::from_u32(0x7F + random.below(0x100) as u32).unwrap(),
        7 => char::from_u32(random.below(0x11_0000) as u32).unwrap_or('\u{FFFD}'),
        8 => *random.pick(&['\n', '\r', '\t', '\0', '\x0b', '\x0c']),
        _ => char::from(b'0' + u8::try_from(random.below(75)).unwrap()),
    }
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

#[test]
fn the_same_seed_gives_the_same_values_and_some_are_long() {
    let values = generated(7, 2000);
    assert_eq!(values, generated(7, 2000));
    assert_ne!(values, generated(8, 2000));
    assert!(values.iter().any(|value| value.len() > 65_536));
    assert!(values.iter().any(|value| value.contains('\0')));
}
