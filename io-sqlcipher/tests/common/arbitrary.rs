//! Strategies for rows of every kind, over few keys, so that random batches meet their own rows again.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sotto_core::row::{
    Batch, Change, ConsumerRow, ContactRow, ContentType, CursorsRow, DeliveryRow, DeliveryState, Event, EventRow,
    FailReason, IdentityRow, InviteRow, Key, MessageKey, MessageRow, OutboxContent, OutboxRow, PreKeyOfferRow,
    ReactionRow, RecordRow, Relationship, RequestRow, Retry, Row, SealedBody, SessionRow, TimerRow, Verification,
};
use sotto_core::{
    ApplicationEvent, Availability, ChannelId, ConversationId, EventSeq, GroupId, InviteToken, MessageId, OnionAddress,
    Pause, Position, SessionEpoch, Wall,
};

/// Changes of different keys, in key order, as core makes them. Some messages come with the event that announces them.
pub fn batch() -> impl Strategy<Value = Batch> {
    let new = (message(), any::<bool>()).prop_map(|(row, received)| {
        let (key, seq, at) = (row.key, row.order, row.at);
        let event = if received {
            Event::MessageReceived { key }
        } else {
            Event::MessageQueued { key }
        };
        [
            Change::Insert(Row::Message(row)),
            Change::Put(Row::Event(EventRow { seq, at, event })),
        ]
    });
    (vec(change(), 0..24), vec(new, 0..4)).prop_map(|(changes, new)| {
        let changes = changes.into_iter().chain(new.into_iter().flatten());
        let by_key: std::collections::BTreeMap<Key, Change> = changes.map(|change| (change.key(), change)).collect();
        Batch {
            changes: by_key.into_values().collect(),
        }
    })
}

/// Every key that a random message can have: of two or three authors in conversations of every kind.
pub fn all_message_keys() -> impl Iterator<Item = MessageKey> {
    conversations().flat_map(|conversation| {
        let authors = match conversation.peer() {
            Some(peer) => vec![peer, super::peer(super::OWN)],
            None => vec![super::peer(1), super::peer(2), super::peer(super::OWN)],
        };
        authors.into_iter().flat_map(move |author| {
            (0..3).map(move |id| MessageKey {
                conversation,
                author,
                id: MessageId([id; 16]),
            })
        })
    })
}

fn conversations() -> impl Iterator<Item = ConversationId> {
    let direct = (1..=3).map(|contact| ConversationId::Direct(super::peer(contact)));
    let others = [
        ConversationId::Group(GroupId([1; 32])),
        ConversationId::Channel(ChannelId([1; 32])),
    ];
    direct.chain(others)
}

fn conversation() -> impl Strategy<Value = ConversationId> {
    select(conversations().collect::<Vec<_>>())
}

/// Any node that writes, reacts, or sets timers.
fn author() -> impl Strategy<Value = OnionAddress> {
    (0_u8..=3).prop_map(super::peer)
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => row().prop_map(Change::Put),
        1 => row().prop_map(Change::Insert),
        1 => row().prop_map(|row| match row {
            // The identity stays: without it nothing could be said of our own messages.
            Row::Identity(_) => Change::Put(row),
            row => Change::Delete(row.key()),
        }),
    ]
}

/// Rows of every kind, the cold ones, which have the more intricate rules, more often.
pub fn row() -> impl Strategy<Value = Row> {
    prop_oneof![
        1 => identity().prop_map(Row::Identity),
        2 => contact().prop_map(Row::Contact),
        2 => (conversation(), author(), any::<u32>()).prop_map(|(conversation, author, seconds)| Row::Timer(TimerRow {
            conversation,
            author,
            seconds,
        })),
        1 => (peer(), bytes()).prop_map(|(contact, record)| Row::Session(SessionRow { contact, record })),
        1 => cursors().prop_map(Row::Cursors),
        1 => offer().prop_map(Row::PreKeyOffer),
        1 => request().prop_map(Row::Request),
        1 => (token(), wall()).prop_map(|(token, created_at)| Row::Invite(InviteRow { token, created_at })),
        2 => outbox().prop_map(Row::Outbox),
        1 => (small_text(), number()).prop_map(|(name, seq)| Row::Consumer(ConsumerRow {
            name,
            acknowledged: EventSeq(seq),
        })),
        1 => (small_text(), bytes()).prop_map(|(key, value)| Row::Record(RecordRow { key, value })),
        5 => message().prop_map(Row::Message),
        5 => delivery().prop_map(Row::Delivery),
        4 => reaction().prop_map(Row::Reaction),
        3 => event_row().prop_map(Row::Event),
    ]
}

