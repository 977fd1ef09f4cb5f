//! What [`App`] does at an [`Action`], and at the choice of a row.

use sotto_api::{self as api, Direction, MessageState, Relationship};

use super::conversations::Order;
use super::dialog::{Dialog, Field, Kind, Verb};
use super::name::Name;
use super::outgoing::Unsent;
use super::pane::{self, Hits, Page, Pane};
use super::{App, CHOICES_KEY, Effect, Focus, HostTask, Intent, Part, Purpose, UNREAD_KEY, dialogs, item_key, quoted};
use crate::action::Action;
use crate::config::Choices;
use crate::palette::{self, Slash};
use crate::query::Query;
use crate::request::Request;
use crate::theme::Theme;
use crate::when;

impl App {
    /// Does what a key, a command or a row says. `argument` is what followed a slash command.
    pub(super) fn act(&mut self, action: Action, argument: &str) {
        if self.locked {
            return;
        }
        if let Some(dialog) = dialogs::list(action) {
            self.stale.extend(read_for(action));
            return self.open_filled(dialog);
        }
        match action {
            Action::NextPane => self.next_pane(true),
            Action::PreviousPane => self.next_pane(false),
            Action::Back => self.back(),
            Action::NextConversation => self.step_conversation(1),
            Action::PreviousConversation => self.step_conversation(-1),
            Action::NextUnread => self.next_unread(),
            Action::ToggleSidebar => self.toggle_sidebar(),
            Action::SortSidebar => self.sort_sidebar(),
            Action::Search => self.search(argument),
            Action::SearchHere => self.find_here(argument),
            Action::AddFriend => self.add_friend(argument),
            Action::Identity => self.with_me(|app, me| {
                let key = app.config.key_hint(Action::AddFriend);
                app.open(dialogs::identity(me, false, key.as_deref()));
            }),
            Action::Invite => {
                let mut dialog = Dialog::new(Kind::Invite, "One-time invite");
                dialog.busy = true;
                self.open(dialog);
                self.call(Request::Invite(api::Nothing {}), Purpose::Invite);
            }
            Action::Profile => self.claim_name(argument),
            Action::Theme => match Theme::NAMES.iter().find(|name| **name == argument) {
                Some(name) => self.choose_theme(name),
                None => self.open_filled(Dialog::new(Kind::Themes, "Theme")),
            },
            Action::Lock => self.lock(),
            Action::Suspend => self.effect(Effect::Suspend),
            Action::Redraw => self.effect(Effect::Redraw),
            Action::Quit => self.quit(),
            _ => self.act_here(action, argument),
        }
    }

    fn toggle_sidebar(&mut self) {
        let shown = crate::view::areas(self).sidebar.is_some();
        if crate::view::is_narrow(self) {
            self.sidebar = None;
            self.focus_on(if shown && self.pane.is_some() {
                Focus::Composer
            } else {
                Focus::List
            });
        } else {
            self.sidebar = Some(!shown);
            if shown && self.focus == Focus::List {
                self.focus = Focus::Composer;
            }
        }
    }

    fn sort_sidebar(&mut self) {
        let (other, said) = match self.conversations.order() {
            Order::Unread => (Order::Recent, "The latest conversations come first."),
            Order::Recent => (Order::Unread, "Unread conversations come first."),
        };
        self.conversations.sort_by(other);
        self.keep_choices();
        self.say(said);
    }

