//! What [`App`] does at Enter in a dialog, and at the keys of its rows.

use sotto_api as api;

use super::dialog::{Choice, Dialog, Kind, Setting, Verb};
use super::{App, Effect, HostTask, Part, Purpose, dialogs};
use crate::action::Action;
use crate::config::Choices;
use crate::host::NewKey;
use crate::palette::{self, Slash};
use crate::request::Request;
use crate::when;

impl App {
    /// Does what the open dialog is for: Enter in it.
    pub(super) fn choose(&mut self) {
        let Some(open) = self.dialogs.last() else { return };
        let values: Vec<String> = (0..open.fields.len()).map(|field| open.value(field)).collect();
        let in_field =
            open.focus < open.fields.len() && !open.kind.filters() && !matches!(open.kind, Kind::React { .. });
        let kind = open.kind.clone();
        if open.busy {
            return;
        }
        if in_field {
            self.submit_fields(kind, &values);
        } else if let Some(choice) = open.row().filter(|row| !row.heading).map(|row| row.choice.clone()) {
            self.take_choice(kind, choice);
        } else if open.is_command() {
            self.run_command(&values.concat());
        } else if let Kind::React { conversation, id } = kind {
            self.react(conversation, id, values.concat());
        }
    }

    /// Runs the slash command that is written in the open dialog.
    fn run_command(&mut self, text: &str) {
        match palette::slash(text) {
            Slash::Command(action, argument) => {
                self.close();
                self.act(action, &argument);
            }
            Slash::Unknown(name, nearest) => self.fail(&palette::unknown(&name, nearest)),
            Slash::Text(_) => self.fail("Choose a conversation first."),
        }
    }

    fn submit_fields(&mut self, kind: Kind, values: &[String]) {
        // Enter in a field goes on to the next one that is empty.
        let fields = values.len();
        if let Some(open) = self.dialogs.last_mut()
            && open.focus + 1 < fields
        {
            open.focus += 1;
            return;
        }
        let value = |field: usize| values.get(field).map_or("", |value| value.trim()).to_owned();
        match kind {
            Kind::Welcome => {
                self.first_name = value(0);
                self.open(dialogs::new_passphrase());
            }
            Kind::NewPassphrase => self.new_passphrase(),
            Kind::NewKeyFile => {
                let key = NewKey::KeyFile(value(0).into());
                let name = self.first_name.clone();
                self.begin(HostTask::Init { name, key }, "Making your keys…");
            }
            Kind::OpenStore => {
                let passphrase = self.dialogs.last_mut().map(|open| open.fields[0].input.take_secret());
                self.begin(HostTask::Start(passphrase), "Opening the store…");
            }
            Kind::Locked | Kind::Owner(_) => self.prove_owner(),
            Kind::Find => self.find(&value(0)),
            Kind::AddFriend => self.submit_friend(value(0), value(1), value(2)),
            Kind::ClaimedName => {
                self.busy();
                self.call(Request::SetName(api::SetName { name: value(0) }), Purpose::Renamed);
            }
            Kind::Rename(contact) => {
                self.busy();
                self.rename(contact, value(0));
            }
            Kind::Timer(conversation) => match when::parse_timer(&value(0)) {
                Some(seconds) => self.set_timer(&conversation, seconds),
                None => self.fail("A timer is written like 30s, 5m, 2h, 1d or off."),
            },
            _ => {}
        }
    }

    fn new_passphrase(&mut self) {
        let Some(open) = self.dialogs.last_mut() else { return };
        let same = open.fields[0].input.text() == open.fields[1].input.text();
        if open.fields[0].input.is_empty() {
            open.focus = 0;
            open.fail("The passphrase is empty.");
        } else if !same {
            open.focus = 1;
            open.fail("The two are not the same.");
        } else {
            let key = NewKey::Passphrase(open.fields[0].input.take_secret());
            let name = self.first_name.clone();
            self.begin(HostTask::Init { name, key }, "Making your keys…");
        }
    }

    fn prove_owner(&mut self) {
        let Some(open) = self.dialogs.last_mut() else { return };
        let passphrase = api::Secret::from(open.fields[0].input.take_secret().as_str());
        open.busy = true;
        // A wrong one costs time, so that only one connection tries it.
        self.proving = Some(passphrase.clone());
        self.call(Request::Unlock(api::Unlock { passphrase }), Purpose::Unlock);
    }

