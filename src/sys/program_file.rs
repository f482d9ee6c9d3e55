//! What a program file is: the facts by which a failed execve(2) is explained. Reading
//! only; what a head means is parsed without touching the system.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use std::ffi::OsStr;

use nix::sys::statvfs::{FsFlags, statvfs};

/// Bytes that are read of a file: room for an ELF's program headers and the path of its
/// loader; the kernel itself looks at 256 (execve(2)).
const HEAD: u64 = 4096;

/// What the file system says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Facts {
    /// Nothing is there, or its directory can't be searched.
    Unreachable,
    /// A directory.
    Directory,
    /// A file.
    File {
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Whether its mount forbids execution.
        noexec: bool,
        /// Its first bytes; empty where castoff may not read it.
        head: Vec<u8>,
    },
}

/// Observes a file.
#[must_use]
pub fn observe(path: &Path) -> Facts {
    match fs::metadata(path) {
        Err(_) => Facts::Unreachable,
        Ok(metadata) if metadata.is_dir() => Facts::Directory,
        Ok(metadata) => Facts::File {
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            noexec: statvfs(path).is_ok_and(|mount| mount.flags().contains(FsFlags::ST_NOEXEC)),
            head: if metadata.is_file() { read_head(path) } else { Vec::new() },
        },
    }
}

/// Whether it is a script whose first line ends with a carriage return: the last word of that
/// line, the interpreter or what `env` is to find, has it too.
#[must_use]
pub fn has_carriage_return(path: &Path) -> bool {
    let head = read_head(path);
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && line.ends_with(b"\r")
}

fn read_head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    // A file that can't be read explains itself by its mode.
    let _ = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    head
}

/// What the first bytes of a file say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head<'a> {
    /// There are none.
    Empty,
    /// `#!` and an interpreter.
    Script {
        /// The interpreter's path, as the kernel reads it: with a carriage return, if the
        /// line ends in one.
        interpreter: &'a Path,
    },
    /// An ELF file.
    Elf {
        /// Its architecture (`e_machine`, elf(5)).
        machine: u16,
        /// Its loader (`PT_INTERP`); a static program has none.
        loader: Option<&'a Path>,
    },
    /// Text that does not say what should read it.
    Text,
    /// Something else.
    Other,
}

/// Reads a head.
#[must_use]
pub fn parse(head: &[u8]) -> Head<'_> {
    if head.is_empty() {
        return Head::Empty;
    }
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
        // A carriage return is no blank to the kernel.
        let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
        return Head::Script { interpreter: as_path(line.get(..end).unwrap_or_default()) };
    }
    if head.starts_with(b"\x7fELF") {
        return Elf::new(head)
            .map_or(Head::Other, |elf| Head::Elf { machine: elf.machine, loader: elf.loader() });
    }
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    if head.iter().all(is_text) { Head::Text } else { Head::Other }
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// The parts of an ELF header that are needed (elf(5)); all offsets are checked.
struct Elf<'a> {
    bytes: &'a [u8],
    wide: bool,
    little: bool,
    machine: u16,
}

/// `p_type` of the entry that names the loader.
const PT_INTERP: u64 = 3;

impl<'a> Elf<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let wide = *bytes.get(4)? == 2;
        let little = *bytes.get(5)? == 1;
        let mut elf = Self { bytes, wide, little, machine: 0 };
        elf.machine = u16::try_from(elf.number(18, 2)?).ok()?;
        Some(elf)
    }

    fn number(&self, at: usize, size: usize) -> Option<u64> {
        let field = self.bytes.get(at..at.checked_add(size)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.little { field.iter().rev().fold(0, add) } else { field.iter().fold(0, add) })
    }

    fn address(&self, at: usize) -> Option<usize> {
        self.number(at, if self.wide { 8 } else { 4 })?.try_into().ok()
    }

    fn loader(&self) -> Option<&'a Path> {
        let table = self.address(if self.wide { 32 } else { 28 })?;
        let (size, count) = if self.wide { (54, 56) } else { (42, 44) };
        let size = usize::try_from(self.number(size, 2)?).ok()?;
        let entries = (0..self.number(count, 2)?).scan(table, |next, _| {
            let entry = *next;
            *next = entry.checked_add(size)?;
            Some(entry)
        });
        for entry in entries {
            if self.number(entry, 4)? == PT_INTERP {
                let (offset, length) = if self.wide { (8, 32) } else { (4, 16) };
                let start = self.address(entry.checked_add(offset)?)?;
                let length = self.address(entry.checked_add(length)?)?;
                let path = self.bytes.get(start..start.checked_add(length)?)?;
                return path.split(|byte| *byte == 0).next().map(as_path);
            }
        }
        None
    }
}

/// What people call an ELF architecture (`EM_*` of elf.h); `None` for a rare one.
#[must_use]
pub fn machine_name(machine: u16) -> Option<&'static str> {
    Some(match machine {
        3 => "x86 (32 bits)",
        8 => "mips",
        20 => "powerpc",
        21 => "powerpc64",
        22 => "s390x",
        40 => "arm (32 bits)",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv",
        258 => "loongarch64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Facts, Head, machine_name, observe, parse};
    use proptest::prelude::*;
    use std::path::Path;

    fn script(interpreter: &str) -> Head<'_> {
        Head::Script { interpreter: Path::new(interpreter) }
    }

    #[test]
    fn heads() {
        for (head, expected) in [
            (&b""[..], Head::Empty),
            (b"#!/bin/sh\nexit\n", script("/bin/sh")),
            (b"#! /usr/bin/env python3\n", script("/usr/bin/env")),
            (b"#!/bin/sh\r\nexit\r\n", script("/bin/sh\r")),
            (b"#!/bin/sh", script("/bin/sh")),
            (b"#!\n", script("")),
            (b"echo hi\n", Head::Text),
            ("échø\n".as_bytes(), Head::Text),
            (b"\x00asm", Head::Other),
            (b"\x7fELF", Head::Other),
        ] {
            assert_eq!(parse(head), expected, "{head:?}");
        }
    }

    #[test]
    fn this_test_is_an_elf_of_this_machine() {
        let Facts::File { head, mode, noexec: false, .. } = observe(&std::env::current_exe().unwrap()) else {
            panic!("not a file");
        };
        assert_ne!(mode & 0o111, 0);
        let Head::Elf { machine, .. } = parse(&head) else { panic!("not an ELF") };
        assert_eq!(machine_name(machine), Some(std::env::consts::ARCH));
    }

    #[test]
    fn a_dynamic_program_names_its_loader() {
        let Facts::File { head, .. } = observe(Path::new("/bin/sh")) else { panic!("no /bin/sh") };
        if let Head::Elf { loader: Some(loader), .. } = parse(&head) {
            assert!(loader.exists(), "{}", loader.display());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(elf: bool, tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut head = if elf { b"\x7fELF".to_vec() } else { Vec::new() };
            head.extend(tail);
            let _ = parse(&head);
        }
    }
}
