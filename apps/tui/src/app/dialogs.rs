//! The dialogs of [`App`], as they open, and their rows as the state changes.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};
use ratatui::text::Line;
use sotto_api::{self as api, Identity, Invite, MessageState, Presence, Relationship, Safety};

use super::conversations::Entry;
use super::dialog::{Choice, Dialog, Field, Kind, Row, Setting, Verb};
use super::name::{Name, short};
use super::{App, Found};
use crate::action::{Action, Scope};
use crate::keys::Builtin;
use crate::text::names;
use crate::theme::Theme;
use crate::{emoji, palette, when};

/// The first question of a new user.
pub fn welcome() -> Dialog {
    let text = "Welcome to Sotto: private messages between people, without a server.\n\
        \n\
        Your address is a key that is made on this computer. There is no account, no phone number \
        and no way to reset a password.\n\
        \n\
        What are you called? Contacts see this name; it may stay empty.";
    Dialog::new(Kind::Welcome, "Welcome")
        .text(text)
        .field(Field::new("Your name"))
}

/// How the new store is locked.
pub fn new_passphrase() -> Dialog {
    let text = "Everything is kept encrypted on this computer. Choose a passphrase for it: some words that you do not use \
        elsewhere. It cannot be recovered.";
    let other = "Use a key file instead (no question at the start; anyone with the file can read everything)";
    Dialog::new(Kind::NewPassphrase, "Protect your messages")
        .text(text)
        .field(Field::masked("Passphrase"))
        .field(Field::masked("Once more"))
        .rows(vec![Row::new(other, "", Choice::KeyFile)])
}

/// Where the key file is made.
pub fn new_key_file() -> Dialog {
    let text =
        "The key is made as a file that only you can read. Without it, nothing can be opened: keep a copy elsewhere.";
    Dialog::new(Kind::NewKeyFile, "A key file")
        .text(text)
        .field(Field::new("File"))
}

/// The passphrase of the store that is there.
pub fn open_store() -> Dialog {
    Dialog::new(Kind::OpenStore, "Sotto")
        .text("Your messages are locked.")
        .field(Field::masked("Passphrase"))
}

/// Nothing can be started.
pub fn failed() -> Dialog {
    Dialog::new(Kind::Failed, "Sotto cannot start").rows(vec![
        Row::new("Try again", "", Choice::StartDaemon),
        Row::new("Quit", "", Choice::QuitAll),
    ])
}

/// The daemon of this process has ended by itself.
pub fn daemon_has_ended() -> Dialog {
    let text = "Messages no longer arrive. What you have written is kept.";
    Dialog::new(Kind::DaemonEnded, "Sotto has stopped")
        .text(text)
        .rows(vec![
            Row::new("Start it again", "", Choice::StartDaemon),
            Row::new("Not now", "/status starts it later", Choice::No),
        ])
}

/// The interface is locked.
pub fn locked() -> Dialog {
    Dialog::new(Kind::Locked, "Locked")
        .text("Messages still arrive.")
        .field(Field::masked("Passphrase"))
}

/// What is asked for needs the owner.
pub fn owner(then: Option<api::Decide>) -> Dialog {
    let text = "This profile has agents, so what only you may do needs your passphrase, once. Without it you can read.";
    Dialog::new(Kind::Owner(then), "Is it you?")
        .text(text)
        .field(Field::masked("Passphrase"))
}

/// Who the user is, and how friends find them.
pub fn identity(identity: &Identity, first: bool, add: Option<&str>) -> Dialog {
    let mut text = String::new();
    if first {
        text.push_str("This is you. Share the friend code with a friend, by any way that you trust.\n");
        if let Some(key) = add {
            let _ = writeln!(text, "To add a friend by a code that you got, press {key}.");
        }
        text.push('\n');
    }
    let name = if identity.name.is_empty() {
        "(none)"
    } else {
        identity.name.as_str()
    };
    let _ = write!(text, "Name: {name}");
    let mut dialog = Dialog::new(Kind::Identity, if first { "Your friend code" } else { "You" })
        .text(text)
        .rows(vec![
            Row::new(
                "Copy the friend code",
                identity.friend_code.clone(),
                Choice::Copy(identity.friend_code.clone()),
            ),
            Row::new(
                "Copy the address",
                identity.onion.clone(),
                Choice::Copy(identity.onion.clone()),
            ),
            Row::new(
                "Make a one-time invite",
                "who has it becomes a friend at once",
                Choice::Act(Action::Invite),
            ),
            Row::new("Change the name", "", Choice::Act(Action::Profile)),
        ]);
    dialog.picture = qr(identity.friend_code.as_bytes());
    dialog
}

