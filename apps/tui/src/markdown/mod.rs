//! The text of a message as styled lines: [`markdown`] by CommonMark, [`plain`] as it was written. Nothing that was written is
//! hidden: HTML is shown as text, and where a link leads is shown beside it.

mod links;
mod render;

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use ratatui::text::{Line, Span};

use crate::text::{Breaks, width, wrap_traced};
use crate::theme::Theme;

/// What is beyond is shown as it was written.
const LIMIT: usize = 32 * 1024;

/// A longer address is not opened by a click: each frame would send it once for every line that has a part of it, and terminals ignore
/// it (VTE from 2083 bytes on).
const LONGEST_URL: usize = 2048;

/// A text as lines of a width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The lines.
    pub lines: Vec<Line<'static>>,
    /// Where its links lead, in their order.
    pub links: Vec<Link>,
    /// The parts of lines that are links, for terminals that open them.
    pub marks: Vec<Mark>,
}

/// A part of a line that is the text of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which line.
    pub line: usize,
    /// Its cells.
    pub cells: Range<usize>,
    /// What it opens: a web page or a mail.
    pub url: Rc<str>,
}

impl Rendered {
    /// Takes the next line, which is wrapped from spans of which `targets` says what they open. `indent` cells stand before it.
    fn mark(&mut self, indent: usize, line: &Line<'_>, origins: &[usize], targets: &[Option<Rc<str>>]) {
        let mut at = indent;
        for (span, origin) in line.spans.iter().zip(origins) {
            let end = at + width(&span.content);
            if let Some(Some(url)) = targets.get(*origin)
                && url.len() <= LONGEST_URL
                && links::host(url).is_some()
            {
                self.marks.push(Mark {
                    line: self.lines.len(),
                    cells: at..end,
                    url: url.clone(),
                });
            }
            at = end;
        }
    }
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
pub fn plain(text: &str, columns: usize, theme: &Theme) -> Rendered {
    let mut spans = Vec::new();
    let mut targets = Vec::new();
    let mut rendered = Rendered::default();
    let mut shown = 0;
    for range in links::find(text) {
        let url = text[range.clone()].to_owned();
        spans.push(Span::raw(&text[shown..range.start]));
        spans.push(Span::styled(Cow::from(&text[range.clone()]), theme.link));
        targets.extend([None, Some(Rc::from(url.as_str()))]);
        if let Some(warning) = links::warning(&url) {
            spans.push(Span::styled(format!(" [{warning}]"), theme.warning));
            targets.push(None);
        }
        shown = range.end;
        rendered.links.push(Link { text: url.clone(), url });
    }
    spans.push(Span::raw(&text[shown..]));
    for (line, origins) in wrap_traced(&spans, columns, Breaks::Words) {
        rendered.mark(0, &line, &origins, &targets);
        rendered.lines.push(line);
    }
    rendered
}

#[cfg(test)]
mod tests;
