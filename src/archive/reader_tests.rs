//! What the reader makes of archives that no program would write. Those that programs do
//! write are read through castoff itself.

use std::io::Cursor;

use proptest::prelude::*;

use super::{Piece, Reader};
use crate::archive::fault::{Fault, Refused, Where};
use crate::archive::input::Input;
use crate::archive::layout::Layout;
use crate::archive::member::What;

const BLOCK: usize = 512;

/// A header with the right checksum.
fn header(name: &[u8], kind: u8, size: &[u8]) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    block
}

fn sum(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut padded = content.to_vec();
    padded.resize(content.len().next_multiple_of(BLOCK), 0);
    padded
}

/// A member with its content.
fn member(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let size = format!("{:011o}", content.len());
    [header(name, kind, size.as_bytes()), padded(content)].concat()
}

fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

/// Paths and contents, holes as zeros.
fn read(bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    read_input(Input::plain(Box::new(Cursor::new(bytes))))
}

fn read_input(input: Input) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    let go_on = || false;
    let mut reader = Reader::new(input, &go_on);
    let (mut found, mut layout, mut number) = (Vec::new(), Layout::default(), 0);
    while let Some(member) = reader.next_member()? {
        layout.place(&member, number).map_err(|fault| reader.refused(fault))?;
        number += 1;
        let (mut content, mut buffer) = (Vec::new(), [0; 100]);
        while let Some(piece) = reader.piece(&mut buffer)? {
            match piece {
                Piece::Data(length) => content.extend_from_slice(&buffer[..length]),
                Piece::Hole(_) if content.len() > 1 << 20 => break,
                Piece::Hole(length) => content.resize(content.len() + usize::try_from(length).unwrap(), 0),
            }
        }
        if let What::File(size) = member.what {
            assert!(content.len() > 1 << 20 || content.len() as u64 == size, "{}", member.path.display());
        }
        found.push((member.path.to_string_lossy().into_owned(), content));
    }
    Ok(found)
}

fn fault(bytes: Vec<u8>) -> (Where, Fault) {
    let refused = read(bytes).unwrap_err();
    (refused.at, refused.fault)
}

#[test]
fn members_and_their_contents() {
    let bytes = [member(b"a", b'0', b"one"), member(b"./b//", 0, b""), member(b"c", b'7', &[7; 1500]), end()];
    let found = read([bytes.concat(), b"garbage".to_vec()].concat()).unwrap();
    let expected = [("a", b"one".to_vec()), ("b", Vec::new()), ("c", vec![7; 1500])];
    assert_eq!(found, expected.map(|(path, content)| (path.to_owned(), content)));
}

#[test]
fn one_block_of_zeros_ends_an_archive() {
    assert_eq!(read([member(b"a", b'0', b""), vec![0; BLOCK]].concat()).unwrap().len(), 1);
}

#[test]
fn what_is_refused() {
    let a = || member(b"a", b'0', b"one");
    let of = |name: &str| Where::Member(name.into());
    let after_a = || Where::After("a".into());
    let mut wrong_sum = member(b"b", b'0', b"");
    wrong_sum[0] = b'x';
    let mut lies = header(b"b", b'0', b"00000007777");
    lies.extend_from_slice(&end());
    for (bytes, outcome) in [
        (vec![], (Where::Start, Fault::Empty)),
        (end(), (Where::Start, Fault::Empty)),
        (b"hello".to_vec(), (Where::Start, Fault::NoTar(None))),
        (vec![b'x'; 4096], (Where::Start, Fault::NoTar(None))),
        (a(), (after_a(), Fault::NoEnd)),
        (a()[..700].to_vec(), (of("a"), Fault::Truncated)),
        ([a(), a()[..100].to_vec()].concat(), (after_a(), Fault::Truncated)),
        ([a(), wrong_sum, end()].concat(), (after_a(), Fault::Checksum)),
        (lies, (of("b"), Fault::Truncated)),
        ([header(b"b", b'0', b"-1"), end()].concat(), (of("b"), Fault::Number("size"))),
        (
            [header(b"b", b'0', b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), end()].concat(),
            (of("b"), Fault::Number("size")),
        ),
        ([header(b"", b'0', b""), end()].concat(), (of(""), Fault::NoName)),
        ([header(b"b", b'Q', b""), end()].concat(), (of("b"), Fault::Type(b'Q'))),
        ([header(b"b", b'M', b""), end()].concat(), (of("b"), Fault::Type(b'M'))),
        (
            [header(b"b", b'S', b""), end()].concat(),
            (of("b"), Fault::Sparse("not in a form that castoff knows")),
        ),
        ([header(b"x", b'x', b"77777777777"), end()].concat(), (Where::Start, Fault::LargeHeader(8 << 20))),
        (member(b"x", b'x', b"nonsense"), (Where::Start, Fault::Pax("a record is garbled"))),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        assert_eq!(fault(bytes), outcome, "{shown}");
    }
}