/// A fresh invite.
pub fn invite(invite: &Invite) -> Dialog {
    let text = "The first peer that uses this code becomes your friend at once. It works one time.";
    let code = invite.friend_code.clone();
    let mut dialog = Dialog::new(Kind::Invite, "One-time invite").text(text).rows(vec![
        Row::new("Copy the code", code.clone(), Choice::Copy(code.clone())),
        Row::new("Unused invites", "", Choice::Act(Action::Invites)),
    ]);
    dialog.picture = qr(code.as_bytes());
    dialog
}

/// Adds a friend.
pub fn add_friend() -> Dialog {
    let text = "Paste the friend code that you were given, or an onion address.";
    Dialog::new(Kind::AddFriend, "Add a friend")
        .text(text)
        .field(Field::new("Friend code"))
        .field(Field::new("Your name for them"))
        .field(Field::new("Note"))
}

/// A safety number.
pub fn safety(safety: &Safety) -> Dialog {
    let name = Name::from(&safety.who).text();
    let groups: Vec<&str> = safety
        .number
        .as_bytes()
        .chunks(5)
        .map(|group| std::str::from_utf8(group).unwrap_or(""))
        .collect();
    let number: Vec<String> = groups.chunks(4).map(|line| line.join("  ")).collect();
    let mut text = format!(
        "Compare this number with {name}, by a call or face to face. It is the same on both sides unless a third party is in between.\n\n{}\n",
        number.join("\n")
    );
    let contact = safety.who.contact.clone();
    let same = || {
        let number = safety.number.clone();
        Row::new("The numbers are the same: mark as verified", "", Choice::Same(number))
    };
    // The first row does no harm to a user who presses Enter before reading.
    let mut rows = vec![Row::new("Copy the number", "", Choice::Copy(safety.number.clone()))];
    if safety.untrusted {
        text.push_str("\nTheir key has changed since you compared it. What waits for them is held.\n");
        rows.push(same());
        rows.push(Row::new(
            "Send what waits, without comparing",
            "",
            Choice::AcceptKey {
                contact: contact.clone(),
                number: safety.number.clone(),
            },
        ));
    } else if safety.who.verified {
        text.push_str("\n✓ You have compared it.\n");
        rows.push(Row::new("Remove the mark", "", Choice::No));
    } else {
        rows.push(same());
    }
    let mut dialog = Dialog::new(Kind::Safety(contact), format!("Safety number with {name}"))
        .text(text)
        .rows(rows);
    if let Ok(bytes) = data_encoding::HEXLOWER.decode(safety.scannable.as_bytes()) {
        dialog.picture = qr(&bytes);
    }
    dialog
}

/// The dialog of an action that opens a list, without its rows.
pub fn list(action: Action) -> Option<Dialog> {
    let dialog = |kind, title: &str| Dialog::new(kind, title);
    Some(match action {
        Action::Help => dialog(Kind::Help, "Keys").field(Field::new("Find")),
        Action::Palette => dialog(Kind::Palette, "Go to").field(Field::new("Find")),
        Action::Requests => dialog(Kind::Requests, "Friend requests")
            .text("Anybody can claim any name: compare the safety number before you trust one.")
            .keys(&[('a', "accept"), ('d', "decline"), ('b', "block")]),
        Action::Invites => dialog(Kind::Invites, "Unused invites")
            .text("The first peer that uses one becomes your friend at once.")
            .keys(&[('r', "revoke"), ('c', "copy")]),
        Action::Outbox => dialog(Kind::Outbox, "Not delivered yet").keys(&[('r', "try again"), ('c', "cancel")]),
        Action::Approvals => dialog(Kind::Approvals, "Agents ask")
            .text("What is shown is exactly what is sent, once.")
            .keys(&[('a', "allow"), ('d', "deny")]),
        Action::Status => dialog(Kind::Status, "Status"),
        Action::Notifications => dialog(Kind::Notifications, "Notifications"),
        Action::Settings => dialog(Kind::Settings, "Settings"),
        Action::Availability => dialog(Kind::Availability, "Shown to contacts as"),
        _ => return None,
    })
}

