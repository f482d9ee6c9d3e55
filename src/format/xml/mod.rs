//! XML 1.0 documents in UTF-8. `html` is another format: its readers take scripts, styles and
//! attributes by rules of their own, so a document with `<!DOCTYPE html>` is refused.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | text | between the tags of an element | `&amp;` `&lt;` `&gt;`, references for carriage returns, a first line feed, U+007F to U+009F and U+2028 | what XML can't hold: control characters but tab, line feed and carriage return; U+FFFE, U+FFFF; none, lists, maps | XML 1.0 §2.2, §2.4, §2.11; read back |
//! | attribute | `name="…"`, `name='…'` | the same, and references for both quotes, tab, line feed | the same; behind a DOCTYPE also spaces at an end or side by side, which a DTD may drop | XML 1.0 §3.3.3; read back |
//! | whole attribute | `name={{ x }}` | the same in `"…"` | the same | read back |
//! | CDATA | `<![CDATA[…]]>` | as it is; for `]]>`, carriage return and a first line feed the section ends and begins again | what XML can't hold | XML 1.0 §2.7; read back |
//! | comment | `<!-- … -->` | as it is | the same; `--`, `-` beside another one, `>` at the start, carriage return, a first line feed behind one or another value; everything behind a `--` of the template | XML 1.0 §2.5; read back |
//! | names, namespaces, references, `<!DOCTYPE>`, `<?…?>`, outside the root element, behind text that isn't well-formed, another encoding or version in the declaration | | – | all | XML 1.0 |

mod encode;
mod lex;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Skeleton, fill_with};

