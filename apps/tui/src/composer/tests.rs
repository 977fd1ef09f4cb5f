use proptest::prelude::*;

use super::*;
use crate::text;
use crate::text::tests::any_text;

impl Composer {
    /// The rows at a width.
    fn lines(&self, width: usize) -> Vec<String> {
        self.layout(width).rows.into_iter().map(|row| row.text).collect()
    }

    /// The cursor's row and column at a width.
    fn cursor(&self, width: usize) -> (usize, usize) {
        self.layout(width).cursor
    }
}

fn with(text: &str) -> Composer {
    let mut composer = Composer::message();
    composer.set_text(text);
    composer
}

/// A text with `|` where the cursor is.
fn shown(composer: &Composer) -> String {
    let (before, after) = composer.text().split_at(composer.cursor_at());
    format!("{before}|{after}")
}

/// Each row: a text with the cursor, an action, what comes of it.
fn check(table: &[(&str, Action, &str)]) {
    for (begin, action, expected) in table {
        let mut composer = with(&begin.replace('|', ""));
        composer.cursor = begin.find('|').unwrap();
        composer.act(*action, 80);
        assert_eq!(shown(&composer), *expected, "{begin} after {}", action.name());
    }
}

#[test]
fn the_cursor_moves_by_graphemes_and_words() {
    check(&[
        ("a👨‍👩‍👧|b", Action::Left, "a|👨‍👩‍👧b"),
        ("|🇩🇪🇫🇷", Action::Right, "🇩🇪|🇫🇷"),
        ("e\u{301}|x", Action::Left, "|e\u{301}x"),
        ("|", Action::Left, "|"),
        ("one, two|", Action::WordLeft, "one, |two"),
        ("one, |two", Action::WordLeft, "|one, two"),
        ("|one, two", Action::WordRight, "one|, two"),
        ("one|, 👍 x", Action::WordRight, "one, 👍| x"),
        ("...|", Action::WordLeft, "|..."),
        ("one\ntw|o", Action::LineStart, "one\n|two"),
        ("o|ne\ntwo", Action::LineEnd, "one|\ntwo"),
        ("o|ne\ntwo", Action::TextEnd, "one\ntwo|"),
        ("one\nt|wo", Action::TextStart, "|one\ntwo"),
    ]);
}

#[test]
fn deletions_take_whole_graphemes_words_and_lines() {
    check(&[
        ("a👨‍👩‍👧|", Action::DeleteBefore, "a|"),
        ("|🇩🇪🇫🇷", Action::DeleteAfter, "|🇫🇷"),
        ("one two|", Action::DeleteWordBefore, "one |"),
        ("|one two", Action::DeleteWordAfter, "| two"),
        ("one\ntwo th|ree", Action::DeleteToStart, "one\n|ree"),
        ("one\n|two", Action::DeleteToStart, "one|two"),
        ("o|ne\ntwo", Action::DeleteToEnd, "o|\ntwo"),
        ("one|\ntwo", Action::DeleteToEnd, "one|two"),
    ]);
}

#[test]
fn kills_that_follow_each_other_come_back_together() {
    let mut composer = with("one two three");
    for action in [
        Action::DeleteWordBefore,
        Action::DeleteWordBefore,
        Action::TextStart,
        Action::Yank,
    ] {
        composer.act(action, 80);
    }
    assert_eq!(shown(&composer), "two three|one ");
}

#[test]
fn a_paste_is_one_text_without_control_characters() {
    let mut composer = with("");
    composer.insert("a\r\nb\rc\td\u{1b}[31m\u{7}\u{0}e");
    assert_eq!(composer.text(), "a\nb\nc    d[31me");
    composer.act(Action::Undo, 80);
    assert_eq!(composer.text(), "");
}

#[test]
fn what_is_beyond_the_limit_is_refused_and_the_text_stays() {
    let mut composer = with("kept");
    let outcome = composer.insert(&"x".repeat(MESSAGE_BYTES));
    assert_eq!(
        outcome,
        Outcome::TooLong {
            bytes: MESSAGE_BYTES + 4,
            limit: MESSAGE_BYTES
        }
    );
    assert!(outcome.remark().unwrap().contains("32772 bytes"));
    assert_eq!(composer.text(), "kept");
    assert_eq!(composer.insert(&"x".repeat(MESSAGE_BYTES - 4)), Outcome::Changed);
    assert!(matches!(composer.insert("y"), Outcome::TooLong { .. }));
}