/// Whether a message is really deleted.
pub const fn delete_question(own: bool) -> &'static str {
    if own {
        "Delete this message on both sides? What was read cannot be unread."
    } else {
        "Delete this message on this computer? Its author keeps it."
    }
}

/// A question before something that cannot be undone.
pub fn confirm(verb: Verb, question: impl Into<String>, yes: &str) -> Dialog {
    let mut dialog = Dialog::new(Kind::Confirm(verb), "Sure?")
        .text(question)
        .rows(vec![Row::new("No", "", Choice::No), Row::new(yes, "", Choice::Yes)]);
    dialog.selected = 0;
    dialog
}

/// Whether the daemon goes on, and whether what no daemon has taken is lost.
pub fn quit(hosting: bool, kept: usize) -> Dialog {
    let mut text = Vec::new();
    let mut rows = Vec::new();
    if hosting {
        text.push(String::from("Messages arrive only while Sotto runs."));
        rows.push(Row::new(
            "Quit, and let Sotto run in the background",
            "sotto daemon stop ends it",
            Choice::QuitDetached,
        ));
        rows.push(Row::new("Quit, and stop receiving", "", Choice::QuitAll));
    } else {
        rows.push(Row::new("Quit all the same", "", Choice::QuitAll));
    }
    if kept > 0 {
        let messages = messages(kept as u64);
        text.push(format!(
            "No daemon has taken {messages} yet. To quit now is to lose what you wrote."
        ));
    }
    let stay = Row::new("Stay", "", Choice::No);
    // The first row is the one that is chosen.
    if kept > 0 {
        rows.insert(0, stay);
    } else {
        rows.push(stay);
    }
    Dialog::new(Kind::Quit, "Quit").text(text.join("\n")).rows(rows)
}

/// So many messages, in words.
pub fn messages(count: u64) -> String {
    match count {
        1 => String::from("1 message"),
        count => format!("{count} messages"),
    }
}

/// The lines of a QR code, in half blocks; empty if there is too much for one.
pub fn qr(bytes: &[u8]) -> Vec<Line<'static>> {
    const QUIET: isize = 2;
    let Ok(code) = QrCode::new(bytes) else {
        return Vec::new();
    };
    let width = isize::try_from(code.width()).unwrap_or(0);
    // Light blocks on a dark ground and dark ones on a light ground: the style that draws it sets both.
    let light = |x: isize, y: isize| match (usize::try_from(x), usize::try_from(y)) {
        (Ok(column), Ok(row)) if x < width && y < width => code[(column, row)] == Color::Light,
        _ => true,
    };
    let rows = (-QUIET..width + QUIET).step_by(2).map(|y| {
        let line: String = (-QUIET..width + QUIET)
            .map(|x| match (light(x, y), light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            })
            .collect();
        Line::raw(line)
    });
    rows.collect()
}

/// What a contact's relationship is called.
pub const fn relationship(relationship: Relationship) -> &'static str {
    match relationship {
        Relationship::Stranger => "not a friend",
        Relationship::Requested => "request queued",
        Relationship::RequestDelivered => "request delivered",
        Relationship::RequestDeclined => "declined your request",
        Relationship::Asking => "asks you",
        Relationship::Declined => "you declined",
        Relationship::Friend => "friend",
        Relationship::RemovedByPeer => "has removed you",
    }
}

/// A contact's presence, with how fresh it is.
pub fn presence(entry: &Entry, now: u64) -> String {
    let Some(contact) = &entry.contact else {
        return String::new();
    };
    let seen = contact.last_seen.or(contact.presence_as_of);
    let ago = seen.map(|at| when::brief(now.saturating_sub(at.millis())));
    match (contact.presence, ago) {
        (Presence::Online, _) => String::from("online"),
        (Presence::Away, _) => String::from("away"),
        (Presence::Offline, Some(ago)) => format!("offline, seen {ago} ago"),
        (Presence::Offline, None) => String::from("offline"),
        (Presence::Unknown, Some(ago)) => format!("seen {ago} ago"),
        (Presence::Unknown, None) => String::from("not seen yet"),
    }
}

