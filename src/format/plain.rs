//! Plain text: a value stands in the file as it is.
//!
//! **The only format without escaping.** It has no syntax, so there is nothing to protect:
//! whatever reads the file decides what a value in it means. A file that some program
//! parses must be declared as that program's format, never as `plain`.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | text | everywhere | as it is, byte for byte, NUL included | none, lists, maps | none needed |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton, fill_with};

/// Text without any syntax.
pub(super) static PLAIN: Format = Format { name: "plain", destinations: &["*.txt"], fill };

#[derive(Clone, Copy)]
enum Context {
    Text,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, |skeleton| vec![Ok(Context::Text); skeleton.holes()], encode)
}

fn encode(Context::Text: &Context, value: &Literal) -> Filling {
    value.as_text().map(String::from).ok_or_else(|| {
        Refusal::value(
            "plain text",
            format!("plain text has no form for {}", value.kind()),
            "print its parts, or join them with a filter",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(value: Literal) -> Filling {
        let mut skeleton = Skeleton::default();
        skeleton.push_text("a ");
        skeleton.push_hole();
        fill(&skeleton, &[value]).remove(0)
    }

    #[test]
    fn text_is_kept_byte_for_byte() {
        for text in ["", "a", "{{ x }}", "'\"\\$`\r\n\t", "a\0b", "\u{feff}é\u{202e}"] {
            assert_eq!(filled(Literal::Text(text.into())), Ok(text.to_owned()));
        }
    }

    #[test]
    fn scalars_have_their_shared_text() {
        assert_eq!(filled(Literal::Bool(true)).as_deref(), Ok("true"));
        assert_eq!(filled(Literal::Int(-7)).as_deref(), Ok("-7"));
        assert_eq!(filled(Literal::Float(1.5)).as_deref(), Ok("1.5"));
    }

    #[test]
    fn what_has_no_text_is_refused() {
        for value in [Literal::None, Literal::List(vec![]), Literal::Map(vec![])] {
            assert!(filled(value).is_err());
        }
    }
}
