#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| castoff_fuzz::lexer(&["html"], input));
