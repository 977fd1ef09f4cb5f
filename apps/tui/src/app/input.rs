//! What [`App`] does with keys, pastes and the mouse.

use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::dialog::{Kind, NO_NAME};
use super::{App, Drag, Effect, Focus, Intent};
use crate::action::{Action, Scope};
use crate::composer::Outcome;
use crate::keys::Resolution;
use crate::palette;
use crate::{emoji, view};

/// Lines that a step of the wheel scrolls.
const WHEEL: isize = 3;

impl App {
    /// Where a key goes.
    pub fn scope(&self) -> Scope {
        match self.dialogs.last() {
            Some(open) if open.focus < open.fields.len() => Scope::Composer,
            Some(_) => Scope::List,
            None => match self.focus {
                Focus::List => Scope::List,
                Focus::Messages => Scope::Messages,
                Focus::Composer => Scope::Composer,
            },
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.used_at = self.now;
        self.conversations.settle();
        self.drag = None;
        let scope = self.scope();
        match self.config.keymap.resolve(scope, &mut self.pending, key) {
            Resolution::Action(action) => self.pressed(action),
            Resolution::Text(text) => self.typed(&text),
            Resolution::Pending => {}
            Resolution::Unbound => self.letter(key),
        }
    }

    /// A letter that no map has: it can be one of the open dialog's keys, or begin a command.
    fn letter(&mut self, key: KeyEvent) {
        let Some(open) = self.dialogs.last() else {
            if key.code == crossterm::event::KeyCode::Char('/') && self.focus == Focus::Messages {
                self.begin_command();
            }
            return;
        };
        if let crossterm::event::KeyCode::Char(letter) = key.code
            && open.keys.iter().any(|(key, _)| *key == letter)
        {
            self.row_key(letter);
        }
    }

    /// A command is written in the composer, unless a text is there already.
    fn begin_command(&mut self) {
        if self.composer.text().is_empty() {
            self.focus = Focus::Composer;
            self.insert("/");
        } else {
            self.act(Action::Palette, "");
        }
    }

    fn pressed(&mut self, action: Action) {
        if !self.dialogs.is_empty() {
            self.pressed_in_dialog(action);
            return;
        }
        match (action.scope(), self.focus) {
            (Scope::Composer, Focus::Composer) => self.edit(action),
            (Scope::List, Focus::List) => self.pressed_in_list(action),
            _ => self.act(action, ""),
        }
    }

    fn pressed_in_list(&mut self, action: Action) {
        let last = self.conversations.len().saturating_sub(1);
        let page = usize::from(view::areas(self).sidebar.map_or(1, |area| area.height)).max(2) - 1;
        self.chosen = match action {
            Action::Up => self.chosen.saturating_sub(1),
            Action::Down => (self.chosen + 1).min(last),
            Action::PageUp => self.chosen.saturating_sub(page),
            Action::PageDown => (self.chosen + page).min(last),
            Action::First => 0,
            Action::Last => last,
            Action::Choose => return self.open_place(self.chosen),
            Action::Filter => return self.act(Action::Palette, ""),
            _ => self.chosen,
        };
    }

    fn pressed_in_dialog(&mut self, action: Action) {
        if self.scroll_row(action) {
            return;
        }
        let Some(open) = self.dialogs.last_mut() else { return };
        let one_list = open.kind.filters() || matches!(open.kind, Kind::React { .. });
        let page = isize::from(i16::try_from(self.size.1 / 2).unwrap_or(8)).max(1);
        let rows = !open.rows.is_empty();
        match action {
            Action::Back => {
                if open.kind.stays() {
                    self.back_in_first_run();
                } else {
                    self.close();
                }
            }
            Action::Submit | Action::Choose => self.choose(),
            Action::LineUp | Action::LineDown if one_list => open.step(if action == Action::LineUp { -1 } else { 1 }),
            Action::NextPane | Action::Complete | Action::LineDown => open.next(true),
            Action::PreviousPane | Action::LineUp => open.next(false),
            Action::Quit => self.quit(),
            Action::Lock => self.lock(),
            Action::Suspend => self.effect(Effect::Suspend),
            Action::Redraw => self.effect(Effect::Redraw),
            Action::Up if rows => open.step(-1),
            Action::Down if rows => open.step(1),
            Action::Up => open.scroll = open.scroll.saturating_sub(1),
            Action::Down => open.scroll = open.scroll.saturating_add(1),
            Action::PageUp => open.step(-page),
            Action::PageDown => open.step(page),
            Action::First => open.step(isize::MIN),
            Action::Last => open.step(isize::MAX),
            Action::Filter if !open.fields.is_empty() => open.focus = 0,
            _ if action.scope() == Scope::Composer => {
                if let Some(input) = open.input() {
                    input.act(action, usize::MAX);
                    self.field_changed();
                }
            }
            _ => {
                // Another command, as from the palette; what is open stays below it.
                let replaces = matches!(action, Action::Palette | Action::Help) && !open.kind.stays();
                if replaces {
                    self.act(action, "");
                }
            }
        }
    }

    /// Scrolls within the chosen row, if it is taller than its room. Says whether there was more of it that way.
    pub(super) fn scroll_row(&mut self, action: Action) -> bool {
        let page = isize::from(i16::try_from(self.size.1 / 2).unwrap_or(8)).max(1);
        let most = view::dialog_overflow(self);
        let Some(open) = self.dialogs.last_mut() else {
            return false;
        };
        let by = match action {
            Action::Up => -1,
            Action::Down => 1,
            Action::PageUp => -page,
            Action::PageDown => page,
            _ => return false,
        };
        let to = open.row_scroll.min(most).saturating_add_signed(by).min(most);
        std::mem::replace(&mut open.row_scroll, to) != to
    }

    /// Back through the questions of the first run.
    fn back_in_first_run(&mut self) {
        let before = self.dialogs.len() > 1;
        let busy = self.dialogs.last().is_some_and(|open| open.busy);
        if before && !busy && !self.locked {
            self.close();
        }
    }

    /// Takes a line where there are no keys.
    pub(super) fn line(&mut self, line: &str) {
        self.used_at = self.now;
        self.conversations.settle();
        let Some(open) = self.dialogs.last_mut() else {
            self.composer.set_text(line);
            return self.submit();
        };
        let words = line.trim();
        let narrows = open.kind.filters() || matches!(open.kind, Kind::React { .. });
        let writes = open.focus < open.fields.len() && !narrows;
        let number = words.parse::<usize>().ok().filter(|_| !writes);
        if words.is_empty() && (!writes || open.needs_text()) {
            self.pressed_in_dialog(Action::Back);
        } else if let Some(number) = number.filter(|number| !narrows || open.numbered(*number).is_some()) {
            if self.choose_number(number) {
                self.choose();
            }
        } else if open.focus < open.fields.len() {
            open.error = None;
            let line = if open.is_name() && words == NO_NAME { "" } else { line };
            if !words.is_empty() || open.offered().is_none() {
                open.fields[open.focus].input.set_text(line);
            }
            self.field_changed();
            if writes {
                self.choose();
            }
        } else if let Some(letter) = words.chars().next() {
            // The key of a row, and which row: `a 2`.
            match words[letter.len_utf8()..].trim().parse::<usize>() {
                Ok(number) if self.choose_number(number) => self.row_key(letter),
                Ok(_) => {}
                Err(_) => self.complain("Write a key of the list and the number of a row, as in: a 2"),
            }
        }
    }

    /// Chooses the row that was read out with that number. False if it is not there any more.
    fn choose_number(&mut self, number: usize) -> bool {
        let Some(open) = self.dialogs.last_mut() else {
            return false;
        };
        let Some(place) = open.numbered(number) else {
            self.complain(format!("Number {number} is not in this list, or not any more."));
            return false;
        };
        open.focus = open.fields.len();
        open.choose_row(place);
        true
    }

    fn typed(&mut self, text: &str) {
        match self.dialogs.last_mut() {
            Some(open) => {
                open.error = None;
                if let Some(input) = open.input() {
                    input.insert(text);
                }
                self.field_changed();
            }
            None => self.insert(text),
        }
    }

    /// What follows the text of a field.
    fn field_changed(&mut self) {
        let Some(open) = self.dialogs.last_mut() else { return };
        if open.kind == Kind::NewPassphrase {
            let strength = crate::passphrase::strength(open.fields[0].input.text());
            open.fields[0].remark = strength.to_owned();
        }
        if open.focus != 0 {
            return;
        }
        if open.kind == Kind::Search {
            self.ask_found();
        } else if open.kind.filters() || matches!(open.kind, Kind::React { .. }) {
            open.selected = 0;
            // A command is written whole, or chosen: Enter runs none that is only like it.
            open.gone = open.is_command();
            self.refill();
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.used_at = self.now;
        match self.dialogs.last_mut() {
            Some(open) => {
                open.error = None;
                if let Some(input) = open.input() {
                    input.insert(text);
                }
                self.field_changed();
            }
            None if self.pane.is_some() => {
                self.focus = Focus::Composer;
                self.insert(text);
            }
            None => self.paste_on_start_page(text.trim()),
        }
    }

    /// Where no conversation is open, a friend code is that of a friend to be added. For another text there is no place yet.
    fn paste_on_start_page(&mut self, text: &str) {
        if is_friend_code(text) {
            self.act(Action::AddFriend, text);
        } else if !text.is_empty() {
            self.say("What you have pasted is not kept: open a conversation first, and paste it there.");
        }
    }

    fn insert(&mut self, text: &str) {
        if self.pane.is_none() {
            // There is nothing to write in: a conversation or a command is looked for.
            self.act(Action::Palette, "");
            self.typed(text);
            return;
        }
        let outcome = self.composer.insert(text);
        self.follow(outcome);
    }

    fn edit(&mut self, action: Action) {
        match action {
            Action::Submit => self.submit(),
            Action::Editor => self.write_in_editor(),
            Action::Complete => self.complete(),
            _ => {
                let width = usize::from(view::areas(self).input.width);
                let outcome = self.composer.act(action, width);
                self.follow(outcome);
            }
        }
    }

    fn follow(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Changed => self.wrote(),
            Outcome::TooLong { .. } => self.complain(outcome.remark().unwrap_or_default()),
            Outcome::Unchanged | Outcome::Submit | Outcome::Unhandled(_) => {}
        }
    }

    fn write_in_editor(&mut self) {
        let context = match &self.intent {
            Intent::Reply { quote, .. } => quote.clone(),
            Intent::Send | Intent::Edit { .. } => String::new(),
        };
        let text = self.composer.text().to_owned();
        self.effect(Effect::Editor { text, context });
    }

    pub(super) fn edited(&mut self, outcome: Result<Option<String>, String>) {
        match outcome {
            Ok(Some(text)) => {
                let outcome = self.composer.replace(text.trim_end());
                self.follow(outcome);
            }
            Ok(None) => {}
            Err(why) => self.complain(why),
        }
    }

    /// Completes a command or an emoji's name before the cursor.
    fn complete(&mut self) {
        let text = self.composer.text().to_owned();
        if let Some(begun) = text
            .strip_prefix('/')
            .filter(|begun| !begun.contains(char::is_whitespace))
        {
            let found = palette::completions(begun);
            match found.as_slice() {
                [] => self.say("No command begins so."),
                [one] => {
                    let whole = format!("/{one} ");
                    self.composer.set_text(&whole);
                }
                several => {
                    let common = common_beginning(several);
                    if common.len() > begun.len() {
                        self.composer.set_text(&format!("/{common}"));
                    }
                    self.say(several.join("  "));
                }
            }
            return;
        }
        let cursor = self.composer.cursor_at();
        let begun = emoji::being_written(&text[..cursor]);
        let found = begun.and_then(|(at, name)| Some((at, *emoji::matching(name).first()?)));
        if let Some((at, found)) = found {
            let outcome = self.composer.complete(at..cursor, found.symbol);
            self.follow(outcome);
        } else {
            // The key goes on to the next pane where there is nothing to complete.
            self.act(Action::NextPane, "");
        }
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent) {
        self.used_at = self.now;
        if !self.config.mouse || self.locked {
            return;
        }
        let at = (mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(at, -WHEEL),
            MouseEventKind::ScrollDown => self.wheel(at, WHEEL),
            MouseEventKind::Down(MouseButton::Left) => {
                self.drag = Some(Drag { from: at, to: at });
                self.click(at);
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                let from = self.drag.map_or(at, |drag| drag.from);
                self.drag = Some(Drag { from, to: at });
            }
            MouseEventKind::Up(MouseButton::Left) => {
                if self.drag.is_some_and(|drag| drag.from != drag.to) {
                    // The view has the text that was drawn there.
                    self.copy_drag = true;
                } else {
                    self.drag = None;
                }
            }
            _ => {}
        }
    }

    /// The text that is to be copied, if the button was released: `drawn` is what is selected on the screen.
    pub fn copied_by_mouse(&mut self, drawn: Option<String>) -> Option<String> {
        let released = std::mem::take(&mut self.copy_drag);
        let text = drawn.filter(|_| released)?;
        self.drag = None;
        Some(text)
    }

    fn wheel(&mut self, at: (u16, u16), lines: isize) {
        let areas = view::areas(self);
        if let Some(open) = self.dialogs.last_mut() {
            if open.rows.is_empty() {
                open.scroll = open.scroll.saturating_add_signed(i16::try_from(lines).unwrap_or(0));
            } else {
                open.step(lines.signum());
            }
        } else if areas.sidebar.is_some_and(|area| area.contains(at.into())) {
            let last = self.conversations.len().saturating_sub(1);
            self.chosen = self.chosen.saturating_add_signed(lines).min(last);
            self.focus = Focus::List;
        } else if let Some(pane) = &mut self.pane {
            pane.scroll(lines);
        }
    }

    fn click(&mut self, at: (u16, u16)) {
        let areas = view::areas(self);
        if !self.dialogs.is_empty() {
            if let Some(place) = view::dialog_row(self, at)
                && let Some(open) = self.dialogs.last_mut()
            {
                open.focus = open.fields.len();
                if !open.rows[place].heading && open.choose_row(place) {
                    self.choose();
                }
            }
            return;
        }
        if let Some(area) = areas.sidebar.filter(|area| area.contains(at.into())) {
            let first = view::first_shown(self, area);
            let place = first + usize::from(at.1 - area.y);
            if place < self.conversations.len() {
                self.chosen = place;
                self.open_place(place);
            }
        } else if areas.messages.contains(at.into()) {
            let below = usize::from(areas.messages.bottom() - 1 - at.1);
            if let Some(pane) = &mut self.pane
                && let Some(place) = pane.at_line(below)
            {
                pane.select_at(place);
                self.focus = Focus::Messages;
            }
        } else if areas.input.contains(at.into()) && self.pane.is_some() {
            self.focus = Focus::Composer;
        }
    }
}

/// Whether a text is meant as a friend code or an onion address. Whether it is one, the daemon says.
fn is_friend_code(text: &str) -> bool {
    /// Characters of an onion address, which may lack its ending.
    const ADDRESS: usize = 56;
    let text = text.to_ascii_lowercase();
    let address = text.strip_suffix(".onion").unwrap_or(&text);
    let is_address = address.len() == ADDRESS && address.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    is_address || text.starts_with("sotto1") && !text.contains(char::is_whitespace)
}

fn common_beginning(names: &[&str]) -> String {
    let Some(first) = names.first() else {
        return String::new();
    };
    let mut end = first.len();
    for name in names {
        end = first
            .bytes()
            .zip(name.bytes())
            .take(end)
            .take_while(|(a, b)| a == b)
            .count();
    }
    first[..end].to_owned()
}