    /// What concerns the open conversation, or the chosen one.
    fn act_here(&mut self, action: Action, argument: &str) {
        let Some(here) = self.concerned() else {
            self.say("Open a conversation first.");
            return;
        };
        match action {
            Action::Safety => self.ask_safety(here),
            Action::Timer => match when::parse_timer(argument).filter(|_| !argument.is_empty()) {
                Some(seconds) => self.set_timer(&here, seconds),
                None => {
                    if let Some(dialog) = self.timer_dialog(&here) {
                        self.open_filled(dialog);
                    }
                }
            },
            Action::Rename if !argument.is_empty() => self.rename(here, argument.to_owned()),
            Action::Rename => {
                if let Some(dialog) = self.rename_dialog(&here) {
                    self.open(dialog);
                }
            }
            Action::Mute => self.mute(&here),
            Action::MarkRead => self.mark_all_read(&here),
            Action::Block => self.block(&here),
            Action::RemoveFriend => {
                let question = format!(
                    "Remove {}? Messages no longer pass; the history stays.",
                    self.name_of(&here)
                );
                self.open(dialogs::confirm(Verb::Remove(here), question, "Remove"));
            }
            Action::DeleteConversation => {
                let question = format!(
                    "Delete all messages with {} on this computer? The other side keeps its own.",
                    self.name_of(&here)
                );
                self.open(dialogs::confirm(Verb::Clear(here), question, "Delete"));
            }
            Action::OpenThread if !argument.is_empty() => self.open_pane(&here, Some(argument.to_owned())),
            Action::Threads => {
                self.stale.insert(Part::Threads);
                let text = "A thread keeps messages of one subject together.";
                self.open(Dialog::new(Kind::Threads(here), "Threads").text(text));
            }
            _ => self.act_on_messages(action, argument),
        }
    }

    fn act_on_messages(&mut self, action: Action, argument: &str) {
        let Some(pane) = &mut self.pane else { return };
        let page = isize::try_from(pane.height()).unwrap_or(1).max(2);
        match action {
            Action::Older => pane.select(true),
            Action::Newer => pane.select(false),
            Action::ScrollUp => pane.scroll(1 - page),
            Action::ScrollDown => pane.scroll(page - 1),
            Action::HalfPageUp => pane.scroll(-page / 2),
            Action::HalfPageDown => pane.scroll(page / 2),
            Action::Oldest => pane.go_to_top(),
            Action::Newest => self.go_to_newest(),
            Action::FirstUnread => match pane.first_unread.clone() {
                Some(place) => self.jump_to(place),
                None => self.say("Nothing here is unread."),
            },
            Action::JumpBack => match pane.jumped_from() {
                Some(id) => self.go_to(id),
                None => self.say("You have not jumped."),
            },
            Action::NextHit => self.step_hit(1),
            Action::PreviousHit => self.step_hit(-1),
            Action::Compose => self.focus = Focus::Composer,
            _ => self.act_on_message(action, argument),
        }
    }

    /// What concerns the selected message; without one, the last one that makes sense.
    fn act_on_message(&mut self, action: Action, argument: &str) {
        let Some(message) = self.select_for(action) else {
            self.say("There is no such message here.");
            return;
        };
        let conversation = message.conversation.clone();
        let id = message.id.clone();
        let which = api::MessageOnly {
            id: id.clone(),
            conversation: Some(conversation.clone()),
        };
        match action {
            Action::MarkUnread => self.mark_unread(&conversation, message.place()),
            // What was typed for it would be lost.
            Action::Reply | Action::Edit if self.edits_another(action, &id) => {
                self.complain("Send the edit that you have begun, or give it up, first.");
                self.focus = Focus::Composer;
            }
            Action::Reply => {
                self.intent = Intent::Reply {
                    id,
                    quote: quoted(&message),
                };
                self.focus = Focus::Composer;
            }
            Action::React if !argument.is_empty() => self.react(conversation, id, argument.to_owned()),
            Action::React => {
                let dialog =
                    Dialog::new(Kind::React { conversation, id }, "React").field(Field::new("Find, or any emoji"));
                self.open_filled(dialog);
            }
            Action::Edit if matches!(&self.intent, Intent::Edit { .. }) => self.focus = Focus::Composer,
            Action::Edit if message.direction == Direction::Out && message.deleted_at.is_none() => {
                self.keep_draft(true);
                self.edits.begin(&message);
                self.intent = Intent::Edit { id };
                self.composer.set_text(&message.text);
                self.focus = Focus::Composer;
            }
            Action::Edit => self.complain("Only your own messages can be edited."),
            Action::Delete => {
                let own = message.direction == Direction::Out;
                let verb = Verb::Delete { conversation, id, own };
                self.open(dialogs::confirm(verb, dialogs::delete_question(own), "Delete"));
            }
            Action::Copy => self.copy(message.text),
            Action::Retry => self.call(Request::Retry(which), Purpose::Said("It is tried again.")),
            Action::Cancel => self.call(Request::Cancel(which), Purpose::Said("Cancelled.")),
            Action::FollowReply => match message.reply_to {
                Some(to) => self.jump_to(to),
                None => self.say("This message replies to none."),
            },
            Action::OpenThread => match message.thread {
                Some(thread) => self.open_pane(&conversation, Some(thread)),
                None => self.say("This message is in no thread."),
            },
            Action::Raw => self.in_pane(&conversation, Pane::toggle_raw),
            Action::Details => {
                let keys = &[('c', "copy")];
                self.open_filled(Dialog::new(Kind::Details { conversation, id }, "Message").keys(keys));
            }
            _ => {}
        }
    }

