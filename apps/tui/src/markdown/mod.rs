//! The text of a message as styled lines: [`markdown`] by CommonMark, [`plain`] as it was written. Nothing that was written is
//! hidden: HTML is shown as text, and where a link leads is shown beside it.

mod links;
mod render;

use std::borrow::Cow;

use ratatui::text::{Line, Span};

use crate::text::wrap;
use crate::theme::Theme;

/// What is beyond is shown as it was written.
const LIMIT: usize = 32 * 1024;

/// A text as lines of a width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The lines.
    pub lines: Vec<Line<'static>>,
    /// Where its links lead, in their order.
    pub links: Vec<Link>,
}

/// A link of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What is shown for it.
    pub text: String,
    /// What it opens.
    pub url: String,
}

/// A text of CommonMark. A line feed stays one. Width 0 is taken as 1.
pub fn markdown(text: &str, width: usize, theme: &Theme) -> Rendered {
    if text.len() > LIMIT {
        plain(text, width, theme)
    } else {
        render::render(text, width.max(1), theme)
    }
}

/// A text as it was written, with its addresses styled. Width 0 is taken as 1.
pub fn plain(text: &str, width: usize, theme: &Theme) -> Rendered {
    let mut spans = Vec::new();
    let mut links = Vec::new();
    let mut shown = 0;
    for range in links::find(text) {
        spans.push(Span::raw(&text[shown..range.start]));
        spans.push(Span::styled(Cow::from(&text[range.clone()]), theme.link));
        let warning = links::warning(&text[range.clone()]);
        spans.extend(warning.map(|warning| Span::styled(format!(" [{warning}]"), theme.warning)));
        shown = range.end;
        let url = text[range].to_owned();
        links.push(Link { text: url.clone(), url });
    }
    spans.push(Span::raw(&text[shown..]));
    Rendered {
        lines: wrap(&spans, width),
        links,
    }
}

#[cfg(test)]
mod tests;
