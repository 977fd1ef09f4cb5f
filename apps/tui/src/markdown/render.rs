//! [`Renderer`]: lines from the events of the parser. The parser does not recurse, and neither does this: what is open is a stack.

use std::ops::Range;
use std::rc::Rc;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{Link, Rendered, links, plain};
use crate::text::{Breaks, is_hidden, line_width, width, wrap_by, wrap_traced};
use crate::theme::Theme;

pub(super) fn render(source: &str, width: usize, theme: &Theme) -> Rendered {
    let parser = Parser::new_ext(source, Options::ENABLE_STRIKETHROUGH);
    // The parser says nothing of definitions: `[Ada]: hello` would vanish.
    if parser.reference_definitions().iter().next().is_some() {
        return plain(source, width, theme);
    }
    let mut renderer = Renderer::new(source, width, theme);
    for (event, range) in parser.into_offset_iter() {
        renderer.event(event, range);
    }
    renderer.flush();
    renderer.rendered
}

/// A quotation or an item of a list, around what it holds.
struct Container {
    /// What stands before its first line, once.
    marker: Option<Span<'static>>,
    /// What stands before its other lines.
    indent: Span<'static>,
    cells: usize,
}

/// A link or an image whose text is being read.
struct Open {
    /// The span that it begins with.
    first: usize,
    url: Rc<str>,
}

struct Renderer<'a> {
    source: &'a str,
    theme: &'a Theme,
    width: usize,
    rendered: Rendered,
    /// Those that have an indentation. It takes half of the width at most.
    containers: Vec<Container>,
    /// Whether each open container has one.
    drawn: Vec<bool>,
    /// The next number of each open list.
    lists: Vec<Option<u64>>,
    styles: Vec<Style>,
    spans: Vec<Span<'static>>,
    /// What each of them opens, where it is of a link.
    targets: Vec<Option<Rc<str>>>,
    open: Vec<Open>,
    /// The text of the code block that is open.
    code: Option<String>,
    /// Addresses of the source that the author did not mark as links, and up to where they are written.
    addresses: std::iter::Peekable<std::vec::IntoIter<Range<usize>>>,
    written: usize,
    /// Whether an empty line separates what comes from what was.
    gap: bool,
}

impl<'a> Renderer<'a> {
    fn new(source: &'a str, width: usize, theme: &'a Theme) -> Self {
        Self {
            source,
            theme,
            width,
            rendered: Rendered::default(),
            containers: Vec::new(),
            drawn: Vec::new(),
            lists: Vec::new(),
            styles: vec![Style::new()],
            spans: Vec::new(),
            targets: Vec::new(),
            open: Vec::new(),
            code: None,
            addresses: links::find(source).into_iter().peekable(),
            written: 0,
            gap: false,
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        let inline = matches!(
            event,
            Event::Text(_) | Event::Code(_) | Event::InlineHtml(_) | Event::SoftBreak | Event::HardBreak
        );
        if inline && range.end <= self.written {
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, range),
            Event::Code(text) => self.push(&text, self.style().patch(self.theme.code)),
            Event::Html(text) | Event::InlineHtml(text) => self.push(&text, self.style()),
            Event::SoftBreak | Event::HardBreak => self.push("\n", self.style()),
            Event::Rule => {
                self.separate();
                let cells = self.room();
                self.emit(Line::styled("─".repeat(cells), self.theme.separator));
                self.gap = true;
            }
            // Their syntax is not enabled.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.push(&text, self.style());
            }
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis => self.styled(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.styled(Style::new().add_modifier(Modifier::BOLD)),
            Tag::Strikethrough => self.styled(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } => self.open(&dest_url),
            Tag::Image { dest_url, .. } => {
                self.open(&dest_url);
                self.push("image: ", self.style());
            }
            block => {
                self.flush();
                self.separate();
                self.start_block(block);
            }
        }
    }