/// XML documents.
pub(super) static XML: Format = Format { name: "xml", destinations: &["*.xml"], fill };

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Context {
    /// Whether it could become part of a `]]>` with what stands beside it.
    Text { before_bracket: bool, after_bracket: bool },
    /// `quoted`: between the template's own quotes. `normalised`: a DTD may collapse spaces.
    Attribute { quoted: bool, normalised: bool },
    /// The section has to end and begin again at an edge, so that no `]]>` comes about there.
    Cdata { split_before: bool, split_after: bool },
    /// What it touches.
    Comment {
        /// The value begins the comment.
        first: bool,
        after_dash: bool,
        after_return: bool,
        before_dash: bool,
        /// `-->` follows.
        closes: bool,
    },
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex::lex, encode::encode)
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::{Literal, XML};

    #[test]
    fn text_and_attributes_are_escaped() {
        check(
            &XML,
            &[
                ("<a>@</a>", text("b<&>\"'\r\n"), File("<a>b&lt;&amp;&gt;\"'&#13;\n</a>")),
                ("<a>\r@</a>", text("\n"), File("<a>\r&#10;</a>")),
                ("<a>\r@@</a>", text("\nb\n"), File("<a>\r&#10;b\n&#10;b\n</a>")),
                ("<a>@</a>", text("\u{85}"), File("<a>&#133;</a>")),
                (
                    "<?xml version='1.0'?>\n<a><b c='d'/>x@y</a>",
                    text("]]>"),
                    File("<?xml version='1.0'?>\n<a><b c='d'/>x]]&gt;y</a>"),
                ),
                ("<a>@></a>", text("]]"), File("<a>&#93;&#93;></a>")),
                ("<a>]@></a>", text("]"), File("<a>]&#93;></a>")),
                ("<a>]@></a>", text(""), BadValue),
                ("<a>]]@@></a>", text(""), BadValue),
                ("<a>@@@@@</a>", text("v"), File("<a>vvvvv</a>")),
                ("<a>@@</a>", text("v"), File("<a>vv</a>")),
                ("<a b=\"@\"/>", text("\"'\n\t<"), File("<a b=\"&quot;&#39;&#10;&#9;&lt;\"/>")),
                ("<a b = 'x@&amp;'>y</a>", text("'"), File("<a b = 'x&#39;&amp;'>y</a>")),
                ("<a b=@ c=@/>", text("x y"), File("<a b=\"x y\" c=\"x y\"/>")),
                ("<a>@</a>", Literal::Int(-1), File("<a>-1</a>")),
                ("<a b=@/>", Literal::Bool(true), File("<a b=\"true\"/>")),
                ("<a>@</a>", Literal::Float(0.5), File("<a>0.5</a>")),
                ("<a>@</a>", text("\0"), BadValue),
                ("<a>@</a>", text("\u{ffff}"), BadValue),
                ("<a b=\"@\"/>", text("\x1b"), BadValue),
                ("<a>@</a>", Literal::None, BadValue),
                ("<a>@</a>", Literal::List(vec![text("x")]), BadValue),
                ("<a>@</a>", Literal::Map(vec![]), BadValue),
                (
                    "<!DOCTYPE a SYSTEM \"a.dtd\"><a b='@'/>",
                    text("x y"),
                    File("<!DOCTYPE a SYSTEM \"a.dtd\"><a b='x y'/>"),
                ),
                ("<!DOCTYPE a [<!ATTLIST a b NMTOKEN #IMPLIED>]><a b='@'/>", text(" x"), BadValue),
            ],
        );
    }

    #[test]
    fn sections_and_comments_keep_their_end() {
        check(
            &XML,
            &[
                ("<a><![CDATA[@]]></a>", text("<b> & ]"), File("<a><![CDATA[<b> & ]]]></a>")),
                ("<a><![CDATA[@]]></a>", text("]]>"), File("<a><![CDATA[]]]]><![CDATA[>]]></a>")),
                ("<a><![CDATA[]]@>]]></a>", text(""), File("<a><![CDATA[]]]]><![CDATA[]]><![CDATA[>]]></a>")),
                ("<a><![CDATA[\r@]]></a>", text("\r"), File("<a><![CDATA[\r]]>&#13;<![CDATA[]]></a>")),
                ("<a><![CDATA[\r@]]></a>", text("\n"), File("<a><![CDATA[\r]]><![CDATA[\n]]></a>")),
                ("<!-- @ --><a/>", text("- <b> &"), File("<!-- - <b> & --><a/>")),
                ("<!--@--><a/>", text(""), File("<!----><a/>")),
                ("<a/><!--@-->", text("x"), File("<a/><!--x-->")),
                ("<!-- @ --><a/>", text("a--b"), BadValue),
                ("<!-- @--><a/>", text("a-"), BadValue),
                ("<!--@ --><a/>", text("->"), BadValue),
                ("<!-- -@- --><a/>", text(""), BadValue),
                ("<!-- -@--><a/>", text(""), BadValue),
                ("<!-- @ --><a/>", text("a\rb"), BadValue),
                ("<!-- @ --><a/>", text("\nb"), File("<!-- \nb --><a/>")),
                ("<!-- \r@ --><a/>", text("\nb"), BadValue),
            ],
        );
    }

    #[test]
    fn places_where_no_value_can_stand() {
        for template in [
            "@",
            "@<a/>",
            "<a/>@",
            "<@/>",
            "<a@>x</a>",
            "<a>x</@>",
            "<a @='x'/>",
            "<a @/>",
            "<a x@=\"1\"/>",
            "<a x=1@/>",
            "<a x=@1/>",
            "<a x=@@/>",
            "<a x @/>",
            "<a xmlns='@'/>",
            "<a xmlns:b=@/>",
            "<a>&@;</a>",
            "<a>&#@;</a>",
            "<a b='&x@'/>",
            "<a>& @</a>",
            "<a b='<'>@</a>",
            "<a>< @</a>",
            "<a b=\"x>@</a>",
            "<!DOCTYPE @><a/>",
            "<!DOCTYPE a [<!ENTITY b '@'>]><a/>",
            "<!DOCTYPE a [<!-- ' --><!ENTITY b '>'>@]><a/>",
            "<!DOCTYPE html><a>@</a>",
            "<?x @?><a/>",
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>@</a>",
            "<?xml version=\"1.1\"?><a>@</a>",
            "<a><!-- @",
            "<!-- --@ --><a/>",
            "<a><!----@--></a>",
            "<a><![CDATA[@",
            "<a b='@<'/>",
            "<a></a></a><b>@</b>",
            "<![CDATA[@]]><a/>",
            "<a>\r@@\n</a>",
        ] {
            check(&XML, &[(template, text("v"), BadTemplate)]);
        }
        check(
            &XML,
            &[(
                "<!DOCTYPE a [<!-- ' -->\n<!ENTITY b '>'>]><a>@</a>",
                text("v"),
                File("<!DOCTYPE a [<!-- ' -->\n<!ENTITY b '>'>]><a>v</a>"),
            )],
        );
    }
}
