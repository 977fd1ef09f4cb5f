//! Snapshots of every scene at three sizes, and the styles that carry meaning.

use std::fmt::Write as _;

use ratatui::style::{Color, Modifier, Style};

use super::scenes::{SCENES, scene};
use super::session::Session;
use crate::text;
use crate::theme::Theme;

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (50, 20)];

#[test]
fn every_view_and_dialog_looks_as_it_did() {
    let mut changed = Vec::new();
    for scene in SCENES {
        let mut screens = String::new();
        for (columns, rows) in SIZES {
            let session = (scene.open)((columns, rows));
            let (_, cursor) = session.frame();
            let cursor = cursor.map_or_else(|| String::from("none"), |at| format!("{},{}", at.x, at.y));
            let _ = write!(
                screens,
                "{columns}×{rows}, cursor {cursor}\n{}",
                framed(&session.screen())
            );
        }
        let compared = std::panic::catch_unwind(|| {
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(scene.name, screens));
        });
        if compared.is_err() {
            changed.push(scene.name);
        }
    }
    assert!(
        changed.is_empty(),
        "look at them, then run with INSTA_UPDATE=always: {changed:?}"
    );
}

/// Lines with their ends marked, so that editors keep them as they are.
fn framed(screen: &str) -> String {
    screen.lines().map(|line| format!("|{line}\n")).collect()
}

/// The style of a text on the screen, from its first cell on.
fn style_of(session: &Session, what: &str) -> Style {
    let screen = session.screen();
    let (row, column) = screen
        .lines()
        .enumerate()
        .find_map(|(row, line)| Some((row, text::width(&line[..line.find(what)?]))))
        .unwrap_or_else(|| panic!("{what:?} is not on the screen:\n{screen}"));
    let at = (
        u16::try_from(column).expect("a column"),
        u16::try_from(row).expect("a row"),
    );
    session.frame().0[at].style()
}

#[track_caller]
fn has(session: &Session, what: &str, slot: Style) {
    let style = style_of(session, what);
    let colour = slot.fg.unwrap_or(session.app.theme.text.fg.unwrap_or(Color::Reset));
    assert_eq!(style.fg, Some(colour), "the colour of {what:?}");
    assert!(
        style.add_modifier.contains(slot.add_modifier),
        "the attributes of {what:?}: {style:?} {slot:?}"
    );
    if slot.bg.is_some() {
        assert_eq!(style.bg, slot.bg, "the background of {what:?}");
    }
}

#[test]
fn what_has_a_meaning_has_a_style_of_its_own() {
    for name in Theme::NAMES {
        let theme = Theme::builtin(name).expect("a theme");
        let styled = |scene_name| {
            let mut session = scene(scene_name, (100, 40));
            session.app.theme = theme.clone();
            session.app.forget_layout();
            session.settle();
            session
        };
        let conversation = styled("conversation");
        has(&conversation, "Carol", theme.unread);
        has(&conversation, "New messages", theme.unread);
        has(&conversation, "✗ failed", theme.error);
        has(&conversation, "◷ queued", theme.warning);
        has(&conversation, "Today", theme.separator);
        has(&conversation, "4711", theme.code);
        has(&conversation, "https://maps", theme.link);
        has(&conversation, "✓ verified", theme.verified);
        has(&styled("key-changed"), "! the key has changed", theme.error);
        has(&styled("conversation-of-a-claimed-name"), "It is me, Bob", theme.text);
        let selected = styled("message-selected");
        let style = style_of(&selected, "The code of the gate");
        let ground = theme.selected.bg.or(Some(Color::Reset));
        let marked = style.bg == ground && style.add_modifier.contains(theme.selected.add_modifier);
        assert!(marked, "{name}: the selected message stands out: {style:?}");
        has(&styled("hits"), "lake on Saturday", theme.hit);
        has(&styled("open-store"), "The passphrase is wrong", theme.error);
    }
}

#[test]
fn without_colours_states_still_differ_by_their_words_and_attributes() {
    let mut session = scene("conversation", (100, 40));
    session.app.theme = Theme::builtin("dark")
        .expect("a theme")
        .reduced(crate::theme::ColorDepth::None);
    session.app.forget_layout();
    session.settle();
    let plain = style_of(&session, "Then I bring");
    assert_eq!(
        (plain.fg, plain.bg),
        (style_of(&session, "✗ failed").fg, style_of(&session, "✗ failed").bg)
    );
    assert!(style_of(&session, "Carol").add_modifier.contains(Modifier::BOLD));
    session.press("shift-tab");
    let chosen = style_of(&session, "Are you up?");
    assert!(chosen.add_modifier.contains(Modifier::REVERSED), "{chosen:?}");
}