    fn submit_friend(&mut self, code: String, name: String, note: String) {
        if code.is_empty() {
            if let Some(open) = self.dialogs.last_mut() {
                open.focus = 0;
                open.fail("The friend code is missing.");
            }
            return;
        }
        self.busy();
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        let add = api::Add {
            code,
            name: filled(name),
            note: filled(note),
        };
        self.call(Request::Add(add), Purpose::Added);
    }

    fn busy(&mut self) {
        if let Some(open) = self.dialogs.last_mut() {
            open.busy = true;
            open.error = None;
        }
    }

    fn fail(&mut self, why: &str) {
        if let Some(open) = self.dialogs.last_mut() {
            open.fail(why);
        }
    }

    /// A key that does something with the chosen row.
    pub(super) fn row_key(&mut self, key: char) {
        let Some(choice) = self
            .dialogs
            .last()
            .and_then(|open| open.row())
            .map(|row| row.choice.clone())
        else {
            return;
        };
        let contact = |contact: String| api::ContactOnly { contact };
        match (key, choice) {
            ('a', Choice::Request(onion)) => self.accept(onion),
            ('d', Choice::Request(onion)) => self.call(
                Request::Reject(contact(onion)),
                Purpose::Said("Declined; they are told."),
            ),
            ('b', Choice::Request(onion)) => self.call(
                Request::Block(contact(onion)),
                Purpose::Said("Blocked; they are not told."),
            ),
            ('a', Choice::Approval { id, digest }) => self.allow_read(id, digest),
            ('d', Choice::Approval { id, .. }) => {
                let decide = api::Decide { id, digest: None };
                self.call(Request::Deny(decide), Purpose::Said("Denied."));
            }
            ('r', Choice::Waiting { conversation, id, .. }) => {
                let which = api::MessageOnly {
                    id,
                    conversation: Some(conversation),
                };
                self.call(Request::Retry(which), Purpose::Said("It is tried again."));
            }
            ('c', Choice::Waiting { conversation, id, .. }) => {
                let which = api::MessageOnly {
                    id,
                    conversation: Some(conversation),
                };
                self.call(Request::Cancel(which), Purpose::Said("Cancelled."));
            }
            ('r', Choice::Invite(friend_code)) => self.call(
                Request::Revoke(api::RevokeInvite { friend_code }),
                Purpose::Said("Revoked: this code makes no friend any more."),
            ),
            ('c', Choice::Copy(text) | Choice::Invite(text)) => self.copy(text),
            _ => {}
        }
    }

    fn accept(&mut self, contact: String) {
        let purpose = Purpose::Accepted(contact.clone());
        self.call(Request::Accept(api::Accept { contact, name: None }), purpose);
    }

    /// Allows what was shown to its end: what is below the screen's edge is read first.
    fn allow_read(&mut self, id: String, digest: String) {
        // Without a screen, all of it was read out.
        if !self.config.keyless && self.scroll_row(Action::PageDown) {
            self.fail("There is more to read. It can be allowed from its end.");
        } else {
            self.allow(id, digest);
        }
    }

    fn allow(&mut self, id: String, digest: String) {
        let decide = api::Decide {
            id,
            digest: Some(digest),
        };
        self.call(Request::Allow(decide.clone()), Purpose::Allow(decide));
    }

    pub(super) fn copy(&mut self, text: String) {
        self.say("Copied.");
        self.effect(Effect::Copy(text));
    }

