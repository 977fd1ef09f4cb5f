//! Every view and dialog, as a session that shows it.

use sotto_api::{self as api, Direction, Hold, Message, MessageState, Presence, Relationship, Time};

use super::daemon::{FakeDaemon, PASSPHRASE};
use super::fixtures::{NOW, approval, friend, message, name, onion};
use super::session::Session;
use crate::app::{Input, Start};

/// A view or a dialog.
pub struct Scene {
    pub name: &'static str,
    /// Has it on a screen of that size.
    pub open: fn((u16, u16)) -> Session,
}

macro_rules! scenes {
    ($($name:literal $open:expr;)*) => {
        /// Every scene.
        pub const SCENES: &[Scene] = &[$(Scene { name: $name, open: $open },)*];
    };
}

scenes! {
    "first-run-welcome" |size| Session::start(&Start::FirstRun, FakeDaemon::new(), size);
    "first-run-passphrase" |size| {
        let mut session = Session::start(&Start::FirstRun, FakeDaemon::new(), size);
        session.enter("Alice");
        session.write("viola correct");
        session
    };
    "first-run-key-file" |size| {
        let mut session = Session::start(&Start::FirstRun, FakeDaemon::new(), size);
        session.enter("Alice");
        session.press("tab");
        session.press("tab");
        session.press("enter");
        session
    };
    "first-run-friend-code" |size| {
        let mut session = Session::start(&Start::FirstRun, FakeDaemon::new(), size);
        session.enter("Alice");
        session.enter("viola correct");
        session.enter("viola correct");
        session
    };
    "open-store" |size| {
        let mut session = Session::start(&Start::Passphrase, daemon(), size);
        session.enter("guess");
        session
    };
    "starting" |size| {
        let mut session = Session::start(&Start::Passphrase, daemon(), size);
        session.idle_host = true;
        session.enter(PASSPHRASE);
        session
    };
    "no-conversations" |size| Session::connected(FakeDaemon::new(), size);
    "tor-is-starting" |size| {
        let mut daemon = FakeDaemon::new();
        daemon.status.network.phase = api::Phase::Bootstrapping;
        daemon.status.network.percent = 45;
        daemon.status.network.doing = Some(String::from("loading relay descriptors"));
        daemon.status.network.reachability = api::Reachability::Unknown;
        Session::connected(daemon, size)
    };
    "tor-hangs" |size| {
        let mut daemon = daemon();
        daemon.status.network.phase = api::Phase::Bootstrapping;
        daemon.status.network.percent = 10;
        daemon.status.network.problem = Some(String::from("no relay answers: is there a firewall? A bridge may help"));
        let mut session = Session::connected(daemon, size);
        session.open("Bob");
        session
    };
    "nothing-open" |size| Session::connected(daemon(), size);
    "conversation" bob;
    "conversation-above" |size| {
        let mut session = bob(size);
        session.press("pageup");
        session.receive("Bob", "and one more");
        session
    };
    "conversation-of-a-claimed-name" |size| {
        let mut session = Session::connected(daemon(), size);
        session.app.open_conversation(&onion("eve"));
        session.settle();
        session
    };
    "message-selected" |size| {
        let mut session = bob(size);
        session.press("shift-tab");
        session.press("up");
        session
    };
    "reply" |size| {
        let mut session = bob(size);
        session.press("shift-tab");
        session.press("r");
        session.write("On my way. ");
        session
    };
    "edit" |size| {
        let mut session = bob(size);
        session.press("shift-tab");
        session.press("e");
        session
    };
    "long-text" |size| {
        let mut session = bob(size);
        session.paste("A long text is written here, which takes several lines and shows that the composer grows.\n\n- one\n- two\n- 漢字 👨\u{200d}👩\u{200d}👧");
        session
    };
    "unknown-command" |size| {
        let mut session = bob(size);
        session.enter("/tiemr");
        session
    };
    "no-daemon" |size| {
        let mut session = bob(size);
        session.lose();
        session.enter("Are you there?");
        session
    };
    "key-changed" |size| {
        let mut session = Session::connected(daemon(), size);
        session.open("Dora");
        session
    };
    "request-queued" |size| {
        let mut session = Session::connected(daemon(), size);
        session.open("Frank");
        session
    };
    "list" |size| {
        let mut session = bob(size);
        session.press("shift-tab");
        session.press("shift-tab");
        session
    };
    "hits" |size| {
        let mut session = bob(size);
        session.press("ctrl-f");
        session.enter("lake");
        session
    };
    "help" |size| key(size, "f1");
    "help-filtered" |size| {
        let mut session = key(size, "f1");
        session.write("unread");
        session
    };
    "palette" |size| key(size, "ctrl-p");
    "palette-filtered" |size| {
        let mut session = key(size, "ctrl-p");
        session.write("ca");
        session
    };
    "search" |size| {
        let mut session = key(size, "ctrl-r");
        session.write("lake");
        session
    };
    "search-empty" |size| key(size, "ctrl-r");
    "find" |size| key(size, "ctrl-f");
    "add-friend" |size| key(size, "f7");
    "requests" |size| command(size, "/requests");
    "identity" |size| command(size, "/identity");
    "invite" |size| command(size, "/invite");
    "outbox" |size| command(size, "/outbox");
    "approvals" |size| command(size, "/approvals");
    "status" |size| command(size, "/status");
    "settings" |size| command(size, "/settings");
    "themes" |size| command(size, "/theme");
    "availability" |size| command(size, "/availability");
    "name" |size| command(size, "/name");
    "safety" |size| command(size, "/verify");
    "safety-key-changed" |size| {
        let mut session = Session::connected(daemon(), size);
        session.open("Dora");
        session.enter("/verify");
        session
    };
    "timer" |size| command(size, "/timer");
    "rename" |size| {
        let mut session = Session::connected(daemon(), size);
        session.app.open_conversation(&onion("eve"));
        session.settle();
        session.enter("/rename");
        session
    };
    "threads" |size| command(size, "/threads");
    "react" |size| command(size, "/react");
    "details" |size| {
        let mut session = bob(size);
        session.press("shift-tab");
        session.press("i");
        session
    };
    "delete" |size| {
        let mut session = bob(size);
        session.press("shift-tab");
        session.press("d");
        session
    };
    "quit" |size| {
        let mut session = Session::start(&Start::Passphrase, daemon(), size);
        session.enter(PASSPHRASE);
        session.open("Bob");
        session.press("ctrl-c");
        session
    };
    "block" |size| command(size, "/block");
    "remove" |size| command(size, "/remove");
    "clear" |size| command(size, "/clear");
    "invites" |size| {
        let mut session = command(size, "/invite");
        session.press("esc");
        session.enter("/invites");
        session
    };
    "approvals-empty" |size| {
        let mut daemon = daemon();
        daemon.approvals.clear();
        let mut session = Session::connected(daemon, size);
        session.enter("/approvals");
        session
    };
    "thread" |size| {
        let mut session = command(size, "/thread garden");
        session.enter("The roses are out.");
        session
    };
    "thread-list" |size| {
        let mut session = command(size, "/thread garden");
        session.enter("The roses are out.");
        session.enter("/threads");
        session
    };
    "key-maps" |size| {
        let mut session = command(size, "/settings");
        for _ in 0..4 {
            session.press("down");
        }
        session.press("enter");
        session
    };
    "notifications" |size| command(size, "/notifications");
    "daemon-ended" |size| {
        let mut session = Session::start(&Start::Passphrase, daemon(), size);
        session.enter(PASSPHRASE);
        session.open("Bob");
        session.crash = Some(api::Error::internal("the daemon has crashed"));
        session.lose();
        session
    };
    "cannot-start" |size| {
        let mut session = Session::start(&Start::Passphrase, daemon(), size);
        session.idle_host = true;
        session.enter(PASSPHRASE);
        let error = api::Error::internal("the disk is full");
        session.input(Input::Hosted(Err(error)));
        session
    };
    "locked" |size| key(size, "f8");
    "owner" |size| {
        let mut daemon = daemon();
        daemon.locked = true;
        let mut session = Session::connected(daemon, size);
        session.open("Bob");
        session.enter("/approvals");
        session.press("a");
        session
    };
}

