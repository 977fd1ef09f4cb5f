use proptest::prelude::*;
use ratatui::style::Modifier;

use super::*;
use crate::text::tests::any_text;
use crate::text::{line_width, width};

fn lines(text: &str, width: usize) -> Vec<String> {
    markdown(text, width, &Theme::default())
        .lines
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The style of the span that has a text.
fn style_of(text: &str, part: &str) -> ratatui::style::Style {
    let rendered = markdown(text, 80, &Theme::default());
    let span = rendered
        .lines
        .iter()
        .flat_map(|line| &line.spans)
        .find(|span| span.content == part);
    span.unwrap_or_else(|| panic!("{part} is no span of {rendered:?}"))
        .style
}

#[test]
fn blocks_are_laid_out() {
    let table: [(&str, &[&str]); 15] = [
        ("one\ntwo", &["one", "two"]),
        ("one\n\ntwo", &["one", "", "two"]),
        ("# Title\ntext", &["Title", "", "text"]),
        ("- a\n- b\n  - c\n    more", &["• a", "• b", "  • c", "    more"]),
        ("3. a\n4. b", &["3. a", "4. b"]),
        ("- a\n\n  b", &["• a", "  b"]),
        ("-\n- b", &["• ", "• b"]),
        ("> quoted\n> > twice", &["▎ quoted", "▎ ", "▎ ▎ twice"]),
        ("```rust\nfn  x() {\n    y\n```", &["rust", "fn  x() {", "    y    "]),
        ("a\n***\nb", &["a", "", "────────────────────────", "", "b"]),
        ("a  \nb", &["a", "b"]),
        ("<b>bold</b> & <!-- c -->", &["<b>bold</b> & <!-- c -->"]),
        ("<div>\nx\n</div>\n", &["<div>", "x", "</div>"]),
        ("![a cat](https://a.example/c.png)", &["image: a cat [a.example]"]),
        ("[Ada]: hello", &["[Ada]: hello"]),
    ];
    for (text, expected) in table {
        assert_eq!(lines(text, 24), expected, "{text:?}");
    }
}

#[test]
fn lines_are_wrapped_under_their_markers() {
    assert_eq!(lines("- one two three", 9), ["• one two", "  three"]);
    assert_eq!(lines("> one two three", 9), ["▎ one two", "▎ three"]);
    assert_eq!(lines("```\n0123456789ab\n```", 9), ["012345678", "9ab      "]);
    // No room for the marker beside the text.
    assert_eq!(lines("123456789. a", 6), ["123456", "789. a"]);
}

#[test]
fn marks_are_styles() {
    assert_eq!(style_of("a *b* c", "b").add_modifier, Modifier::ITALIC);
    assert_eq!(style_of("a **b** c", "b").add_modifier, Modifier::BOLD);
    assert_eq!(style_of("a ~~b~~ c", "b").add_modifier, Modifier::CROSSED_OUT);
    assert_eq!(
        style_of("a ***b*** c", "b").add_modifier,
        Modifier::BOLD | Modifier::ITALIC
    );
    assert_eq!(style_of("a `b` c", "b"), Theme::default().code);
    assert_eq!(style_of("a [b](https://x.example) c", "b"), Theme::default().link);
}

#[test]
fn where_a_link_leads_is_shown() {
    let table = [
        ("[here](https://a.example/b)", "here [a.example]", "https://a.example/b"),
        (
            "[bank.example](https://evil.example/x)",
            "bank.example [https://evil.example/x]",
            "https://evil.example/x",
        ),
        ("<https://a.example/b>", "https://a.example/b", "https://a.example/b"),
        (
            "see https://a.example/_b_*c* x",
            "see https://a.example/_b_*c x",
            "https://a.example/_b_*c",
        ),
        (
            "https://a.example/b_c_d.",
            "https://a.example/b_c_d.",
            "https://a.example/b_c_d",
        ),
        (
            "[x](https://a.example/&#x202e;&#10;y)",
            "x [a.example]",
            "https://a.example/%E2%80%AE%0Ay",
        ),
        ("[*a* b](https://a.example)", "a b [a.example]", "https://a.example"),
    ];
    for (text, shown, url) in table {
        let rendered = markdown(text, 80, &Theme::default());
        assert_eq!(rendered.lines[0].to_string(), shown, "{text}");
        assert_eq!(
            rendered.links.iter().map(|link| link.url.as_str()).collect::<Vec<_>>(),
            [url],
            "{text}"
        );
    }
}

/// The daemon has sanitised the text, but a reference in it is read only here.
#[test]
fn a_character_reference_cannot_bring_back_what_was_sanitised() {
    assert_eq!(lines("a &amp; &#x27; &eacute;", 40), ["a & ' é"]);
    assert_eq!(
        lines("a&#x1b;[31m&#x202e;b&#8203;c", 40),
        ["a&#x1b;[31m&#x202e;b&#8203;c"]
    );
}

#[test]
fn a_plain_text_keeps_its_marks_and_has_its_addresses() {
    let rendered = plain("*a* https://a.example/b, c", 80, &Theme::default());
    assert_eq!(rendered.lines[0].to_string(), "*a* https://a.example/b, c");
    assert_eq!(rendered.lines[0].spans[1].style, Theme::default().link);
    assert_eq!(rendered.links.len(), 1);
}

/// Each would take minutes, or the stack, of a renderer that recurses or that looks back.
#[test]
fn hostile_nesting_is_rendered() {
    for piece in [
        "> ",
        "- ",
        "*",
        "_a",
        "[",
        "![",
        "![a](b",
        "`",
        "<a ",
        "&#1;",
        "1. ",
        "#",
        "\n",
        "https://a.example/(",
        "~~",
        "[a](",
    ] {
        let text = piece.repeat(LIMIT / piece.len());
        for width in [1, 40] {
            let rendered = markdown(&text, width, &Theme::default());
            assert!(rendered.lines.iter().all(|line| line_width(line) <= width), "{piece:?}");
            let sent: usize = rendered.marks.iter().map(|mark| mark.url.len()).sum();
            assert!(sent <= LIMIT * 8, "{piece:?}: each line opens its address");
        }
    }
    let nested = format!("{}a{}", "![".repeat(4000), "](b)".repeat(4000));
    assert!(!markdown(&nested, 40, &Theme::default()).lines.is_empty());
}

fn any_markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any_text(),
        proptest::sample::select(vec![
            "# ",
            "- ",
            "1. ",
            "> ",
            "```\n",
            "`",
            "*",
            "**",
            "_",
            "~~",
            "[",
            "](https://a.example)",
            "![",
            "<b>",
            "<https://a>",
            "\n",
            "\n\n",
            "    ",
            "---\n",
            "&amp;",
            "&#8238;",
            "https://a.example/x_y",
            "\\",
            "[a]: b\n",
            "999999999. ",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_line_is_wider_and_no_letter_is_lost(text in any_markdown(), limit in 1usize..30) {
        for rendered in [markdown(&text, limit, &Theme::default()), plain(&text, limit, &Theme::default())] {
            for line in &rendered.lines {
                prop_assert!(line_width(line) <= limit, "{line:?} is wider than {limit}");
            }
        }
        // Letters are no marks, so that all that were written are shown.
        let letters = |text: &str| text.chars().filter(|c| ('\u{370}'..'\u{fe00}').contains(c) && c.is_alphabetic()).collect::<String>();
        if limit >= 8 && crate::text::graphemes(&text).all(|grapheme| width(grapheme) <= 2) {
            let shown = markdown(&text, limit, &Theme::default()).lines.iter().map(ToString::to_string).collect::<String>();
            for letter in letters(&text).chars() {
                prop_assert!(shown.contains(letter), "{letter} of {text:?} is not in {shown:?}");
            }
        }
    }
}
