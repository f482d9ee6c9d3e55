//! Promises of the format `html`, as tables.

use super::super::table::Expect::{BadTemplate, BadValue, File};
use super::super::table::{check, text};
use super::{HTML, Literal};

#[test]
fn text_and_attributes_are_escaped() {
    check(
        &HTML,
        &[
            ("<p>@</p>", text("b<&>\"'\r\n"), File("<p>b&lt;&amp;&gt;\"'&#13;\n</p>")),
            (
                "<!DOCTYPE html>\n<title>@</title>",
                text("</title>"),
                File("<!DOCTYPE html>\n<title>&lt;/title&gt;</title>"),
            ),
            ("<p a=\"@\" b='x@'>", text("\"'\n"), File("<p a=\"&quot;&#39;&#10;\" b='x&quot;&#39;&#10;'>")),
            ("<p a=@ b = @>@<br a=@/>", text("x y"), File("<p a=\"x y\" b = \"x y\">x y<br a=\"x y\"/>")),
            ("x < y & z &lt; @@", text("v"), File("x < y & z &lt; vv")),
            ("<input value=@ data-on=\"@\">", Literal::Int(-1), File("<input value=\"-1\" data-on=\"-1\">")),
            ("<p>@", text("\0"), BadValue),
            ("<p>@", Literal::None, BadValue),
            ("<p a=@>", Literal::List(vec![text("x")]), BadValue),
        ],
    );
}

#[test]
fn a_first_line_feed_is_kept() {
    check(
        &HTML,
        &[
            ("<pre>@</pre>", text("\nx"), File("<pre>\n&#10;x</pre>")),
            ("<pre>@\n</pre>", text(""), File("<pre>\n\n</pre>")),
            ("<TextArea a>@</textarea>", text("\n"), File("<TextArea a>\n&#10;</textarea>")),
            ("<pre>x@</pre>", text("\nx"), File("<pre>x&#10;x</pre>")),
            ("<p>\r@</p>", text("\n"), File("<p>\r&#10;</p>")),
        ],
    );
}

#[test]
fn comments_keep_their_end() {
    check(
        &HTML,
        &[
            ("<!-- @ --><p>", text("- <b> & !"), File("<!-- - <b> & ! --><p>")),
            ("<!--@-->", text(""), BadValue),
            ("<!--@-->", text("x"), File("<!--x-->")),
            ("<!-- @ -->", text("a--b"), BadValue),
            ("<!--@ -->", text(">"), BadValue),
            ("<!--@ -->", text("->"), BadValue),
            ("<!--@> -->", text(""), BadValue),
            ("<!-- -@ -->", text(">"), BadValue),
            ("<!-- --@ -->", text("!>"), BadValue),
            ("<!-- --!@ -->", text(">"), BadValue),
            ("<!-- --!@> -->", text(""), BadValue),
            ("<!-- @-->", text("-"), BadValue),
            ("<!-- @ -->", text("a\rb"), BadValue),
            ("<!-- \r@ -->", text("\n"), BadValue),
            ("<!-- @@ -->", text("v"), BadTemplate),
            ("<noscript><!-- @ --></noscript>", text("v"), BadTemplate),
            ("<!-->@", text("v"), BadTemplate),
            ("<p><!--->@<!-- --!>@", text("--"), File("<p><!--->--<!-- --!>--")),
        ],
    );
}

#[test]
fn a_value_names_no_scheme_that_is_run() {
    for (template, value, taken) in [
        ("<a href=\"@\">", "https://example.org/?a=b", true),
        ("<a href=@>", "HTTP://example.org", true),
        ("<a href=' @'>", "mailto:a@b", true),
        ("<a href='@'>", "/a:b", true),
        ("<a href='@'>", "?a:b", true),
        ("<a href='@'>", "a", true),
        ("<a href='@'>", "", true),
        ("<a href=\"@\">", "javascript:alert(1)", false),
        ("<a HREF=@>", "JavaScript:alert(1)", false),
        ("<a href=\"@\">", " javascript:alert(1)", false),
        ("<a href=\"@\">", "java\tscript:alert(1)", false),
        ("<a href=\"@\">", "\u{1}javascript:alert(1)", false),
        ("<img src='@'>", "data:text/html,x", false),
        ("<a href='@'>", ":", false),
        ("<a href='@:x'>", "javascript", false),
        ("<a href='@:8080/'>", "https://example.org", true),
        ("<a href='@&colon;x'>", "javascript", false),
        ("<a href='@/x:y'>", "javascript", true),
        ("<a href='java@'>", "script:alert(1)", false),
        ("<a href='@@'>", "a:", false),
        ("<a href='//@'>", "javascript:alert(1)", true),
        ("<a href='/@'>", "javascript:alert(1)", true),
        ("<a href='https:@'>", "javascript:alert(1)", true),
        ("<a href='?a=1&b=@'>", "javascript:alert(1)", true),
        ("<form action='@'>", "vbscript:x", false),
        ("<button formaction='@'>", "vbscript:x", false),
        ("<p title='@'>", "javascript:alert(1)", true),
        ("<a data-href='@'>", "javascript:alert(1)", true),
    ] {
        let mut skeleton = super::Skeleton::default();
        for (n, part) in template.split('@').enumerate() {
            if n > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(part);
        }
        let fillings = (HTML.fill)(&skeleton, &vec![text(value); skeleton.holes()]);
        assert_eq!(fillings.iter().all(Result::is_ok), taken, "{template} with {value:?}: {fillings:?}");
    }
}

