//! The plain value that fills a hole. No spans, no secrecy, no template engine here:
//! what a value is, and how it reads as text.

/// A value as a template printed it.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `none`: no value.
    None,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A finite number with a fraction.
    Float(f64),
    /// Text: any Unicode, NUL and control characters too.
    Text(String),
    /// Values in order.
    List(Vec<Literal>),
    /// Named values, in the order given.
    Map(Vec<(String, Literal)>),
}

impl Literal {
    /// What messages call it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The text of a scalar: `true`/`false`, decimal digits, or the text itself.
    /// `None` for `none`, lists and maps, which have no text that every format shares.
    #[must_use]
    pub fn as_text(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Bool(value) => Some(if *value { "true" } else { "false" }.into()),
            Self::Int(value) => Some(value.to_string().into()),
            Self::Float(value) => Some(value.to_string().into()),
            Self::Text(text) => Some(text.as_str().into()),
            Self::None | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Writes what stands between the items of a list, before all but the first.
pub(super) fn separate(index: usize, separator: &str, out: &mut String) {
    if index > 0 {
        out.push_str(separator);
    }
}