/// Timers that are offered.
const TIMERS: [u32; 9] = [0, 30, 300, 3600, 28_800, 86_400, 604_800, 2_419_200, 7_776_000];

/// A text whose empty lines cannot push its end out of sight.
fn without_gaps(text: &str) -> String {
    /// As many stay as they are.
    const KEPT: usize = 2;
    let mut lines = Vec::new();
    let mut empty = 0;
    for line in text.lines().map(Some).chain([None]) {
        match line {
            Some(line) if line.trim().is_empty() => empty += 1,
            line => {
                match empty {
                    0..=KEPT => lines.extend(std::iter::repeat_n(String::new(), empty)),
                    _ => lines.push(format!("[{empty} empty lines]")),
                }
                empty = 0;
                lines.extend(line.map(str::to_owned));
            }
        }
    }
    lines.join("\n")
}

impl App {
    /// The rows and texts of the open dialogs follow the state.
    pub(super) fn refill(&mut self) {
        let mut dialogs = std::mem::take(&mut self.dialogs);
        for dialog in &mut dialogs {
            self.fill(dialog);
        }
        self.dialogs = dialogs;
    }

    /// Gives a dialog the rows that it has now.
    pub(super) fn fill(&self, dialog: &mut Dialog) {
        let filter = dialog.value(0);
        let rows = match &dialog.kind {
            Kind::Palette => palette::rows(self, &filter),
            Kind::Help => self.help_rows(&filter),
            Kind::Search => self.found_rows(),
            Kind::Requests => self.request_rows(),
            Kind::Invites => self.invite_rows(),
            Kind::Outbox => self.outbox_rows(),
            Kind::Approvals => self.approval_rows(),
            Kind::Status => self.status_rows(),
            Kind::Settings => self.settings_rows(),
            Kind::Themes => Theme::NAMES
                .iter()
                .map(|name| chosen_row(name, *name == self.theme.name, Choice::Theme))
                .collect(),
            Kind::Keys => Builtin::ALL
                .iter()
                .map(|map| chosen_row(map.name(), map.name() == self.config.keys, Choice::Keys))
                .collect(),
            Kind::Availability => self.availability_rows(),
            Kind::Notifications => self.notification_rows(),
            Kind::Timer(conversation) => self.timer_rows(conversation),
            Kind::React { .. } => reaction_rows(&filter),
            Kind::Details { conversation, id } => self.details_rows(conversation, id),
            _ => return,
        };
        dialog.set_rows(rows);
    }

    pub(super) fn open_filled(&mut self, mut dialog: Dialog) {
        self.fill(&mut dialog);
        self.open(dialog);
    }

    fn help_rows(&self, filter: &str) -> Vec<Row> {
        let wanted = filter.to_lowercase();
        let mut rows = Vec::new();
        for (scope, keys) in self.config.keymap.help() {
            let matching: Vec<_> = keys
                .into_iter()
                .filter(|(keys, about)| about.to_lowercase().contains(&wanted) || keys.to_lowercase().contains(&wanted))
                .collect();
            if matching.is_empty() {
                continue;
            }
            rows.push(Row::heading(match scope {
                Scope::Global => "Everywhere",
                Scope::List => "Lists",
                Scope::Messages => "Messages",
                Scope::Composer => "Writing",
            }));
            rows.extend(
                matching
                    .into_iter()
                    .map(|(keys, about)| Row::new(keys, about, Choice::Nothing)),
            );
        }
        rows
    }

    fn found_rows(&self) -> Vec<Row> {
        let row = |found: &Found| {
            let message = &found.message;
            let at = when::moment(when::of(message), self.time(), &self.zone);
            let conversation = self.conversations.entry(&message.conversation);
            let name = conversation.map_or_else(|| short(&message.conversation).to_owned(), |entry| entry.name.brief());
            let choice = Choice::Message {
                conversation: message.conversation.clone(),
                id: message.place(),
            };
            Row::new(found.excerpt.clone(), format!("{name}, {at}"), choice)
        };
        self.found.iter().map(row).collect()
    }