#[test]
fn places_where_no_value_can_stand() {
    for template in [
        "@",
        " @<p>",
        "<html><head>@",
        "<head><title>x</title>@</head>",
        "<script>@</script>",
        "<script>var a = '@';</script>",
        "<SCRIPT type=x><!-- <script>@</script>@",
        "<p><script><!-- <script> </script>@",
        "<style>@</style>",
        "<p><style>a</style ></style x=@>",
        "<iframe>@</iframe>",
        "<xmp>@</xmp>",
        "<p onclick=\"@\">",
        "<p onClick=@>",
        "<p style='color: @'>",
        "<img srcset=@>",
        "<iframe srcdoc=\"@\">",
        "<a href=\"javascript:@\">",
        "<a href=\"java&#115;cript:@\">",
        "<a href=\"javascript&colon;@\">",
        "<a href=\" data:@\">",
        "<@>",
        "<@ a>",
        "</@>",
        "<p></p @>",
        "<p></p a='@'>",
        "<p@>x",
        "<p @>",
        "<p @='x'>",
        "<p x@=\"1\">",
        "<p x=1@>",
        "<p x=@1>",
        "<p x=@@>",
        "<p x@>",
        "<p x=''@>",
        "<p x=\"@",
        "<p x='1' y=@",
        "<p>&@;",
        "<p>&am@;",
        "<p>&#@;",
        "<p a='&x@'>",
        "<title>&@</title>",
        "<title><@</title>",
        "<title></tit@></title>",
        "<title>@",
        "<!-- @",
        "<!DOCTYPE @>",
        "<!x @>",
        "<?php @ ?>",
        "</ @>",
        "<table>@</table>",
        "<table><tr>@<td>x</table>",
        "<table><tr><td>x</td>@</table>",
        "<p><svg><text>@</text></svg>",
        "<p><svg a=@></svg>",
        "<p><svg><path d='@'/></svg>",
        "<svg><style>x</style></svg><p>@</p>",
        "<svg></p>@</svg>",
        "<svg width=1/>@",
        "<math></math><p>@</p>",
        "<plaintext>@",
        "<select><title><p a=\"@\">",
        "<select><svg><![CDATA[ > ]]></svg></select>@",
        "<body><template><col>@</template>",
        "<body><template><tr>@</template>",
        "<p>\r@\n",
        "<p a='\r@@\n'>",
        "<body>x</body>@",
        "<meta http-equiv=refresh content='0;url=@'>",
        "<meta content=\"@\" http-equiv=Refresh>",
        "<meta http-equiv='@'>",
        "<meta charset=iso-8859-1><p>@</p>",
        "<meta http-equiv=content-type content='text/html; charset=latin1'><p>@</p>",
    ] {
        check(&HTML, &[(template, text("v"), BadTemplate)]);
    }
}

#[test]
fn what_is_passed_over_ends_where_browsers_end_it() {
    for (template, file) in [
        ("<script>a < b; '</scripts>'</SCRIPT ><p>@", "<script>a < b; '</scripts>'</SCRIPT ><p>v"),
        ("<script><!-- x --> <script></script><p>@", "<script><!-- x --> <script></script><p>v"),
        (
            "<style>p > a { content: '\"' }</style><p a='@'>",
            "<style>p > a { content: '\"' }</style><p a='v'>",
        ),
        ("<p a='>' b=x>@", "<p a='>' b=x>v"),
        ("<p></p a='>'>@", "<p></p a='>'>v"),
        (
            "<p><svg a='b'><path d='M0'/><title>x</title></svg>@",
            "<p><svg a='b'><path d='M0'/><title>x</title></svg>v",
        ),
        (
            "<select><option value=@>@</select><body><template><td>@</template>@",
            "<select><option value=\"v\">v</select><body><template><td>v</template>v",
        ),
        ("<svg/><svg /><p>@", "<svg/><svg /><p>v"),
        (
            "<table><tr><td>@<table><tr><th>@</table>@</td></table>@",
            "<table><tr><td>v<table><tr><th>v</table>v</td></table>v",
        ),
        (
            "<head><meta charset=\"UTF-8\"><meta name=d content=\"@\">",
            "<head><meta charset=\"UTF-8\"><meta name=d content=\"v\">",
        ),
        ("<script src=\"/x?v=@\"></script>", "<script src=\"/x?v=v\"></script>"),
        ("<p =a=@>", "<p =a=\"v\">"),
    ] {
        check(&HTML, &[(template, text("v"), File(file))]);
    }
}

const PIECES: &[&str] = &[
    "@",
    "@",
    "a",
    "=",
    "\"",
    "'",
    "<",
    "</",
    ">",
    "/",
    "<p",
    "<p a=",
    "<p href='",
    "&",
    "#",
    ":",
    " ",
    "\n",
    "\r",
    "<!--",
    "-->",
    "-",
    "!",
    "<!",
    "<?",
    "<title>",
    "</title",
    "<script>",
    "</script>",
    "<svg",
    "</svg>",
    "<table>",
    "<td>",
];

proptest::proptest! {
    #[test]
    fn every_hole_has_one_answer(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)
    ) {
        let mut skeleton = super::Skeleton::default();
        for piece in pieces {
            match piece {
                "@" => skeleton.push_hole(),
                text => skeleton.push_text(text),
            }
        }
        let values = vec![text("v"); skeleton.holes()];
        proptest::prop_assert_eq!((HTML.fill)(&skeleton, &values).len(), values.len());
    }
}