    /// An edit was begun that the action would end.
    fn edits_another(&self, action: Action, message: &str) -> bool {
        matches!(&self.intent, Intent::Edit { id } if action == Action::Reply || id != message)
    }

    /// The selected message; without one, the last that an action makes sense for is selected.
    fn select_for(&mut self, action: Action) -> Option<api::Message> {
        let pane = self.pane.as_mut()?;
        if pane.selected().is_none() {
            let makes_sense = |message: &&api::Message| match action {
                Action::Edit => message.direction == Direction::Out && message.deleted_at.is_none(),
                Action::Retry => matches!(message.state, MessageState::Failed | MessageState::Cancelled),
                Action::Cancel => message.state == MessageState::Queued,
                Action::Reply | Action::React => message.direction == Direction::In,
                _ => true,
            };
            let last = pane.messages().rev().find(makes_sense);
            if let Some(place) = last.map(api::Message::place) {
                pane.show(&place);
            }
        }
        pane.selected().cloned()
    }

    fn mark_unread(&mut self, conversation: &str, from: String) {
        self.in_pane(conversation, |pane| pane.first_unread = Some(from));
        self.conversations.change(
            conversation,
            || Name::of(None, None, ""),
            |entry| entry.marked_unread = true,
        );
        let key = format!("{UNREAD_KEY}{}", item_key(conversation));
        self.store(key, Some(String::from("1")));
        self.say("Marked as unread.");
    }

    /// Goes to a message, with a way back.
    fn jump_to(&mut self, id: String) {
        if let Some(pane) = &mut self.pane {
            pane.remember();
        }
        self.go_to(id);
    }

    /// The conversation that commands are about: the chosen one while the list has the focus, else the open one.
    fn concerned(&self) -> Option<String> {
        let chosen = || self.conversations.at(self.chosen).map(|entry| entry.id.clone());
        match self.focus {
            Focus::List => chosen(),
            Focus::Messages | Focus::Composer => self.here().map(str::to_owned),
        }
    }

    fn name_of(&self, conversation: &str) -> String {
        let entry = self.conversations.entry(conversation);
        entry.map_or_else(
            || super::name::short(conversation).to_owned(),
            |entry| entry.name.text(),
        )
    }

    fn with_me(&mut self, then: impl FnOnce(&mut Self, &api::Identity)) {
        match self.me.clone() {
            Some(me) => then(self, &me),
            None => self.say("The daemon does not answer yet."),
        }
    }