    fn request_rows(&self) -> Vec<Row> {
        let row = |request: &api::FriendRequest| {
            let at = when::moment(request.received_at, self.time(), &self.zone);
            let note = if request.note.is_empty() {
                String::new()
            } else {
                format!("“{}” · ", request.note)
            };
            let mut name = Name::from(&request.who).text();
            let claimed = request.who.claimed_name.as_deref().unwrap_or_default();
            if let Some(imitated) = self.conversations.imitated_by(&request.who) {
                let _ = write!(name, "  ! {imitated}");
            }
            if names::mixes_scripts(claimed) {
                name.push_str("  ! the name mixes scripts, as names do that imitate others");
            }
            Row::new(
                name,
                format!("{note}{at}"),
                Choice::Request(request.who.contact.clone()),
            )
        };
        self.requests.iter().map(row).collect()
    }

    fn invite_rows(&self) -> Vec<Row> {
        let row = |invite: &api::UnusedInvite| {
            let made = when::moment(invite.created_at, self.time(), &self.zone);
            Row::new(
                invite.friend_code.clone(),
                format!("made {made}"),
                Choice::Invite(invite.friend_code.clone()),
            )
        };
        self.invites.iter().map(row).collect()
    }

    fn outbox_rows(&self) -> Vec<Row> {
        let row = |message: &api::Message| {
            let conversation = self.conversations.entry(&message.conversation);
            let name = conversation.map_or_else(|| short(&message.conversation).to_owned(), |entry| entry.name.brief());
            let why = self.why_it_waits(message);
            let text: String = message
                .text
                .chars()
                .take(200)
                .map(|c| if c == '\n' { ' ' } else { c })
                .collect();
            let choice = Choice::Waiting {
                conversation: message.conversation.clone(),
                id: message.id.clone(),
                failed: matches!(message.state, MessageState::Failed | MessageState::Cancelled),
            };
            Row::new(format!("{name}: {text}"), why, choice)
        };
        self.outbox.iter().map(row).collect()
    }

    /// Why a message was not delivered yet, and what comes next.
    fn why_it_waits(&self, message: &api::Message) -> String {
        let (_, word) = crate::view::message::state(message);
        let mut why = word.to_owned();
        if let Some(attempts) = message.attempts.filter(|attempts| *attempts > 0) {
            let _ = write!(why, " · not reached {attempts} times");
        }
        if let Some(next) = message.next_attempt_at {
            let left = when::brief(next.millis().saturating_sub(self.now));
            let _ = write!(why, " · next try in {left}");
        }
        if let Some(until) = message.gives_up_at {
            let left = when::brief(until.millis().saturating_sub(self.now));
            let _ = write!(why, " · given up in {left}");
        }
        why
    }

    fn approval_rows(&self) -> Vec<Row> {
        let row = |approval: &api::Approval| {
            let who = approval
                .agent
                .clone()
                .unwrap_or_else(|| String::from("a client without a token"));
            // An agent with the right to change contacts can change what they are called; it cannot change their addresses.
            let to = match Name::from(&approval.conversation) {
                Name::Petname(name) => format!("{name} ({})", short(&approval.conversation.conversation)),
                name => name.text(),
            };
            // What is read out is read out again when it changes: there it is a time of the clock.
            let left = if self.config.keyless {
                format!("until {}", when::clock(approval.expires_at, &self.zone))
            } else {
                let left = approval.expires_at.millis().saturating_sub(self.now);
                format!("{} left", when::brief(left))
            };
            let why = match approval.reason {
                api::ApprovalReason::NoToken => "it has no token",
                api::ApprovalReason::Scope => "its token does not allow it",
                api::ApprovalReason::Taint => "it has read other conversations",
                api::ApprovalReason::Loop => "agents may be answering each other",
            };
            let choice = Choice::Approval {
                id: approval.id.clone(),
                digest: approval.digest.clone(),
            };
            // Before the text, which cannot look like them then.
            let mut lines = vec![format!("{who} → {to} · {why} · {left}")];
            lines.extend(approval.terms());
            lines.push(without_gaps(&approval.text));
            Row::new(lines.join("\n"), "", choice)
        };
        self.approvals.iter().map(row).collect()
    }