#[test]
fn extended_headers() {
    let bytes = [
        member(b"g", b'g', b"22 comment=of git 1.2\n"),
        member(b"x", b'x', b"21 path=d/long\xff name\n9 size=3\n"),
        member(b"a", b'0', b"one"),
        member(b"L", b'L', b"gnu/long\0"),
        member(b"b", b'0', b""),
        member(b"c", b'0', b""),
        end(),
    ];
    let names: Vec<String> = read(bytes.concat()).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["d/long\u{fffd} name", "gnu/long", "c"]);
}

#[test]
fn a_global_header_holds_until_it_is_taken_back() {
    let bytes = [
        member(b"g", b'g', b"9 uid=12\n"),
        member(b"a", b'0', b""),
        member(b"x", b'x', b"7 uid=\n"),
        member(b"b", b'0', b""),
        end(),
    ]
    .concat();
    let go_on = || false;
    let mut reader = Reader::new(Input::plain(Box::new(Cursor::new(bytes))), &go_on);
    let uids: Vec<u32> =
        std::iter::from_fn(|| reader.next_member().unwrap()).map(|member| member.uid).collect();
    assert_eq!(uids, [12, 0]);
}

#[test]
fn whoever_is_to_stop_stops() {
    let stop = || true;
    let bytes = [member(b"a", b'0', b"one"), end()].concat();
    let mut reader = Reader::new(Input::plain(Box::new(Cursor::new(bytes))), &stop);
    assert_eq!(reader.next_member().unwrap_err().fault, Fault::Stopped);
}

/// A frame of blocks that are not compressed, and one of a block that repeats a byte.
fn frame(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for (at, block) in content.chunks(1000).enumerate() {
        let last = u32::from((at + 1) * 1000 >= content.len());
        let head = u32::try_from(block.len()).unwrap() << 3 | last;
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

fn zstd(bytes: Vec<u8>) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    read_input(Input::zstd(Box::new(Cursor::new(bytes))))
}

#[test]
fn frames() {
    let archive = [member(b"a", b'0', &[9; 3000]), end()].concat();
    let (one, other) = archive.split_at(777);
    let skippable = b"\x5f\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let whole = [skippable.clone(), frame(one), skippable.clone(), frame(other)].concat();
    assert_eq!(zstd(whole.clone()).unwrap(), [("a".to_owned(), vec![9; 3000])]);
    for (bytes, outcome) in [
        (vec![], Fault::Empty),
        (b"hello, world".to_vec(), Fault::NoZstd),
        (archive.clone(), Fault::NoZstd),
        (whole[..whole.len() - 1500].to_vec(), Fault::Truncated),
        (frame(one), Fault::Truncated),
        ([frame(one), b"garbage".to_vec()].concat(), Fault::Damaged),
        ([&frame(one), &skippable[..9]].concat(), Fault::Truncated),
        // windows of 1 GiB and of 3.75 TiB
        (b"\x28\xb5\x2f\xfd\x00\xa0\x01\0\0".to_vec(), Fault::Window(1 << 30)),
        (b"\x28\xb5\x2f\xfd\x00\xff\x01\0\0".to_vec(), Fault::Window((1 << 41) + 7 * (1 << 38))),
        (b"\x28\xb5\x2f\xfd\x01\x58\x07\x01\0\0".to_vec(), Fault::Dictionary),
    ] {
        assert_eq!(zstd(bytes).unwrap_err().fault, outcome);
    }
}

/// Bytes that look like archives here and there.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        Just(b"a".to_vec()),
        Just(b"a/b".to_vec()),
        Just(b"../x".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..100)
    ];
    let kind = prop_oneof![proptest::sample::select(b"01234567SLKxgXDVN\0".to_vec()), any::<u8>()];
    let content = proptest::collection::vec(any::<u8>(), 0..1200);
    let block = proptest::collection::vec(any::<u8>(), BLOCK);
    let garbled = (block, any::<bool>()).prop_map(|(mut block, gnu)| {
        if gnu {
            block[257..265].copy_from_slice(b"ustar  \0");
            block[156] = b'S';
        }
        sum(&mut block);
        block
    });
    let records =
        "([0-9]{1,2} (path|size|GNU.sparse.(major|map|offset|numbytes|size|name))=[0-9,.]{0,6}\n){0,3}";
    let part = prop_oneof![
        4 => (name, kind, content).prop_map(|(name, kind, content)| member(&name, kind, &content)),
        1 => garbled,
        1 => records.prop_map(|records| member(b"x", b'x', records.as_bytes())),
        1 => proptest::collection::vec(any::<u8>(), 0..600),
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_go_on_for_ever(bytes in nearly()) {
        let _ = read(bytes.clone());
        let _ = zstd(frame(&bytes));
        let _ = zstd([b"\x28\xb5\x2f\xfd".to_vec(), bytes].concat());
    }
}