    fn next_pane(&mut self, forward: bool) {
        let areas = crate::view::areas(self);
        let mut panes = Vec::new();
        // Where there is no room for it, the list comes up with the focus.
        if areas.sidebar.is_some() || (crate::view::is_narrow(self) && self.sidebar != Some(false)) {
            panes.push(Focus::List);
        }
        if self.pane.is_some() {
            panes.extend([Focus::Messages, Focus::Composer]);
        }
        if panes.is_empty() {
            return;
        }
        let here = panes.iter().position(|pane| *pane == self.focus).unwrap_or(0);
        let next = (here + if forward { 1 } else { panes.len() - 1 }) % panes.len();
        self.focus_on(panes[next]);
    }

    pub(super) fn focus_on(&mut self, focus: Focus) {
        self.focus = focus;
        match (focus, &mut self.pane) {
            (Focus::Messages, Some(pane)) => pane.select_last(),
            (Focus::List, _) => {
                if let Some(place) = self.here().and_then(|here| self.conversations.place(here)) {
                    self.chosen = place;
                }
            }
            _ => {}
        }
    }

    /// Closes what is open, one thing at a time.
    fn back(&mut self) {
        if let Some(open) = self.dialogs.last() {
            if !open.kind.stays() {
                self.close();
            }
            return;
        }
        if self.intent != Intent::Send {
            if matches!(self.intent, Intent::Edit { .. }) {
                let draft = self.here().map_or("", |here| self.drafts.text(here)).to_owned();
                self.composer.set_text(&draft);
            }
            self.intent = Intent::Send;
            return;
        }
        let Some(pane) = &mut self.pane else { return };
        if pane.hits.take().is_some() {
            // What is typed next is text again, as it was before the search.
            pane.unselect();
            if !self.config.keymap.is_modal() {
                self.focus = Focus::Composer;
            }
            return;
        }
        if pane.thread.is_some() {
            let here = pane.conversation.clone();
            self.open_pane(&here, None);
            return;
        }
        match self.focus {
            Focus::Composer if self.config.keymap.is_modal() => self.focus_on(Focus::Messages),
            Focus::Composer if !pane.is_at_bottom() => self.go_to_newest(),
            Focus::Composer | Focus::List => self.focus = Focus::Composer,
            Focus::Messages => {
                pane.unselect();
                if !self.config.keymap.is_modal() {
                    self.focus = Focus::Composer;
                }
            }
        }
    }

    fn step_conversation(&mut self, by: isize) {
        let len = self.conversations.len();
        if len == 0 {
            return;
        }
        let here = self.here().and_then(|here| self.conversations.place(here));
        let next = match here {
            Some(here) => here.saturating_add_signed(by).min(len - 1),
            None => 0,
        };
        self.open_place(next);
    }

    pub(super) fn open_place(&mut self, place: usize) {
        if let Some(id) = self.conversations.at(place).map(|entry| entry.id.clone()) {
            self.open_conversation(&id);
        }
    }

    fn next_unread(&mut self) {
        let here = self.here().map(str::to_owned);
        let unread = |entry: &&super::conversations::Entry| entry.is_unread() && Some(&entry.id) != here.as_ref();
        let next = self.conversations.shown().find(unread).map(|entry| entry.id.clone());
        match next {
            Some(id) => self.open_conversation(&id),
            None => self.say("Nothing is unread."),
        }
    }

    fn go_to_newest(&mut self) {
        let Some(pane) = &mut self.pane else { return };
        if !pane.go_to_bottom() {
            self.ask_page(Page::Newest);
        }
    }

    /// Shows a message of the open conversation, which may not be in the window.
    pub(super) fn go_to(&mut self, id: String) {
        let Some(pane) = &mut self.pane else { return };
        self.focus = Focus::Messages;
        if !pane.want(&id) {
            self.ask_page(Page::Around(id));
        }
    }

    pub(super) fn show_hit(&mut self) {
        let hit = self.pane.as_ref().and_then(|pane| {
            let hits = pane.hits.as_ref()?;
            hits.places.get(hits.at).cloned()
        });
        if let Some(id) = hit {
            self.go_to(id);
        }
    }