#[test]
fn typed_words_are_undone_one_by_one() {
    let mut composer = with("");
    for c in "one two".chars() {
        composer.insert(&c.to_string());
    }
    let mut seen = Vec::new();
    while composer.act(Action::Undo, 80) == Outcome::Changed {
        seen.push(composer.text().to_owned());
    }
    assert_eq!(seen, ["one", ""]);
    while composer.act(Action::Redo, 80) == Outcome::Changed {}
    assert_eq!(shown(&composer), "one two|");
}

#[test]
fn sent_texts_come_back_and_the_draft_stays() {
    let mut composer = with("first");
    assert_eq!(composer.take(), "first");
    composer.insert("second");
    composer.take();
    composer.insert("draft");
    let texts = |composer: &mut Composer, action, times| -> Vec<String> {
        (0..times)
            .map(|_| {
                composer.act(action, 80);
                composer.text().to_owned()
            })
            .collect()
    };
    assert_eq!(texts(&mut composer, Action::LineUp, 3), ["second", "first", "first"]);
    assert_eq!(texts(&mut composer, Action::LineDown, 3), ["second", "draft", "draft"]);
    for number in 0..2 * HISTORY {
        composer.set_text(&number.to_string());
        composer.take();
    }
    assert_eq!(composer.history.len(), HISTORY);
}

#[test]
fn a_move_up_and_down_keeps_its_column_over_soft_breaks() {
    let mut composer = with("one two three four\nx\nlast line here");
    let rows = composer.lines(10);
    assert_eq!(
        rows,
        ["one two ", "three ", "four", "x", "last line ", "here"].map(str::to_owned)
    );
    composer.act(Action::TextEnd, 10);
    let mut cursors = vec![composer.cursor(10)];
    for _ in 0..5 {
        composer.act(Action::LineUp, 10);
        cursors.push(composer.cursor(10));
    }
    assert_eq!(cursors, [(5, 4), (4, 4), (3, 1), (2, 4), (1, 4), (0, 4)]);
}

#[test]
fn the_cursor_is_after_what_was_typed_also_at_the_end_of_a_row() {
    for (text, width, expected) in [
        ("", 5, (0, 0)),
        ("abcd", 5, (0, 4)),
        ("abcde", 5, (1, 1)),
        ("a\n", 5, (1, 0)),
        ("日", 1, (0, 0)),
        ("ab      ", 4, (0, 3)),
    ] {
        assert_eq!(with(text).cursor(width), expected, "{text:?}");
    }
}

#[test]
fn a_field_has_one_line_that_scrolls_to_the_cursor() {
    let mut field = Composer::field();
    field.insert("one\ntwo three");
    assert_eq!(field.text(), "one two three");
    assert_eq!((field.lines(6), field.cursor(6)), (vec!["three".to_owned()], (0, 5)));
    field.act(Action::TextStart, 6);
    assert_eq!((field.lines(6), field.cursor(6)), (vec!["one tw".to_owned()], (0, 0)));
    assert_eq!(field.act(Action::NewLine, 6), Outcome::Unhandled(Action::NewLine));
    assert_eq!(field.act(Action::Submit, 6), Outcome::Submit);
}

#[test]
fn a_secret_is_neither_shown_nor_kept() {
    let mut secret = Composer::secret();
    let place = secret.text.as_ptr();
    secret.insert("correct horse 👨‍👩‍👧");
    assert_eq!(secret.lines(80), ["•".repeat(15)]);
    secret.act(Action::DeleteWordBefore, 80);
    assert_eq!((secret.text(), secret.killed.as_str()), ("", ""));
    secret.act(Action::Yank, 80);
    secret.act(Action::Undo, 80);
    assert_eq!(secret.text(), "");
    secret.insert("battery staple");
    secret.act(Action::LineUp, 80);
    // It never moved, so it left no copy behind.
    assert_eq!(secret.text.as_ptr(), place);
    assert_eq!(secret.take_secret().as_str(), "battery staple");
    assert!(secret.is_empty() && secret.history.is_empty());
    assert!(!format!("{secret:?}").contains("battery"));
}