    fn start_block(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => self.styled(self.theme.heading),
            Tag::BlockQuote(_) => {
                let bar = Span::styled("▎ ", self.theme.quote);
                self.contain(Some(bar.clone()), bar);
                self.styled(self.theme.quote);
            }
            Tag::List(number) => self.lists.push(number),
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "• ".to_owned(),
                };
                let indent = Span::raw(" ".repeat(width(&marker)));
                self.contain(Some(Span::styled(marker, self.theme.accent)), indent);
            }
            Tag::CodeBlock(kind) => {
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.push(&language, self.theme.dim);
                    self.flush();
                }
                self.code = Some(String::new());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => drop(self.styles.pop()),
            TagEnd::Link | TagEnd::Image => self.close(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
                self.gap = true;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.styles.pop();
                self.leave();
                self.gap = true;
            }
            TagEnd::Item => {
                self.flush();
                // An item without text.
                if self
                    .containers
                    .last()
                    .is_some_and(|container| container.marker.is_some())
                    && self.drawn.last() == Some(&true)
                {
                    self.emit(Line::default());
                }
                self.leave();
                self.gap = false;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.gap = true;
            }
            TagEnd::CodeBlock => {
                self.code_block();
                self.gap = true;
            }
            _ => {
                self.flush();
                self.gap = true;
            }
        }
    }

    /// Text, in which addresses stay as they were written, although the parser may see marks in them.
    fn text(&mut self, text: &str, range: Range<usize>) {
        if let Some(code) = &mut self.code {
            code.push_str(text);
            return;
        }
        // A character reference, such as `&amp;`, is what it stands for, if that can be seen.
        if self.source.get(range.clone()) != Some(text) {
            let hidden = text.chars().any(is_hidden);
            let source = self.source.get(range).unwrap_or_default();
            let shown = if hidden { source } else { text };
            self.push(shown, self.style());
            return;
        }
        let mut at = range.start.max(self.written);
        if self.open.is_empty() {
            while let Some(address) = self.addresses.next_if(|address| address.start < range.end) {
                if address.start >= at {
                    self.push(&self.source[at..address.start], self.style());
                    self.address(address.clone());
                    at = address.end;
                }
            }
        }
        if let Some(rest) = self.source.get(at..range.end) {
            self.push(rest, self.style());
        }
    }

    fn address(&mut self, range: Range<usize>) {
        let url = &self.source[range.clone()];
        self.push_of(url, self.style().patch(self.theme.link), Some(Rc::from(url)));
        self.warn(url);
        self.rendered.links.push(Link {
            text: url.to_owned(),
            url: url.to_owned(),
        });
        self.written = range.end;
    }

    fn open(&mut self, url: &CowStr<'_>) {
        self.open.push(Open {
            first: self.spans.len(),
            url: links::visible(url).into(),
        });
        self.styled(self.theme.link);
    }

    fn close(&mut self) {
        self.styles.pop();
        let Some(Open { first, url }) = self.open.pop() else {
            return;
        };
        // Images can be nested as deep as the text is long: of a long text its beginning suffices.
        let mut text = String::new();
        for span in self.spans.iter().skip(first) {
            if text.len() > 512 {
                break;
            }
            text.push_str(&span.content);
        }
        if let Some(destination) = links::destination(&text, &url) {
            self.push(&format!(" [{destination}]"), self.style().patch(self.theme.dim));
        }
        self.warn(&url);
        let url = String::from(&*url);
        self.rendered.links.push(Link { text, url });
    }

    /// Says after a link that its host can be taken for another one.
    fn warn(&mut self, url: &str) {
        if let Some(warning) = links::warning(url) {
            self.push(&format!(" [{warning}]"), self.style().patch(self.theme.warning));
        }
    }

    /// The lines of a code block, as wide as its widest, so that its background is even.
    fn code_block(&mut self) {
        let code = self.code.take().unwrap_or_default();
        let style = self.theme.code;
        let code = code.strip_suffix('\n').unwrap_or(&code);
        let lines = wrap_by(&[Span::styled(code, style)], self.room(), Breaks::Anywhere);
        let widest = lines.iter().map(line_width).max().unwrap_or_default();
        for mut line in lines {
            let missing = widest - line_width(&line);
            line.spans.push(Span::styled(" ".repeat(missing), style));
            self.emit(line);
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn styled(&mut self, style: Style) {
        self.styles.push(self.style().patch(style));
    }

    fn push(&mut self, text: &str, style: Style) {
        let target = self.open.last().map(|open| open.url.clone());
        self.push_of(text, style, target);
    }

    /// A text that opens something.
    fn push_of(&mut self, text: &str, style: Style, target: Option<Rc<str>>) {
        // The text of a link begins with a span of its own.
        let first = self.open.last().map_or(0, |open| open.first);
        let joins = self.spans.len() > first && self.targets.last() == Some(&target);
        match self.spans.last_mut() {
            Some(last) if joins && last.style == style => last.content.to_mut().push_str(text),
            _ if text.is_empty() => {}
            _ => {
                self.spans.push(Span::styled(text.to_owned(), style));
                self.targets.push(target);
            }
        }
    }

    /// Cells of a line that containers leave.
    fn room(&self) -> usize {
        self.width - self.containers.iter().map(|container| container.cells).sum::<usize>()
    }

    fn contain(&mut self, marker: Option<Span<'static>>, indent: Span<'static>) {
        let cells = width(&indent.content);
        let drawn = self.width - self.room() + cells <= self.width / 2;
        self.drawn.push(drawn);
        if drawn {
            self.containers.push(Container { marker, indent, cells });
        } else {
            self.targets.extend(marker.iter().map(|_| None));
            self.spans.extend(marker);
        }
    }

    fn leave(&mut self) {
        if self.drawn.pop() == Some(true) {
            self.containers.pop();
        }
    }

    /// Before a block: an empty line, but not within lists.
    fn separate(&mut self) {
        if std::mem::take(&mut self.gap) && self.lists.is_empty() {
            self.emit(Line::default());
        }
    }

    fn flush(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        let mut spans = std::mem::take(&mut self.spans);
        let targets = std::mem::take(&mut self.targets);
        // That of the last line of HTML.
        if let Some(last) = spans.last_mut().filter(|last| last.content.ends_with('\n')) {
            last.content.to_mut().pop();
        }
        let indent = self.width - self.room();
        for (line, origins) in wrap_traced(&spans, self.room(), Breaks::Words) {
            self.rendered.mark(indent, &line, &origins, &targets);
            self.emit(line);
        }
    }

    fn emit(&mut self, line: Line<'static>) {
        let mut whole = Line::default();
        for container in &mut self.containers {
            whole
                .spans
                .push(container.marker.take().unwrap_or_else(|| container.indent.clone()));
        }
        whole.spans.extend(line.spans);
        self.rendered.lines.push(whole);
    }
}