    fn take_choice(&mut self, kind: Kind, choice: Choice) {
        match choice {
            Choice::Nothing => {}
            Choice::Act(action) => {
                if matches!(kind, Kind::Palette | Kind::Help) {
                    self.close();
                }
                self.act(action, "");
            }
            Choice::Open(id) => {
                self.dialogs.clear();
                self.open_conversation(&id);
            }
            Choice::Message { conversation, id } if kind == Kind::Search => {
                let query = self.dialogs.last().map_or_else(String::new, |open| open.value(0));
                self.dialogs.clear();
                self.open_found(query, conversation, id);
            }
            Choice::Message { conversation, id } => {
                self.dialogs.clear();
                self.open_conversation(&conversation);
                self.go_to(id);
            }
            Choice::Thread(thread) => {
                if let Kind::Threads(conversation) = kind {
                    self.dialogs.clear();
                    self.open_pane(&conversation, thread);
                }
            }
            Choice::Request(onion) => self.accept(onion),
            Choice::Approval { id, digest } => self.allow_read(id, digest),
            Choice::Waiting { conversation, id, .. } => {
                self.take_choice(kind, Choice::Message { conversation, id });
            }
            Choice::Timer(seconds) => {
                if let Kind::Timer(conversation) = kind {
                    self.set_timer(&conversation, seconds);
                }
            }
            Choice::Emoji(emoji) => {
                if let Kind::React { conversation, id } = kind {
                    self.react(conversation, id, emoji);
                }
            }
            Choice::Copy(text) | Choice::Invite(text) => self.copy(text),
            Choice::KeyFile => {
                let mut dialog = dialogs::new_key_file();
                dialog.fields[0].input.set_text(&self.config.key_file);
                self.open(dialog);
            }
            Choice::StartDaemon => self.begin(HostTask::Start(None), "Starting…"),
            Choice::AcceptKey { contact, number } => {
                let question =
                    "Send what waits to the new key without comparing the number? Another person could read it.";
                let verb = Verb::AcceptKey { contact, number };
                self.open(dialogs::confirm(verb, question, "Send"));
            }
            // What was compared is the number on the screen; it may be another one by now.
            Choice::Same(number) => {
                if let Kind::Safety(contact) = kind {
                    let mark = api::Mark {
                        contact: contact.clone(),
                        mark: Some(true),
                        number: Some(number),
                        ..api::Mark::default()
                    };
                    self.say_of_key(contact, mark);
                }
            }
            Choice::Yes | Choice::No => self.decide(kind, choice == Choice::Yes),
            Choice::QuitAll if self.hosting => self.begin(HostTask::Stop, "Closing the store…"),
            Choice::QuitAll => {
                self.ended = true;
                self.effect(Effect::Quit);
            }
            Choice::QuitDetached => self.begin(HostTask::Detach, "Moving to the background…"),
            setting => self.set(kind, setting),
        }
    }

    /// A setting that was chosen.
    fn set(&mut self, kind: Kind, setting: Choice) {
        match setting {
            Choice::Theme(name) => self.choose_theme(&name),
            Choice::Keys(name) if name.is_empty() => self.open_filled(Dialog::new(Kind::Keys, "Key map")),
            Choice::Keys(name) => {
                let keys = Choices {
                    keys: Some(name),
                    ..Choices::default()
                };
                self.config.take(&keys);
                self.keep_choices();
            }
            Choice::Availability(show) => {
                let set = api::SetAvailability { show };
                self.stale.insert(Part::Status);
                self.call(Request::Availability(set), Purpose::Dialog(kind));
            }
            Choice::Notifications(mode) => {
                let set = api::SetNotifications { mode };
                self.call(Request::Notify(set), Purpose::Dialog(kind));
            }
            Choice::Toggle(setting) => {
                match setting {
                    Setting::Mouse => {
                        self.config.mouse = !self.config.mouse;
                        self.effect(Effect::Mouse(self.config.mouse));
                    }
                    Setting::Markdown => self.config.markdown = !self.config.markdown,
                    Setting::Bell => self.config.bell = !self.config.bell,
                    Setting::Notify => self.config.notify = !self.config.notify,
                }
                self.keep_choices();
            }
            _ => {}
        }
    }

    /// Changes what is said of a contact's key.
    fn say_of_key(&mut self, contact: String, mark: api::Mark) {
        self.busy();
        self.call(Request::Verify(mark), Purpose::Safety(contact));
        self.stale.insert(Part::Contacts);
    }

    /// An answer to a question.
    fn decide(&mut self, kind: Kind, yes: bool) {
        if let Kind::Safety(contact) = kind {
            let mark = api::Mark {
                contact: contact.clone(),
                mark: Some(false),
                ..api::Mark::default()
            };
            return self.say_of_key(contact, mark);
        }
        self.close();
        let Kind::Confirm(verb) = kind else { return };
        if !yes {
            return;
        }
        let contact = |contact: String| api::ContactOnly { contact };
        match verb {
            Verb::Remove(who) => self.call(Request::Remove(contact(who)), Purpose::Said("Removed.")),
            Verb::Block(who) => self.call(
                Request::Block(contact(who)),
                Purpose::Said("Blocked; they are not told."),
            ),
            Verb::Clear(conversation) => {
                self.call(Request::Clear(api::ConversationOnly { conversation }), Purpose::Silent);
            }
            Verb::Delete { conversation, id, .. } => {
                let which = api::MessageOnly {
                    id,
                    conversation: Some(conversation),
                };
                self.call(Request::Delete(which), Purpose::Said("Deleted."));
            }
            Verb::AcceptKey { contact, number } => {
                let mark = api::Mark {
                    contact: contact.clone(),
                    accept_new_key: true,
                    number: Some(number),
                    ..api::Mark::default()
                };
                self.call(Request::Verify(mark), Purpose::Safety(contact));
            }
        }
    }
}
