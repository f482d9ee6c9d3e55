//! HTML, read back by html5lib, which builds the tree that browsers do, and by Python's own
//! html.parser.

use std::process::Command;

use super::counts;
use super::program::{Folder, output, python_with};
use super::readback::{Filled, between, filled, hex_lines};
use super::templates::{Pair, hex, pairs};
use super::values;

/// What stands in each `<v>` (or `<pre class=v>`, …), in its attribute `a`, or in its comment.
const HTML5LIB: &str = r"
import sys, html5lib
text = open(sys.argv[1], encoding='utf-8', newline='').read()
for v in html5lib.parse(text, namespaceHTMLElements=False).iter():
    if sys.argv[2] == 'element' and v.get('class') == 'v': print(''.join(v.itertext()).encode().hex())
    if sys.argv[2] == 'attribute' and v.get('class') == 'v': print(v.get(sys.argv[3]).encode().hex())
    if sys.argv[2] == 'comment' and not isinstance(v.tag, str): print(v.text.encode().hex())
";
const HTML_PARSER: &str = r"
import sys
from html.parser import HTMLParser
class Reader(HTMLParser):
    open, parts = None, []
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if attributes.get('class') != 'v': return
        if sys.argv[2] == 'attribute': print(attributes[sys.argv[3]].encode().hex())
        self.open, self.parts = tag, []
    def handle_endtag(self, tag):
        if tag == self.open and sys.argv[2] == 'element': print(''.join(self.parts).encode().hex())
        if tag == self.open: self.open = None
    def handle_data(self, text): self.parts.append(text)
    def handle_comment(self, text):
        if sys.argv[2] == 'comment': print(text.encode().hex())
reader = Reader()
reader.feed(open(sys.argv[1], encoding='utf-8', newline='').read())
reader.close()
";

struct Read<'a> {
    what: &'a [&'a str],
    scripts: &'a [(&'a str, &'a str)],
}

const BOTH: &[(&str, &str)] = &[("html5lib", HTML5LIB), ("html.parser", HTML_PARSER)];
/// html.parser knows no tree, so it drops no line feed.
const TREE: &[(&str, &str)] = &[("html5lib", HTML5LIB)];

impl Read<'_> {
    fn check(
        &self,
        before: &'static str,
        after: &'static str,
        reads: (&'static str, &'static str),
        share: usize,
    ) {
        let name: &'static str = format!("html {before}●{after}").trim_end().to_owned().leak();
        let filled = filled("html", between(name, before, after, reads), &super::readback::all_values());
        filled.accepts(share);
        self.compare(&filled);
    }

    fn compare(&self, filled: &Filled) {
        let Some(python) = python_with("html5lib") else { return };
        let folder = Folder::new();
        let file = folder.write("values.html", &format!("<!DOCTYPE html>\n{}", filled.text));
        for (reader, script) in self.scripts {
            let mut command = Command::new(&python);
            command.args(["-X", "utf8", "-c", script]).arg(&file).args(self.what);
            filled.compare(reader, &hex_lines(&output(&mut command)));
        }
    }
}

#[test]
fn text_is_read_back() {
    let read = Read { what: &["element"], scripts: BOTH };
    read.check("<p class=v>", "</p>\n", ("", ""), 90);
    read.check("<p class=v>", "&gt; x <b>y</b></p>\n", ("", "> x y"), 90);
    read.check("<table><td class=v>a ", "</td></table>\n", ("a ", ""), 90);
    read.check("<title class=v>x", "y</title>\n", ("x", "y"), 90);
    let read = Read { what: &["element"], scripts: TREE };
    read.check("<p class=v>\r", "</p>\n", ("\n", ""), 90);
    read.check("<pre class=v>", "\n</pre>\n", ("", "\n"), 90);
    read.check("<textarea class=v>", "</textarea>\n", ("", ""), 90);
}

#[test]
fn attributes_are_read_back() {
    let read = Read { what: &["attribute", "a"], scripts: BOTH };
    read.check("<p class=v a=\"", "\">x</p>\n", ("", ""), 90);
    read.check("<p a='x ", " y' class=v>x</p>\n", ("x ", " y"), 90);
    read.check("<p class=v a=", ">x</p>\n", ("", ""), 90);
}

#[test]
fn addresses_are_read_back_or_refused() {
    let read = Read { what: &["attribute", "href"], scripts: BOTH };
    read.check("<a class=v href=\"", "\">x</a>\n", ("", ""), 50);
    read.check("<a class=v href=", "/>\n", ("", ""), 50);
    read.check("<a class=v href='/x?a=", "&amp;b'>x</a>\n", ("/x?a=", "&b"), 90);
}