#[test]
fn a_completion_replaces_what_was_typed() {
    let mut composer = with("so :thum");
    composer.complete(3..8, "👍 ");
    assert_eq!(shown(&composer), "so 👍 |");
    composer.act(Action::Undo, 80);
    assert_eq!(composer.text(), "so :thum");
}

#[test]
fn more_rows_than_fit_are_shown_around_the_cursor() {
    let mut composer = with("1\n2\n3\n4\n5");
    assert_eq!(composer.height(10, 3), 3);
    let visible = |composer: &Composer| {
        let layout = composer.layout(10);
        let (rows, cursor) = layout.visible(3);
        (rows.iter().map(|row| row.text.clone()).collect::<String>(), cursor)
    };
    assert_eq!(visible(&composer), ("345".to_owned(), (2, 1)));
    composer.act(Action::TextStart, 10);
    assert_eq!(visible(&composer), ("123".to_owned(), (0, 0)));
}

#[derive(Clone, Debug)]
enum Step {
    Act(Action),
    Insert(String),
    SetText(String),
    Take,
}

fn any_step() -> impl Strategy<Value = Step> {
    let actions: Vec<Action> = Action::ALL
        .iter()
        .copied()
        .filter(|action| action.scope() == crate::action::Scope::Composer)
        .collect();
    prop_oneof![
        6 => proptest::sample::select(actions).prop_map(Step::Act),
        3 => any_text().prop_map(Step::Insert),
        1 => any_text().prop_map(Step::SetText),
        1 => Just(Step::Take),
    ]
}

fn check_invariants(composer: &Composer, width: usize) {
    let text = composer.text();
    let boundary = composer.cursor == text.len() || text.grapheme_indices(true).any(|(at, _)| at == composer.cursor);
    assert!(boundary, "the cursor is at {} of {text:?}", composer.cursor);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    let layout = composer.layout(width);
    for row in &layout.rows {
        assert!(text::width(&row.text) <= width.max(1), "{row:?} at {width}");
    }
    let (row, column) = layout.cursor;
    assert!(
        row < layout.rows.len() && column < width.max(1),
        "the cursor at {row}, {column} of {width}"
    );
    assert!(layout.rows[row].text.is_char_boundary(layout.cursor_at));
    let (rows, (row, _)) = layout.visible(3);
    assert!(row < rows.len() && rows.len() <= 3);
    if composer.kind == Kind::Message {
        let mut end = 0;
        for row in &layout.rows {
            assert_eq!(row.range.start, end, "a byte is of no row, or of two");
            end = row.range.end;
        }
        assert_eq!(end, text.len());
    }
}

proptest! {
    #[test]
    fn any_keys_at_any_width_leave_the_cursor_inside(steps in proptest::collection::vec(any_step(), 0..24), width in 0usize..24) {
        for mut composer in [Composer::message(), Composer::field(), Composer::secret()] {
            for step in &steps {
                match step {
                    Step::Act(action) => drop(composer.act(*action, width)),
                    Step::Insert(text) => drop(composer.insert(text)),
                    Step::SetText(text) => drop(composer.set_text(text)),
                    Step::Take => drop(composer.take()),
                }
                check_invariants(&composer, width);
            }
        }
    }

    #[test]
    fn what_is_undone_is_done_again(begin in any_text(), steps in proptest::collection::vec(any_step(), 0..16)) {
        let mut composer = with(&begin);
        let first = composer.text().to_owned();
        for step in &steps {
            match step {
                Step::Act(Action::Undo | Action::Redo) | Step::SetText(_) | Step::Take => {}
                Step::Act(action) => drop(composer.act(*action, 10)),
                Step::Insert(text) => drop(composer.insert(text)),
            }
        }
        let last = composer.text().to_owned();
        while composer.act(Action::Undo, 10) == Outcome::Changed {}
        prop_assert_eq!(composer.text(), &first);
        while composer.act(Action::Redo, 10) == Outcome::Changed {}
        prop_assert_eq!(composer.text(), &last);
        check_invariants(&composer, 10);
    }
}