/// A scene by its name.
pub fn scene(name: &str, size: (u16, u16)) -> Session {
    let scene = SCENES
        .iter()
        .find(|scene| scene.name == name)
        .expect("a scene of that name");
    (scene.open)(size)
}

fn bob(size: (u16, u16)) -> Session {
    let mut session = Session::connected(daemon(), size);
    session.open("Bob");
    session
}

fn key(size: (u16, u16), key: &str) -> Session {
    let mut session = bob(size);
    session.press(key);
    session
}

fn command(size: (u16, u16), command: &str) -> Session {
    let mut session = bob(size);
    session.enter(command);
    session
}

/// A node with all that can be shown.
fn daemon() -> FakeDaemon {
    let mut bob = friend("Bob");
    bob.who.verified = true;
    bob.timer = 86_400;
    bob.timer_ours = 86_400;
    bob.unread = 1;
    let of_bob = of_bob(&bob);
    let mut carol = friend("Carol");
    carol.presence = Presence::Away;
    carol.unread = 3;
    let mut of_carol = vec![message(&carol, 0, Direction::In, "hello", 3000)];
    for number in 1..4 {
        let mut unread = message(
            &carol,
            number,
            Direction::In,
            "see you at the lake",
            200 - number as u64,
        );
        unread.state = MessageState::Delivered;
        of_carol.push(unread);
    }
    let mut dora = friend("Dora");
    dora.untrusted = true;
    dora.presence = Presence::Offline;
    let mut held = message(&dora, 2, Direction::Out, "Is that a new phone?", 30);
    held.state = MessageState::Queued;
    held.hold = Some(Hold::UntrustedKey);
    let mut suspect = message(&dora, 1, Direction::In, "Hi, it is me.", 31);
    suspect.untrusted = true;
    let mut eve = friend("eve");
    eve.who = name(None, Some("Bob"), &onion("eve"));
    eve.presence = Presence::Unknown;
    eve.last_seen = None;
    eve.presence_as_of = None;
    let of_eve = vec![message(
        &eve,
        1,
        Direction::In,
        "It is me, Bob. This is my new address.",
        4000,
    )];
    let mut frank = friend("Frank");
    frank.relationship = Relationship::Requested;
    frank.who.claimed_name = None;
    frank.presence = Presence::Unknown;
    frank.last_seen = None;
    frank.presence_as_of = None;
    let of_frank = Vec::new();
    let daemon = FakeDaemon::new()
        .with(bob, of_bob)
        .with(carol, of_carol)
        .with(dora, vec![suspect, held])
        .with(eve, of_eve)
        .with(frank, of_frank);
    asked(daemon)
}

