//! All tests that go through the binary, in one program.

mod formats;
