//! XML, read back by Python's expat, as it is and through ElementTree.

use std::process::Command;

use super::program::{Folder, find, output};
use super::readback::{Filled, all_values, between, filled, filled_after, hex_lines, piece};

/// What expat reports: the text of each `<v>`, its attribute `a`, or the comment in it.
const EXPAT: &str = r"
import sys
from xml.parsers.expat import ParserCreate
what, parts, depth = sys.argv[2], [], 0
def start(name, attributes):
    global depth
    depth += 1
    if name == 'v':
        parts.clear()
        if what == 'attribute': parts.append(attributes['a'])
    elif name != 'r': sys.exit('an element that no template wrote')
def end(name):
    global depth
    depth -= 1
    if name == 'v': print(''.join(parts).encode().hex())
parser = ParserCreate()
parser.buffer_text = False
parser.StartElementHandler, parser.EndElementHandler = start, end
if what == 'text': parser.CharacterDataHandler = parts.append
if what == 'comment': parser.CommentHandler = parts.append
parser.Parse(open(sys.argv[1], 'rb').read(), True)
";
const ELEMENT_TREE: &str = r"
import sys
from xml.etree import ElementTree
what = sys.argv[2]
parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
for v in ElementTree.parse(sys.argv[1], parser).getroot().findall('v'):
    if what == 'comment': text = v[0].text
    elif what == 'attribute': text = v.attrib['a']
    else: text = v.text or ''
    print(text.encode().hex())
";

fn check(what: &str, before: &'static str, after: &'static str, reads: (&'static str, &'static str)) {
    let name: &'static str = format!("xml {before}●{after}").leak();
    let filled = filled("xml", between(name, before, after, reads), &all_values());
    filled.accepts(40);
    read(&filled, what, "");
}

fn read(filled: &Filled, what: &str, head: &str) {
    let Some(python) = find(&["python3"]) else { return };
    let folder = Folder::new();
    let file = folder.write("values.xml", &format!("{head}<r>\n{}</r>\n", filled.text));
    for (reader, script) in [("expat", EXPAT), ("ElementTree", ELEMENT_TREE)] {
        let mut command = Command::new(&python);
        filled.compare(reader, &hex_lines(&output(command.args(["-c", script]).arg(&file).arg(what))));
    }
}

#[test]
fn text_is_read_back() {
    check("text", "<v>", "</v>\n", ("", ""));
    check("text", "<v>a ", " &gt;</v>\n", ("a ", " >"));
    check("text", "<v>", "></v>\n", ("", ">"));
}

#[test]
fn attributes_are_read_back() {
    check("attribute", "<v a=\"", "\"/>\n", ("", ""));
    check("attribute", "<v b='1' a='x ", " y'></v>\n", ("x ", " y"));
    check("attribute", "<v a=", "/>\n", ("", ""));
}

/// Spaces at an edge are dropped by what the DTD says here.
#[test]
fn attributes_behind_a_document_type_are_read_back() {
    let head = "<!DOCTYPE r [<!ATTLIST v a NMTOKENS #IMPLIED>]>";
    let piece = piece("xml attribute, NMTOKENS", "<v a='", "'/>\n");
    let filled = filled_after(head, "xml", piece, &all_values());
    filled.accepts(40);
    read(&filled, "attribute", head);
}

#[test]
fn sections_are_read_back() {
    check("text", "<v><![CDATA[", "]]></v>\n", ("", ""));
    check("text", "<v>x<![CDATA[]]", ">]]></v>\n", ("x]]", ">"));
    check("text", "<v><![CDATA[<", "]>]]></v>\n", ("<", "]>"));
}

#[test]
fn comments_are_read_back() {
    check("comment", "<v><!-- ", " --></v>\n", (" ", " "));
    check("comment", "<v><!--", "--></v>\n", ("", ""));
    check("comment", "<v><!--x-", "-y--></v>\n", ("x-", "-y"));
}