/// One of three.
pub fn peer() -> impl Strategy<Value = OnionAddress> {
    (1_u8..=3).prop_map(super::peer)
}

pub fn state() -> impl Strategy<Value = DeliveryState> {
    prop_oneof![
        Just(DeliveryState::Queued),
        Just(DeliveryState::Sent),
        Just(DeliveryState::Delivered),
        Just(DeliveryState::Read),
        Just(DeliveryState::Failed(FailReason::Expired)),
        Just(DeliveryState::Failed(FailReason::Removed)),
        Just(DeliveryState::Cancelled),
    ]
}

/// Every event, with every value that it can carry.
pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        message_key().prop_map(|key| Event::MessageQueued { key }),
        message_key().prop_map(|key| Event::MessageReceived { key }),
        (message_key(), state()).prop_map(|(key, state)| Event::MessageState { key, state }),
        message_key().prop_map(|key| Event::MessageEdited { key }),
        message_key().prop_map(|key| Event::MessageDeleted { key }),
        (message_key(), author()).prop_map(|(key, author)| Event::MessageReacted { key, author }),
        message_key().prop_map(|key| Event::MessageDisappeared { key }),
        (conversation(), stranger(), any::<u32>()).prop_map(|(conversation, author, seconds)| Event::TimerChanged {
            conversation,
            author,
            seconds,
        }),
        stranger().prop_map(|contact| Event::RequestReceived { contact }),
        stranger().prop_map(|contact| Event::RequestDelivered { contact }),
        stranger().prop_map(|contact| Event::RequestDeclined { contact }),
        stranger().prop_map(|contact| Event::ContactAdded { contact }),
        stranger().prop_map(|contact| Event::ContactRemoved { contact }),
        (stranger(), any::<bool>()).prop_map(|(contact, blocked)| Event::ContactBlocked { contact, blocked }),
        (stranger(), any::<bool>()).prop_map(|(contact, verified)| Event::ContactVerified { contact, verified }),
        (stranger(), any::<bool>()).prop_map(|(contact, untrusted)| Event::ContactUntrusted { contact, untrusted }),
        (stranger(), any::<bool>()).prop_map(|(contact, removed)| Event::RemovedByPeer { contact, removed }),
        (conversation(), any::<[u8; 16]>(), any::<u32>()).prop_map(|(conversation, subject, code)| {
            Event::Application(ApplicationEvent {
                conversation,
                subject,
                code,
            })
        }),
        (stranger(), any::<bool>()).prop_map(|(contact, identity_changed)| Event::ContactRekeyed {
            contact,
            identity_changed,
        }),
        stranger().prop_map(|contact| Event::ContactRolledBack { contact }),
        stranger().prop_map(|shown_by| Event::IdentityElsewhere { shown_by }),
        (
            stranger(),
            prop::option::of(prop_oneof![Just(Pause::Quota), Just(Pause::Reserve)])
        )
            .prop_map(|(contact, pause)| Event::ContactPaused { contact, pause }),
    ]
}

/// An event may name a peer that no other row names.
fn stranger() -> impl Strategy<Value = OnionAddress> {
    (1_u8..=6).prop_map(super::peer)
}

fn message_key() -> impl Strategy<Value = MessageKey> {
    select(all_message_keys().collect::<Vec<_>>())
}

/// The place of a message: one of three that no other message has, for events are numbered once.
fn order(key: &MessageKey, which: u64) -> EventSeq {
    let index = all_message_keys().position(|other| other == *key).expect("one of them");
    EventSeq(1 + u64::try_from(index).expect("small") + 40 * which)
}

