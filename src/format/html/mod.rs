//! HTML documents and parts of them, in UTF-8, as browsers read them.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | text | in the body, `<title>`, `<textarea>` | `&amp;` `&lt;` `&gt;`, references for carriage returns and a first line feed, which `<pre>` and `<textarea>` would drop | U+0000; none, lists, maps | HTML §13.2.5, §13.2.6.4.7; read back |
//! | attribute | `name="…"`, `name='…'` | the same, and references for both quotes, tab, line feed | the same | HTML §13.2.5.36; read back |
//! | whole attribute | `name={{ x }}` | the same in `"…"` | the same | read back |
//! | address | `href`, `src`, `action` and the like | the same; of its parts nothing is quoted: that is what the filter `url` is for | where the value decides it: any scheme but http, https, mailto and tel; behind a scheme of the template that is none of them: all | HTML §8.1; html/template of Go; read back |
//! | comment | `<!-- … -->` | as it is | U+0000, `--`, carriage return; `-`, `>` and `!` where they could end it; all beside another value and in `<noscript>` | HTML §13.1.6; read back |
//! | `<script>`, `<style>`, `on…=`, `style=`, `srcdoc=`, `srcset=`, `<meta http-equiv>`, other elements of raw text, names, references, `<!…>`, `<?…>`, parts of a value without quotes | | – | all | HTML §13.2.5; html/template of Go |
//! | before the body, in a table outside its cells | | – | all: browsers move such text or drop its spaces | HTML §13.2.6 |
//! | `<svg>`, `<math>`, behind an encoding other than UTF-8, in what isn't closed | | – | all | |

mod encode;
mod lex;
mod refusals;
mod tag;
mod url;

#[cfg(test)]
mod tests;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Skeleton, fill_with};

/// HTML documents.
pub(super) static HTML: Format = Format { name: "html", destinations: &["*.html", "*.htm"], fill };

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Context {
    /// `newline_dropped`: a line feed at the start is not read.
    Text { newline_dropped: bool },
    /// `quoted`: between the template's own quotes. `start`: it decides what an address is.
    Attribute { quoted: bool, start: Option<url::Start> },
    /// What it touches.
    Comment(Comment),
}

/// What a value in a comment touches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Comment {
    /// It begins the comment.
    first: bool,
    after_dash: bool,
    /// Behind `--` this would end the comment together with a `>`.
    after_exclamation: bool,
    after_return: bool,
    before_dash: bool,
    /// What follows would end the comment right at its start.
    before_end: bool,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex::lex, encode::encode)
}
