//! What the daemon in memory has: contacts, messages, a node.

use std::collections::BTreeMap;

use sotto_api::{
    self as api, Contact, ContactName, ContentType, Direction, Identity, Message, MessageState, Presence, Relationship,
    Status, Time,
};

/// 2026-03-05 12:34:56 UTC, a Thursday.
pub const NOW: u64 = 1_772_714_096_000;

const MINUTE: u64 = 60_000;

/// The onion address that begins with a name.
pub fn onion(name: &str) -> String {
    let mut address: String = name.chars().filter(char::is_ascii_lowercase).collect();
    while address.len() < 56 {
        address.push_str("abcdefghijklmnop234567");
    }
    address.truncate(56);
    format!("{address}.onion")
}

pub fn name(petname: Option<&str>, claimed: Option<&str>, onion: &str) -> ContactName {
    ContactName {
        contact: onion.to_owned(),
        petname: petname.map(str::to_owned),
        claimed_name: claimed.map(str::to_owned),
        verified: false,
    }
}

/// A friend with a petname, who was online a minute ago.
pub fn friend(petname: &str) -> Contact {
    let onion = onion(&petname.to_lowercase());
    Contact {
        who: name(Some(petname), Some(petname), &onion),
        relationship: Relationship::Friend,
        blocked: false,
        muted: false,
        untrusted: false,
        timer: 0,
        timer_ours: 0,
        timer_theirs: 0,
        unread: 0,
        presence: Presence::Online,
        presence_as_of: Some(Time::from_millis(NOW - MINUTE)),
        stored_bytes: 0,
        pause: None,
        created_at: Time::from_millis(NOW - 30 * 24 * 60 * MINUTE),
        last_seen: Some(Time::from_millis(NOW - MINUTE)),
        attempts: 0,
        next_attempt_at: None,
    }
}

pub fn me() -> Identity {
    let onion = onion("me");
    Identity {
        friend_code: format!("sotto1-{}-q7rw-x2mf", &onion[..56]),
        onion,
        name: String::from("Alice"),
        fingerprint: String::from("0123 4567 89ab cdef"),
    }
}

/// The message number `number` of a conversation, `ago` minutes before now.
pub fn message(contact: &Contact, number: usize, direction: Direction, text: &str, ago: u64) -> Message {
    let at = Time::from_millis(NOW - ago * MINUTE);
    let incoming = direction == Direction::In;
    Message {
        id: format!("{:0>26}{number:06x}", &contact.who.contact[..4]),
        conversation: contact.who.contact.clone(),
        from: if incoming {
            contact.who.contact.clone()
        } else {
            me().onion
        },
        petname: contact.who.petname.clone(),
        claimed_name: contact.who.claimed_name.clone(),
        verified: contact.who.verified,
        untrusted: false,
        text: text.to_owned(),
        content_type: ContentType::Markdown,
        thread: None,
        reply_to: None,
        sent_at: at,
        received_at: incoming.then_some(at),
        expires_at: None,
        ttl: 0,
        direction,
        state: MessageState::Read,
        state_at: at,
        reason: None,
        hold: None,
        attempts: None,
        next_attempt_at: None,
        gives_up_at: None,
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
    }
}

/// A node that contacts can reach.
pub fn status() -> Status {
    Status {
        version: String::from("0.1.0"),
        onion: me().onion,
        network: api::Network {
            kind: String::from("tor"),
            phase: api::Phase::Ready,
            percent: 100,
            doing: None,
            reachable: true,
            reachability: api::Reachability::Reachable,
            proven_at: Some(Time::from_millis(NOW - 3 * MINUTE)),
            problem: None,
        },
        availability: api::Availability::Online,
        typing: true,
        owner_passphrase: true,
        queued: 0,
        links: 3,
        stranger_links: 0,
        handshakes: 12,
        dials: 1,
        requests: 0,
        peer_faults: 0,
        peer_faults_by_kind: BTreeMap::new(),
        storage: api::Storage {
            free_bytes: Some(120 << 30),
            reserve_bytes: 0,
            contact_quota_bytes: 0,
            stored_bytes: 0,
            paused_contacts: 0,
        },
        clock_doubted: false,
        elsewhere: None,
        last_seq: 0,
        log_lines_dropped: 0,
        pid: 4242,
        started_at: Time::from_millis(NOW - 120 * MINUTE),
        endpoints: Vec::new(),
        data_dir: String::from("/home/alice/.local/share/sotto/default"),
        socket: String::from("/run/user/1000/sotto/default.sock"),
        lock_file: String::from("/home/alice/.local/share/sotto/default/lock"),
        log_file: None,
    }
}

/// Nothing is wrong.
pub fn doctor() -> api::DoctorReport {
    let good = [
        ("identity", "in /home/alice/.local/share/sotto/default"),
        ("configuration", "network = \"tor\""),
        ("key", "no file is named, so a passphrase is asked for"),
        ("permissions", "only you can open the files"),
        ("disk", "122880 MiB free"),
        ("store", "2144 KiB in sotto.db; sotto backup FILE copies it whole"),
        ("daemon", "version 0.1.0, process 4242, for 2 hours"),
        ("network", "tor: reachable, checked 3 minutes ago"),
        ("clock", "as the node expects it"),
        ("outbox", "everything is delivered"),
    ];
    let findings = good.map(|(subject, said)| api::Finding::good(subject, said));
    api::DoctorReport::new(findings.into(), Some(String::from("0.1.0")))
}

/// What an agent wants to send to a contact.
pub fn approval(to: &Contact, text: &str) -> api::Approval {
    api::Approval {
        id: String::from("a1"),
        agent: Some(String::from("scribe")),
        surface: Some(String::from("mcp")),
        reason: api::ApprovalReason::Taint,
        state: api::ApprovalState::Pending,
        conversation: api::Conversation {
            conversation: to.who.contact.clone(),
            petname: to.who.petname.clone(),
            claimed_name: None,
            verified: to.who.verified,
        },
        text: text.to_owned(),
        content_type: ContentType::Plain,
        thread: None,
        reply_to: None,
        ttl: None,
        digest: String::from("d1"),
        requested_at: Time::from_millis(NOW),
        expires_at: Time::from_millis(NOW + 600_000),
        message: None,
    }
}
