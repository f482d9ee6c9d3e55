//! The places of an HTML document where no value can stand, and what to write instead.

use super::super::skeleton::Refusal;

pub(super) fn script() -> Refusal {
    Refusal::template(
        "an html script",
        "JavaScript reads texts by rules of its own",
        "write it into an attribute, as in data-x=\"{{ x }}\", and read that from the script",
    )
}

pub(super) fn style() -> Refusal {
    Refusal::template(
        "an html style",
        "CSS reads texts by rules of its own",
        "choose a class with {% if %}, or write the style without values",
    )
}

pub(super) fn raw() -> Refusal {
    Refusal::template(
        "an html element that holds raw text",
        "it knows no escapes",
        "put it into another element, or into an attribute",
    )
}

pub(super) fn structure() -> Refusal {
    Refusal::template(
        "an html name",
        "names are the structure of the document",
        "write the name in the template, or choose it with {% if %}",
    )
}

pub(super) fn unquoted() -> Refusal {
    Refusal::template(
        "an html attribute without quotes",
        "a space would end it",
        "write the whole value in quotes: name=\"…{{ x }}…\"",
    )
}

pub(super) fn document_in_attribute() -> Refusal {
    Refusal::template(
        "an html attribute that holds a document or a list",
        "its text is taken apart once more",
        "write src=\"{{ x }}\", or put it into an element",
    )
}

pub(super) fn instruction_to_browser() -> Refusal {
    Refusal::template(
        "an html attribute that holds an instruction for the browser",
        "its text is taken apart once more",
        "write it without a value, or send a header",
    )
}

pub(super) fn scheme() -> Refusal {
    Refusal::template(
        "an address in html",
        "the text before the value isn't a scheme that is known to be harmless",
        "begin it with https:, http:, mailto:, tel: or /",
    )
}

pub(super) fn reference() -> Refusal {
    Refusal::template(
        "an html character reference",
        "the value would become part of its name",
        "write &amp; for an &, and end a reference with ;",
    )
}

pub(super) fn outside_body() -> Refusal {
    Refusal::template(
        "an html document, outside its body",
        "text there would begin the body, and lose its spaces",
        "put it into an element of the body, or into <title>",
    )
}

pub(super) fn table() -> Refusal {
    Refusal::template(
        "an html table, outside its cells",
        "browsers move text from there to the front of the table",
        "put it into <td>, <th> or <caption>",
    )
}

pub(super) fn comment() -> Refusal {
    Refusal::template(
        "an html comment",
        "two values side by side, or one in <noscript>, may be read as something else",
        "write it outside the comment",
    )
}

pub(super) fn foreign() -> Refusal {
    Refusal::template(
        "svg or math in an html document",
        "their elements are read by other rules",
        "put it into an element outside of them, or into a file of its own",
    )
}

pub(super) fn encoding() -> Refusal {
    Refusal::template(
        "an html document of another encoding",
        "castoff writes files in UTF-8",
        "<meta charset=\"utf-8\">",
    )
}

pub(super) fn torn() -> Refusal {
    Refusal::template(
        "an html document",
        "a value stands between a carriage return and its line feed",
        "put the value before the carriage return",
    )
}

pub(super) fn unsure() -> Refusal {
    Refusal::template(
        "an html document",
        "the text around it leaves open how it is read",
        "close the tag, the quote or the comment before it",
    )
}