    fn step_hit(&mut self, by: isize) {
        let Some(hits) = self.pane.as_mut().and_then(|pane| pane.hits.as_mut()) else {
            self.say("Nothing is being searched for.");
            return;
        };
        // The hits are the newest first: the next one is further up.
        let last = hits.places.len() - 1;
        hits.at = match hits.at.checked_add_signed(by) {
            Some(at) if at <= last => at,
            Some(_) => 0,
            None => last,
        };
        self.show_hit();
    }

    fn search(&mut self, argument: &str) {
        self.found.clear();
        let mut dialog = Dialog::new(Kind::Search, "Search all messages").field(Field::new("Find"));
        dialog.fields[0].input.set_text(argument);
        self.open_filled(dialog);
        self.ask_found();
    }

    /// Searches for what the open dialog says.
    pub(super) fn ask_found(&mut self) {
        let Some(query) = self.dialogs.last().map(|open| open.value(0)) else {
            return;
        };
        if query.trim().is_empty() {
            self.found.clear();
            self.refill();
            return;
        }
        let search = api::Search {
            query: Query::of(&query).expression(),
            limit: Some(100),
            ..api::Search::default()
        };
        self.call(Request::Search(search), Purpose::Search(query));
    }

    fn find_here(&mut self, argument: &str) {
        if argument.is_empty() {
            self.open(Dialog::new(Kind::Find, "Search this conversation").field(Field::new("Find")));
        } else {
            self.find(argument);
        }
    }

    pub(super) fn find(&mut self, query: &str) {
        let Some(conversation) = self.here().map(str::to_owned) else {
            return;
        };
        self.ask_hits(conversation, query.to_owned(), false);
    }

    /// Searches a conversation. `found` says that one of the hits is looked at already.
    fn ask_hits(&mut self, conversation: String, query: String, found: bool) {
        let search = api::Search {
            query: Query::of(&query).expression(),
            limit: Some(1000),
            with: Some(conversation.clone()),
            ..api::Search::default()
        };
        self.call(
            Request::Search(search),
            Purpose::Hits {
                conversation,
                query,
                found,
            },
        );
    }

    /// Opens a conversation at a message that a search of all of them has found. The hits beside it come when the daemon has them.
    pub(super) fn open_found(&mut self, query: String, conversation: String, place: String) {
        self.open_conversation(&conversation);
        if let Some(pane) = &mut self.pane {
            let (query, places) = (query.clone(), vec![place.clone()]);
            pane.hits = Some(Hits { query, places, at: 0 });
        }
        self.go_to(place);
        self.ask_hits(conversation, query, true);
    }

    fn add_friend(&mut self, argument: &str) {
        let mut dialog = dialogs::add_friend();
        let (code, name) = argument.split_once(' ').unwrap_or((argument, ""));
        dialog.fields[0].input.set_text(code);
        dialog.fields[1].input.set_text(name.trim());
        self.open(dialog);
    }

    fn claim_name(&mut self, argument: &str) {
        let name = self.me.as_ref().map_or("", |me| me.name.as_str());
        let name = if argument.is_empty() { name } else { argument };
        let text = "Contacts see it, marked as claimed. It may be empty.";
        let field = Field::with("Name", name);
        self.open(
            Dialog::new(Kind::ClaimedName, "What you are called")
                .text(text)
                .field(field),
        );
    }

    pub(super) fn set_timer(&mut self, conversation: &str, seconds: u32) {
        let timer = api::SetTimer {
            conversation: conversation.to_owned(),
            seconds: Some(seconds),
        };
        let kind = Kind::Timer(conversation.to_owned());
        self.call(Request::Timer(timer), Purpose::Dialog(kind));
    }

    pub(super) fn rename(&mut self, contact: String, name: String) {
        let kind = Kind::Rename(contact.clone());
        self.call(Request::Rename(api::Rename { contact, name }), Purpose::Dialog(kind));
    }