/// A request of a peer, and one of an agent.
fn asked(mut daemon: FakeDaemon) -> FakeDaemon {
    let mut grace = friend("grace");
    grace.who = name(None, Some("C\u{430}rol"), &onion("grace"));
    grace.relationship = Relationship::Asking;
    daemon.requests.push(api::FriendRequest {
        who: grace.who.clone(),
        note: String::from("we met at the lake"),
        received_at: Time::from_millis(NOW - 7_200_000),
    });
    daemon.status.requests = 1;
    daemon.status.queued = 2;
    let bob = daemon.contact("Bob");
    let text = "Here is the summary that you asked for:\n- the boat is ready\n- bring a jacket";
    daemon.approvals.push(approval(&bob, text));
    daemon.with(grace, Vec::new())
}

fn of_bob(bob: &api::Contact) -> Vec<Message> {
    let day = 24 * 60;
    let incoming = |number, text: &str, ago| message(bob, number, Direction::In, text, ago);
    let outgoing = |number, text: &str, ago| message(bob, number, Direction::Out, text, ago);
    let mut messages = vec![
        incoming(1, "Shall we go to the lake on Saturday?", 2 * day + 20),
        outgoing(2, "Yes! When?", 2 * day + 15),
        incoming(
            3,
            "Early. I bring:\n\n- the **boat**\n- two paddles\n- coffee",
            day + 100,
        ),
        incoming(4, "The lock of the shed opens with `4711`.", day + 99),
    ];
    let mut reply = outgoing(5, "Then I bring the bread.", day + 90);
    reply.reply_to = Some(messages[2].id.clone());
    reply.state = MessageState::Delivered;
    messages.push(reply);
    let mut liked = incoming(
        6,
        "> early\n\nThat is 7 o'clock, by the way. The map: https://maps.example.org/lake?zoom=12",
        70,
    );
    liked.reactions.push(api::Reaction {
        by: String::from("me"),
        direction: Direction::Out,
        emoji: String::from("👍"),
        at: Time::from_millis(NOW),
    });
    messages.push(liked);
    let mut edited = outgoing(7, "I am there at 6:45, with 漢字 for you.", 65);
    edited.edited_at = Some(Time::from_millis(NOW - 60_000));
    messages.push(edited);
    let mut deleted = incoming(8, "", 60);
    deleted.deleted_at = Some(Time::from_millis(NOW - 50_000));
    messages.push(deleted);
    let mut failed = outgoing(9, "Can you fetch me?", 50);
    failed.state = MessageState::Failed;
    failed.reason = Some(api::FailReason::Expired);
    messages.push(failed);
    let mut queued = outgoing(10, "No matter, I take the bike.", 12);
    queued.state = MessageState::Queued;
    queued.attempts = Some(2);
    queued.next_attempt_at = Some(Time::from_millis(NOW + 45_000));
    queued.gives_up_at = Some(Time::from_millis(NOW + 86_400_000 * 6));
    messages.push(queued);
    let mut vanishing = incoming(11, "The code of the gate is 0815. This goes away.", 2);
    vanishing.ttl = 3600;
    vanishing.expires_at = Some(Time::from_millis(NOW + 58 * 60_000));
    messages.push(vanishing);
    let mut new = incoming(12, "Are you up?", 1);
    new.state = MessageState::Delivered;
    messages.push(new);
    messages
}
