//! Java's properties, read back by `java.util.Properties`, as bytes and as text.

use std::process::Command;

use super::program::{Folder, find, output};
use super::readback::{all_values, between, filled, hex_lines};

/// Prints each key or value, in the order of the file, in hexadecimal digits.
const JAVA: &str = r#"
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
public class Read extends Properties {
    static StringBuilder out = new StringBuilder();
    static boolean keys;
    @Override public synchronized Object put(Object key, Object value) {
        for (byte b : ((String) (keys ? key : value)).getBytes(StandardCharsets.UTF_8))
            out.append(String.format("%02x", b));
        out.append('\n');
        return super.put(key, value);
    }
    public static void main(String[] arguments) throws Exception {
        for (String file : arguments[1].split(":")) {
            keys = file.endsWith(".keys");
            if (arguments[0].equals("bytes"))
                try (InputStream in = Files.newInputStream(Path.of(file))) { new Read().load(in); }
            else
                try (Reader in = Files.newBufferedReader(Path.of(file))) { new Read().load(in); }
            out.append("-\n");
        }
        System.out.print(out);
    }
}
"#;

/// Templates by what of them is read: before, after, and what that reads as.
const VALUES: &[(&str, &str, (&str, &str))] = &[
    ("kN=", "\n", ("", "")),
    ("kN = a ", " b\\\\\n", ("a ", " b\\")),
    ("kN ", "\n", ("", "")),
    ("kN : x\\\n    ", "\\\n  y\n", ("x", "y")),
    ("kN=\\\r\n\t", "\r\n", ("", "")),
    ("# ", "\nkN=c\n", ("", "")),
];
const KEYS: &[(&str, &str, (&str, &str))] =
    &[("", "=N\n", ("", "")), ("  a.", ".b: N\n", ("a.", ".b")), ("a", "\\\n  \\  N\n", ("a", " "))];

#[test]
fn values_keys_and_comments_are_read_back() {
    let values = all_values();
    let folder = Folder::new();
    let (mut copies, mut files) = (Vec::new(), Vec::new());
    for (kind, pieces) in [("values", VALUES), ("keys", KEYS)] {
        for &(before, after, reads) in pieces {
            let name: &'static str = format!("properties {before:?}●{after:?}").leak();
            let filled = filled("properties", between(name, before, after, reads), &values);
            filled.accepts(if before == "# " { 60 } else { 95 });
            let filled = if before == "# " { filled.expecting_each("c") } else { filled };
            files.push(folder.write(&format!("{}.{kind}", files.len()), &filled.text).display().to_string());
            copies.push(filled);
        }
    }
    // `java Read.java` compiles, for which a JRE isn't enough.
    let (Some(java), Some(_)) = (find(&["java"]), find(&["javac"])) else { return };
    let source = folder.write("Read.java", JAVA);
    for how in ["bytes", "text"] {
        let read = output(Command::new(&java).arg(&source).arg(how).arg(files.join(":")));
        let read = String::from_utf8(read).unwrap();
        let parts: Vec<&str> = read.split_terminator("-\n").collect();
        assert_eq!(parts.len(), copies.len());
        for (filled, part) in copies.iter().zip(parts) {
            filled.compare("java.util.Properties", &hex_lines(part.as_bytes()));
        }
    }
}