    pub(super) fn react(&mut self, conversation: String, id: String, emoji: String) {
        let react = api::React {
            id: id.clone(),
            conversation: Some(conversation.clone()),
            emoji: Some(emoji).filter(|emoji| !emoji.is_empty()),
        };
        let kind = Kind::React { conversation, id };
        self.call(Request::React(react), Purpose::Dialog(kind));
    }

    fn mute(&mut self, conversation: &str) {
        let Some(entry) = self.conversations.entry(conversation) else {
            return;
        };
        let muted = !entry.muted;
        self.conversations
            .change(conversation, || Name::of(None, None, ""), |entry| entry.muted = muted);
        let conversation = conversation.to_owned();
        if muted {
            let mute = api::MuteConversation {
                conversation,
                seconds: None,
            };
            self.call(Request::Mute(mute), Purpose::Said("Muted: nothing is notified of it."));
        } else {
            let unmute = api::ConversationOnly { conversation };
            self.call(Request::Unmute(unmute), Purpose::Said("Notified of again."));
        }
    }

    /// Marks all of a conversation as read: page by page from its newest message on, as only the daemon knows all of it.
    fn mark_all_read(&mut self, conversation: &str) {
        self.conversations
            .touch(conversation, |entry| entry.marked_unread = false);
        self.store(format!("{UNREAD_KEY}{}", item_key(conversation)), None);
        self.in_pane(conversation, |pane| pane.first_unread = None);
        self.ask_unread(conversation.to_owned(), None, None);
    }

    fn ask_unread(&mut self, conversation: String, before: Option<String>, left: Option<u64>) {
        let history = api::History {
            conversation: conversation.clone(),
            limit: Some(pane::PAGE),
            before,
            ..api::History::default()
        };
        self.call(Request::History(history), Purpose::Unread { conversation, left });
    }

    /// Marks what is unread in a page. `left` says how many are unread in it and before it; the newest page has the number.
    pub(super) fn take_unread(&mut self, conversation: String, left: Option<u64>, page: &api::HistoryPage) {
        let ids: Vec<String> = pane::unread(page.messages.iter())
            .map(|message| message.id.clone())
            .collect();
        let left = left.or(page.unread).unwrap_or(u64::MAX);
        let left = left.saturating_sub(ids.len() as u64);
        if !ids.is_empty() {
            let read = api::MarkRead {
                conversation: conversation.clone(),
                ids: ids.clone(),
                receipt: None,
            };
            self.call(Request::Read(read), Purpose::Read(ids));
        }
        let full = page.messages.len() >= pane::PAGE as usize;
        match page.messages.first().filter(|_| full && left > 0) {
            Some(first) => self.ask_unread(conversation, Some(first.place()), Some(left)),
            None => self.say("Marked as read."),
        }
    }

    /// Asks for the number that a user compares with a contact.
    pub(super) fn ask_safety(&mut self, contact: String) {
        let mut dialog = Dialog::new(Kind::Safety(contact.clone()), "Safety number");
        dialog.busy = true;
        self.open(dialog);
        let mark = api::Mark {
            contact: contact.clone(),
            ..api::Mark::default()
        };
        self.call(Request::Verify(mark), Purpose::Safety(contact));
    }

    fn block(&mut self, contact: &str) {
        let blocked = self
            .conversations
            .entry(contact)
            .and_then(|entry| entry.contact.as_ref())
            .is_some_and(|it| it.blocked);
        if blocked {
            let contact = contact.to_owned();
            self.call(
                Request::Unblock(api::ContactOnly { contact }),
                Purpose::Said("Unblocked."),
            );
        } else {
            let question = format!(
                "Block {}? What they send is dropped, and they are not told.",
                self.name_of(contact)
            );
            self.open(dialogs::confirm(Verb::Block(contact.to_owned()), question, "Block"));
        }
    }