/// Moments that events and messages share.
fn shared_wall() -> impl Strategy<Value = Wall> {
    (0_u64..2).prop_map(Wall)
}

/// Numbers as they are, and those at the edges: a peer's numbers can be anything.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..50,
        any::<u64>(),
        Just(u64::MAX),
        Just(1 << 63),
        Just((1 << 63) - 1)
    ]
}

fn wall() -> impl Strategy<Value = Wall> {
    number().prop_map(Wall)
}

fn token() -> impl Strategy<Value = InviteToken> {
    (0_u8..3).prop_map(|n| InviteToken([n; 16]))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..40), vec(any::<u8>(), 5_000..9_000)]
}

fn small_text() -> impl Strategy<Value = String> {
    prop_oneof!["", "[ab]", "[a-c]{1,3}", "\\PC{1,5}"]
}

/// Of characters that a reader can see. A reaction comes back through the read side alone, which removes the others.
fn visible_text() -> impl Strategy<Value = String> {
    prop_oneof!["", "[ab]", "[a-c\u{e9}\u{1f44d}\u{1f3fd}\u{2764}]{1,5}"]
}

/// Words that recur, every kind of character, and lengths that need several pages.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "([a-c]{1,2} ){0,6}",
        2 => any::<String>(),
        1 => "[a-z ]{6000,9000}",
        1 => Just(String::from("nul\0inside")),
    ]
}

fn identity() -> impl Strategy<Value = IdentityRow> {
    (
        bytes(),
        any::<u32>(),
        small_text(),
        wall(),
        availability(),
        any::<u32>(),
    )
        .prop_map(
            |(signal_identity, registration_id, name, created_at, availability, default_timer)| IdentityRow {
                onion_seed: super::identity(super::OWN).onion_seed,
                signal_identity,
                registration_id,
                name,
                created_at,
                availability,
                default_timer,
            },
        )
}

fn availability() -> impl Strategy<Value = Availability> {
    prop_oneof![
        Just(Availability::Online),
        Just(Availability::Away),
        Just(Availability::Invisible)
    ]
}

fn contact() -> impl Strategy<Value = ContactRow> {
    let relationship = prop_oneof![
        Just(Relationship::Stranger),
        Just(Relationship::Requested),
        Just(Relationship::RequestDelivered),
        Just(Relationship::RequestDeclined),
        Just(Relationship::Asking),
        Just(Relationship::Declined),
        Just(Relationship::Friend),
    ];
    let names = (small_text(), small_text(), text());
    let keys = (prop::option::of(token()), prop::option::of(bytes()));
    let flags = (
        any::<[bool; 2]>(),
        verification(),
        prop::option::of(vec(any::<u32>(), 0..4)),
    );
    let times = (wall(), prop::option::of(wall()), any::<u32>(), prop::option::of(wall()));
    (peer(), relationship, names, keys, flags, times).prop_map(
        |(
            address,
            relationship,
            (petname, claimed_name, note),
            (invite, identity_key),
            ([blocked, removed_by_peer], verification, features),
            (created_at, last_seen, attempts, next_attempt),
        )| ContactRow {
            address,
            relationship,
            petname,
            claimed_name,
            note,
            invite,
            identity_key,
            verification,
            blocked,
            removed_by_peer,
            features,
            created_at,
            last_seen,
            retry: Retry { attempts, next_attempt },
        },
    )
}

fn verification() -> impl Strategy<Value = Verification> {
    prop_oneof![
        Just(Verification::Unverified),
        Just(Verification::Verified),
        Just(Verification::Untrusted),
    ]
}

fn cursors() -> impl Strategy<Value = CursorsRow> {
    (peer(), number(), number(), number(), number(), number()).prop_map(
        |(contact, session_epoch, sent, acknowledged, received, stored)| CursorsRow {
            contact,
            session_epoch: SessionEpoch(session_epoch),
            sent,
            acknowledged,
            received,
            stored,
        },
    )
}