    fn settings_rows(&self) -> Vec<Row> {
        let on = |on: bool| String::from(if on { "on" } else { "off" });
        let name = self.me.as_ref().map_or_else(String::new, |me| me.name.clone());
        let availability = self
            .status
            .as_ref()
            .map_or("", |status| availability(status.availability));
        vec![
            Row::heading("You"),
            Row::new("Name", name, Choice::Act(Action::Profile)),
            Row::new("Address and friend code", "", Choice::Act(Action::Identity)),
            Row::new("Shown to contacts as", availability, Choice::Act(Action::Availability)),
            Row::heading("Interface"),
            Row::new("Theme", self.theme.name.clone(), Choice::Act(Action::Theme)),
            Row::new("Key map", self.config.keys.clone(), Choice::Keys(String::new())),
            Row::new("Show the keys", "", Choice::Act(Action::Help)),
            Row::new("Mouse", on(self.config.mouse), Choice::Toggle(Setting::Mouse)),
            Row::new(
                "Send as markdown",
                on(self.config.markdown),
                Choice::Toggle(Setting::Markdown),
            ),
            Row::heading("Notifications"),
            Row::new(
                "On the desktop",
                self.notification_mode(),
                Choice::Act(Action::Notifications),
            ),
            Row::new(
                "By the terminal",
                on(self.config.notify),
                Choice::Toggle(Setting::Notify),
            ),
            Row::new("Bell", on(self.config.bell), Choice::Toggle(Setting::Bell)),
        ]
    }

    fn notification_mode(&self) -> String {
        let known = self.notifications.as_ref();
        known.map_or_else(String::new, |known| String::from(mode(known.mode)))
    }

    fn notification_rows(&self) -> Vec<Row> {
        use api::NotificationMode::{Count, Off, Sender, Text};
        let now = self.notifications.as_ref().map(|known| known.mode);
        let mut rows: Vec<Row> = [Off, Count, Sender, Text]
            .map(|one| {
                Row::new(
                    mode(one),
                    if now == Some(one) { "now" } else { "" },
                    Choice::Notifications(one),
                )
            })
            .into();
        let problem = self
            .notifications
            .as_ref()
            .and_then(|known| known.desktop.problem.clone());
        rows.extend(problem.map(|problem| Row::new("The desktop shows none", problem, Choice::Nothing)));
        rows
    }

    fn availability_rows(&self) -> Vec<Row> {
        use api::Availability::{Away, Invisible, Online};
        let now = self.status.as_ref().map(|status| status.availability);
        [
            (Online, ""),
            (Away, ""),
            (Invisible, "contacts do not see whether Sotto runs"),
        ]
        .map(|(one, about)| {
            let about = if now == Some(one) { "now" } else { about };
            Row::new(availability(one), about, Choice::Availability(one))
        })
        .into()
    }

    fn timer_rows(&self, conversation: &str) -> Vec<Row> {
        let contact = self
            .conversations
            .entry(conversation)
            .and_then(|entry| entry.contact.as_ref());
        let ours = contact.map_or(0, |contact| contact.timer_ours);
        TIMERS
            .iter()
            .map(|seconds| {
                let now = if *seconds == ours { "now" } else { "" };
                Row::new(when::timer(*seconds), now, Choice::Timer(*seconds))
            })
            .collect()
    }

    pub(super) fn timer_dialog(&self, conversation: &str) -> Option<Dialog> {
        let entry = self.conversations.entry(conversation)?;
        let contact = entry.contact.as_ref()?;
        let mut text = String::from(
            "New messages disappear on both sides: yours after they were sent, theirs after you have read them.",
        );
        if contact.timer_theirs > 0 {
            let theirs = when::timer(contact.timer_theirs);
            let name = entry.name.brief();
            let _ = write!(text, "\n{name} has set {theirs}. The shorter timer counts.");
        }
        let title = format!("Timer with {}", entry.name.brief());
        let mut dialog = Dialog::new(Kind::Timer(conversation.to_owned()), title)
            .text(text)
            .field(Field::new("Other (30s, 5m, 2h, 1d, off)"));
        dialog.focus = 1;
        Some(dialog)
    }