    /// Hides everything until the passphrase is given.
    pub(super) fn lock(&mut self) {
        if self.locked || self.me.is_none() {
            return;
        }
        self.lock_asked = !self.lockable && self.is_up();
        if self.lock_asked {
            // It may have got a passphrase meanwhile: the status says so.
            self.stale.insert(Part::Status);
            return;
        }
        if !self.lockable {
            return self.complain("There is no passphrase to lock with: this profile opens with a key file.");
        }
        self.keep_draft(true);
        self.locked = true;
        self.notice = None;
        self.dialogs.clear();
        self.open(dialogs::locked());
    }

    /// After a status: locks what was to be locked, or says why not. One that is still to come says more.
    pub(super) fn lock_if_asked(&mut self) {
        if !self.lock_asked || self.stale.contains(&Part::Status) {
            return;
        }
        self.lock_asked = false;
        if self.lockable {
            self.lock();
        } else {
            self.complain("There is no passphrase to lock with: this profile opens with a key file.");
        }
    }

    pub(super) fn unlocked(&mut self) {
        self.used_at = self.now;
        self.locked = false;
        if let Some(passphrase) = self.proving.take() {
            self.effect(Effect::Owner(passphrase));
        }
        let then = match self.dialogs.last().map(|open| &open.kind) {
            Some(Kind::Owner(then)) => {
                let then = then.clone();
                self.say(match self.kept() {
                    0 => "The passphrase is right: you can write and decide now.",
                    _ => "The passphrase is right: what you wrote is sent.",
                });
                then
            }
            _ => None,
        };
        self.outgoing.retry();
        self.close_if(|kind| matches!(kind, Kind::Locked | Kind::Owner(_)));
        if let Some(decide) = then {
            self.call(Request::Allow(decide.clone()), Purpose::Allow(decide));
        }
    }

    pub(super) fn quit(&mut self) {
        self.keep_draft(true);
        self.stop_typing();
        let asked = self.dialogs.iter().any(|open| open.kind == Kind::Quit);
        let goes_on = self.hosting && !self.config.ends_together;
        // A second key is an answer only where nothing is lost by it.
        let loses = self.kept() > 0;
        if loses || (goes_on && self.me.is_some() && !asked) {
            self.dialogs.retain(|open| open.kind != Kind::Quit);
            self.open(dialogs::quit(goes_on, self.kept()));
        } else {
            self.end();
        }
    }

    /// Ends without a question: a signal, or the terminal is gone.
    pub(super) fn end(&mut self) {
        self.keep_draft(true);
        self.stop_typing();
        if self.hosting {
            self.begin(HostTask::Stop, "Closing the store…");
        } else {
            self.ended = true;
            self.effect(Effect::Quit);
        }
    }

    /// Takes what the user has chosen.
    pub(super) fn apply(&mut self, choices: &Choices) {
        if let Some(name) = &choices.theme {
            self.use_theme(name);
        }
        if let Some(latest_first) = choices.latest_first {
            self.conversations
                .sort_by(if latest_first { Order::Recent } else { Order::Unread });
        }
        if choices.mouse.is_some() {
            self.effect(Effect::Mouse(self.config.mouse));
        }
        self.refill();
    }

    fn use_theme(&mut self, name: &str) {
        if let Some(theme) = Theme::builtin(name) {
            // The slots were checked at the start.
            let (theme, _) = Theme::from_table(&self.config.slots, theme);
            self.theme = theme.reduced(self.depth);
            self.forget_layout();
        }
    }

    /// Takes the theme for that background, unless one was chosen.
    pub(super) fn fit_background(&mut self, dark: bool) {
        if self.config.theme.is_none() {
            self.use_theme(&Theme::for_background(dark).name);
        }
    }

    pub(super) fn choose_theme(&mut self, name: &str) {
        self.config.theme = Some(name.to_owned());
        self.use_theme(name);
        self.keep_choices();
    }