#[test]
fn comments_are_read_back() {
    let read = Read { what: &["comment"], scripts: BOTH };
    read.check("<p><!-- ", " --></p>\n", (" ", " "), 60);
    read.check("<p><!--x-", "y--></p>\n", ("x-", "y"), 60);
    read.check("<p><!--", "--></p>\n", ("", ""), 60);
}

/// The tree of each text, with names as they are and texts in hexadecimal.
const TREES: &str = r"
import json, sys, html5lib
code = lambda text: (text or '').encode().hex()
def show(node):
    if not isinstance(node.tag, str): return '<!' + code(node.text) + '>' + code(node.tail)
    attributes = ''.join(' ' + code(name) + '=' + code(value) for name, value in sorted(node.items()))
    return '<' + code(node.tag) + attributes + '>' + code(node.text) + ''.join(map(show, node)) + '</>' + code(node.tail)
for text in json.load(open(sys.argv[1])): print(show(html5lib.parse(text, namespaceHTMLElements=False)))
";

/// Without `<a>` and `<pre>` alone: an open `<a>` goes on in the next paragraph only where that has
/// text, and html5lib drops a line feed behind `<pre>` where browsers don't.
const FRAGMENTS: &[&str] = &[
    " ",
    "\n",
    "\r",
    "a",
    "b",
    "&",
    "&amp;",
    "&am",
    ";",
    "#",
    "<",
    ">",
    "</",
    "/",
    "\"",
    "\"",
    "'",
    "=",
    "<p>",
    "</p>",
    "<p a=\"",
    "<p a='",
    "<p a=",
    " c=",
    "<img src=\"",
    "<img src=",
    ":",
    "/",
    "?",
    "javascript",
    "https:",
    "<!--",
    "<!--",
    "-->",
    "--!>",
    "-",
    "!",
    "<title>",
    "</title>",
    "<textarea>",
    "</textarea>",
    "<pre>x",
    "</pre>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<table><td>",
    "<table>",
    "</table>",
    "<tr>",
    "</td>",
    "<svg>",
    "</svg>",
    "<path d='",
    "<?",
    "<!x",
    "<br/>",
    "<div",
    "<noscript>",
    "<select>",
    "</select>",
    "<template>",
    "</template>",
    "<option>",
    "</noscript>",
    "<title",
    "</title",
    "<head>",
    "<body>",
    "</body>",
    "<meta content='",
    " http-equiv=x",
    "onclick=\"",
    "<![CDATA[",
    "]]>",
];

/// Whatever stands around it, a value changes nothing but the text in its place.
#[test]
fn no_value_changes_what_stands_around_it() {
    let Some(python) = python_with("html5lib") else { return };
    for around in
        [("<p>", "</p>\n"), ("<p a=\"", "\">x"), ("<img src='", "'>x"), ("<p><!-- ", " -->x"), ("", "\n")]
    {
        let pairs = pairs("html", around, FRAGMENTS, 2_000);
        let texts: Vec<&str> = pairs.iter().flat_map(|pair| [&pair.marked[..], &pair.filled[..]]).collect();
        let folder = Folder::new();
        let file = folder.write("texts", &serde_json::to_string(&texts).unwrap());
        let read = output(Command::new(&python).args(["-X", "utf8", "-c", TREES]).arg(file));
        let read: Vec<String> = String::from_utf8(read).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(read.len(), texts.len());
        for (pair, read) in pairs.iter().zip(read.chunks(2)) {
            let replaced = pair.replace.iter();
            let expected = replaced
                .fold(read[0].clone(), |text, (marker, value)| text.replace(&hex(marker), &hex(value)));
            assert_eq!(read[1], expected, "seed {}\n{:?}\n{:?}", values::seed(), pair.marked, pair.filled);
        }
        // Every text is a document, but a value may stand in what isn't part of the tree.
        let seen =
            |pair: &Pair, tree: &str| pair.replace.iter().all(|(marker, _)| tree.contains(&hex(marker)));
        let seen = pairs.iter().zip(read.chunks(2)).filter(|(pair, read)| seen(pair, &read[0])).count();
        counts::templates("html", "html5lib", pairs.len(), seen);
        assert!(seen * 2 > pairs.len(), "only {seen} of {} trees hold their values", pairs.len());
    }
}