    pub(super) fn rename_dialog(&self, contact: &str) -> Option<Dialog> {
        let entry = self.conversations.entry(contact)?;
        let who = &entry.contact.as_ref()?.who;
        let mut claimed = match who.claimed_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => format!(
                "They call themselves “{name}”. Anybody can claim any name; the one that you give here is yours alone."
            ),
            None => String::from("The name that you give here is yours alone; no one else sees it."),
        };
        if let Some(imitated) = self.conversations.imitated_by(who) {
            let _ = write!(claimed, "\n! This peer {imitated}.");
        }
        let petname = who.petname.as_deref().unwrap_or_default();
        Some(
            Dialog::new(Kind::Rename(contact.to_owned()), "What do you call them?")
                .text(claimed)
                .field(Field::with("Petname", petname)),
        )
    }

    pub(super) fn refill_threads(&mut self, threads: &[api::Thread]) {
        let rows = |conversation: &str| -> Vec<Row> {
            let mut rows = vec![Row::new("The whole conversation", "", Choice::Thread(None))];
            let here = threads
                .iter()
                .filter(|thread| thread.conversation.conversation == *conversation);
            rows.extend(here.filter_map(|thread| {
                let name = thread.thread.clone()?;
                let count = messages(thread.messages);
                let detail = match thread.unread {
                    0 => count,
                    unread => format!("{count}, {unread} unread"),
                };
                Some(Row::new(format!("# {name}"), detail, Choice::Thread(Some(name))))
            }));
            rows
        };
        for dialog in &mut self.dialogs {
            if let Kind::Threads(conversation) = &dialog.kind {
                let rows = rows(conversation);
                dialog.set_rows(rows);
            }
        }
    }

    fn details_rows(&self, conversation: &str, id: &str) -> Vec<Row> {
        let here = self.pane.as_ref().filter(|pane| pane.conversation == conversation);
        let Some(message) = here.and_then(|pane| pane.message(id)) else {
            return vec![Row::new("The message is gone", "", Choice::Nothing)];
        };
        let at = |at: api::Time| when::moment(at, self.time(), &self.zone);
        let line = |name: &str, value: String| Row::new(name, value.clone(), Choice::Copy(value));
        let mut rows = vec![line("Id", message.id.clone()), line("From", message.from.clone())];
        rows.push(line("Written", at(message.sent_at)));
        rows.extend(message.received_at.map(|received| line("Received", at(received))));
        let (_, word) = crate::view::message::state(message);
        let word = if word.is_empty() { "read" } else { word };
        rows.push(line("State", format!("{word}, since {}", at(message.state_at))));
        rows.extend(message.edited_at.map(|edited| line("Edited", at(edited))));
        rows.extend(message.expires_at.map(|expires| line("Disappears", at(expires))));
        rows.extend(message.thread.clone().map(|thread| line("Thread", thread)));
        for reaction in &message.reactions {
            let by = match reaction.direction {
                api::Direction::Out => String::from("you"),
                api::Direction::In => short(&reaction.by).to_owned(),
            };
            rows.push(line(
                "Reaction",
                format!("{} by {by}, {}", reaction.emoji, at(reaction.at)),
            ));
        }
        let links = self.pane.as_ref().map(|pane| pane.links(id)).unwrap_or_default();
        rows.extend(
            links
                .into_iter()
                .map(|link| Row::new("Copy the link", link.clone(), Choice::Copy(link))),
        );
        rows
    }
}

fn chosen_row(name: &str, chosen: bool, choice: fn(String) -> Choice) -> Row {
    Row::new(name, if chosen { "in use" } else { "" }, choice(name.to_owned()))
}

/// Reactions to choose from: the usual ones first.
fn reaction_rows(wanted: &str) -> Vec<Row> {
    let row = |emoji: emoji::Emoji| Row::new(emoji.symbol, emoji.name, Choice::Emoji(emoji.symbol.to_owned()));
    let mut rows: Vec<Row> = emoji::matching(wanted).into_iter().map(row).collect();
    if wanted.is_empty() {
        rows.push(Row::new("Take your reaction back", "", Choice::Emoji(String::new())));
    }
    rows
}

/// What notifications say, in words.
const fn mode(mode: api::NotificationMode) -> &'static str {
    match mode {
        api::NotificationMode::Off => "off",
        api::NotificationMode::Count => "how many messages arrived",
        api::NotificationMode::Sender => "who has written",
        api::NotificationMode::Text => "who has written, and what",
    }
}

/// How contacts see this node, in a word.
pub const fn availability(availability: api::Availability) -> &'static str {
    match availability {
        api::Availability::Online => "online",
        api::Availability::Away => "away",
        api::Availability::Invisible => "invisible",
    }
}