    /// Keeps what the user has chosen in the store.
    pub(super) fn keep_choices(&mut self) {
        let choices = Choices {
            theme: self.config.theme.clone(),
            keys: Some(self.config.keys.clone()),
            mouse: Some(self.config.mouse),
            markdown: Some(self.config.markdown),
            bell: Some(self.config.bell),
            notify: Some(self.config.notify),
            latest_first: Some(self.conversations.order() == Order::Recent),
        };
        if let Ok(value) = serde_json::to_string(&choices) {
            self.store(CHOICES_KEY.to_owned(), Some(value));
        }
        self.refill();
    }

    /// Sends, edits or runs what was written.
    pub(super) fn submit(&mut self) {
        let text = self.composer.text().to_owned();
        if text.trim().is_empty() {
            return;
        }
        let here = self.here().map(str::to_owned);
        if let (Intent::Edit { id }, Some(conversation)) = (self.intent.clone(), &here) {
            let edit = api::Edit {
                id,
                conversation: Some(conversation.clone()),
                text,
            };
            self.intent = Intent::Send;
            self.composer.take();
            self.composer.set_text(self.drafts.text(conversation));
            return self.put_out(Unsent::Edit(Box::new(edit)));
        }
        match (palette::slash(&text), here) {
            (Slash::Command(action, argument), _) => {
                self.composer.take();
                self.wrote();
                self.act(action, &argument);
            }
            (Slash::Unknown(name, nearest), _) => {
                let unknown = palette::unknown(&name, nearest);
                self.complain(format!("{unknown} A text that begins so is sent with //."));
            }
            (Slash::Text(text), Some(conversation)) => self.send(conversation, text),
            (Slash::Text(_), None) => self.say("Choose a conversation first: /palette shows them."),
        }
    }

    fn send(&mut self, conversation: String, text: String) {
        let reply_to = match std::mem::take(&mut self.intent) {
            Intent::Reply { id, .. } => Some(id),
            Intent::Send | Intent::Edit { .. } => None,
        };
        self.sends += 1;
        let content_type = if self.config.markdown {
            api::ContentType::Markdown
        } else {
            api::ContentType::Plain
        };
        let send = api::Send {
            conversation,
            text,
            reply_to,
            thread: self.pane.as_ref().and_then(|pane| pane.thread.clone()),
            content_type,
            // One message, however often it is tried.
            id: Some(format!("tui-{}-{}-{}", std::process::id(), self.now, self.sends)),
            ..api::Send::default()
        };
        self.composer.take();
        self.wrote();
        self.keep_draft(true);
        self.typing_at = 0;
        if let Some(pane) = &mut self.pane {
            pane.first_unread = None;
        }
        self.go_to_newest();
        self.put_out(Unsent::Message(Box::new(send)));
    }

    /// Has the daemon take what was written, after all that was written before.
    fn put_out(&mut self, unsent: Unsent) {
        self.outgoing.push(unsent, self.now);
        if self.is_up() {
            self.send_next();
        } else {
            self.say_kept();
        }
    }

    /// Peers that asked, for the status line.
    pub fn asking(&self) -> usize {
        self.requests.len()
    }

    /// Whether texts can be sent to the open conversation.
    pub fn can_send(&self) -> bool {
        let relationship = self
            .here()
            .and_then(|here| self.conversations.entry(here))
            .and_then(super::conversations::Entry::relationship);
        !matches!(
            relationship,
            Some(Relationship::Asking | Relationship::Declined | Relationship::Stranger) | None
        )
    }
}

/// What a dialog shows and has to be read again for it.
const fn read_for(action: Action) -> &'static [Part] {
    match action {
        Action::Invites => &[Part::Invites],
        Action::Outbox => &[Part::Outbox],
        Action::Approvals => &[Part::Approvals],
        Action::Status => &[Part::Status, Part::Doctor],
        _ => &[],
    }
}