fn offer() -> impl Strategy<Value = PreKeyOfferRow> {
    (peer(), number(), bytes(), bytes()).prop_map(|(contact, session_epoch, bundle, secrets)| PreKeyOfferRow {
        contact,
        session_epoch: SessionEpoch(session_epoch),
        bundle,
        secrets,
    })
}

fn request() -> impl Strategy<Value = RequestRow> {
    (peer(), number(), bytes(), text(), wall()).prop_map(|(contact, session_epoch, bundle, note, received_at)| {
        RequestRow {
            contact,
            session_epoch: SessionEpoch(session_epoch),
            bundle,
            note,
            received_at,
        }
    })
}

fn outbox() -> impl Strategy<Value = OutboxRow> {
    let sealed =
        prop::option::of((number(), bytes()).prop_map(|(sequence, ciphertext)| SealedBody { sequence, ciphertext }));
    let content = prop_oneof![
        message_key().prop_map(OutboxContent::Text),
        message_key().prop_map(OutboxContent::Edit),
        bytes().prop_map(OutboxContent::Serialised),
        Just(OutboxContent::Obsolete),
    ];
    let life = (any::<u32>(), prop::option::of(wall()));
    (peer(), 0_u64..4, content, sealed, any::<bool>(), wall(), wall(), life).prop_map(
        |(contact, position, content, sealed, repeat, queued_at, expires_at, (ttl, disappears_at))| OutboxRow {
            contact,
            position: Position(position),
            content,
            sealed,
            repeat,
            queued_at,
            expires_at,
            ttl,
            disappears_at,
        },
    )
}

fn message() -> impl Strategy<Value = MessageRow> {
    let content_type = prop_oneof![
        Just(ContentType::Plain),
        Just(ContentType::Markdown),
        Just(ContentType::Unsupported),
    ];
    let place = (
        prop::option::of(small_text()),
        prop::option::of((0_u8..3).prop_map(|n| MessageId([n; 16]))),
    );
    let at = prop_oneof![wall(), shared_wall()];
    let times = (wall(), at, prop::option::of(wall()), prop::option::of(wall()));
    (
        message_key(),
        0_u64..3,
        text(),
        content_type,
        place,
        any::<[u32; 2]>(),
        times,
    )
        .prop_map(
            |(
                key,
                order,
                text,
                content_type,
                (thread, reply_to),
                [ttl, hops],
                (sent_at, at, edited_at, deleted_at),
            )| {
                MessageRow {
                    key,
                    order: self::order(&key, order),
                    text,
                    content_type,
                    thread,
                    reply_to,
                    ttl,
                    hops,
                    sent_at,
                    at,
                    edited_at,
                    deleted_at,
                }
            },
        )
}

fn delivery() -> impl Strategy<Value = DeliveryRow> {
    (
        message_key(),
        state(),
        wall(),
        prop::option::of((0_u64..40).prop_map(Wall)),
    )
        .prop_map(|(key, state, at, disappears_at)| DeliveryRow {
            key,
            state,
            at,
            disappears_at,
        })
}

fn reaction() -> impl Strategy<Value = ReactionRow> {
    (message_key(), author(), visible_text(), wall()).prop_map(|(target, author, emoji, at)| ReactionRow {
        target,
        author,
        emoji,
        at,
    })
}

/// Any event in any place; or one that announces a message in one of that message's places, perhaps as the message says it.
fn event_row() -> impl Strategy<Value = EventRow> {
    let any = (1_u64..12, wall(), event()).prop_map(|(seq, at, event)| EventRow {
        seq: EventSeq(seq),
        at,
        event,
    });
    prop_oneof![any, announcement()]
}

fn announcement() -> impl Strategy<Value = EventRow> {
    (message_key(), 0_u64..3, shared_wall(), any::<bool>()).prop_map(|(key, which, at, received)| EventRow {
        seq: order(&key, which),
        at,
        event: if received {
            Event::MessageReceived { key }
        } else {
            Event::MessageQueued { key }
        },
    })
}
