//! How strangers become friends, or do not.

use sotto_core::row::Relationship;
use sotto_core::{Command, FriendCode, Millis, Refusal, Reply};

use crate::node_index::{ALICE, BOB, CAROL};
use crate::world::World;
use crate::world::add_contact;

/// Alice asks, Bob accepts, and texts go both ways.
pub fn request_and_consent(world: &mut World) {
    world.befriend(ALICE, BOB);
    world.deliver_text(BOB, ALICE, "welcome");
    world.deliver_text(ALICE, BOB, "thank you");
}

/// Alice asks while Bob is away for a day. The request waits for him.
pub fn request_while_away(world: &mut World) {
    world.switch_off(BOB);
    world.request(ALICE, BOB);
    world.advance(Millis::hours(30));
    assert_eq!(world.relationship(ALICE, BOB), Some(Relationship::Requested));
    world.switch_on(BOB);
    world.until_requested(ALICE, BOB);
    world.accept_contact(BOB, ALICE);
    world.until_friends(ALICE, BOB);
}

/// Bob gives Alice an invite. It makes one peer a contact at once, and no other.
pub fn invite(world: &mut World) {
    let Ok(Reply::Invite(code)) = world.call(BOB, Command::CreateInvite) else {
        panic!("no invite");
    };
    world.call_ok(ALICE, add_contact(code));
    world.until_friends(ALICE, BOB);
    assert!(
        world
            .disk(BOB)
            .image()
            .invites
            .iter()
            .all(|invite| Some(invite.token) != code.invite),
        "it is used up"
    );
}

/// Alice and Carol have the same invite. One becomes a contact; the other has to wait until Bob accepts.
pub fn an_invite_is_for_one(world: &mut World) {
    let Ok(Reply::Invite(code)) = world.call(BOB, Command::CreateInvite) else {
        panic!("no invite");
    };
    world.submit(ALICE, add_contact(code));
    world.submit(CAROL, add_contact(code));
    world.until("one is a contact, and the other waits", |world| {
        let relationships = [ALICE, CAROL].map(|peer| world.relationship(BOB, peer));
        relationships.contains(&Some(Relationship::Friend)) && relationships.contains(&Some(Relationship::Asking))
    });
    let late = if world.relationship(BOB, ALICE) == Some(Relationship::Asking) {
        ALICE
    } else {
        CAROL
    };
    world.accept_contact(BOB, late);
    world.until_friends(ALICE, BOB);
    world.until_friends(CAROL, BOB);
}

/// Bob's node holds one stranger's request at a time. The other waits until there is room.
pub fn one_request_at_a_time(world: &mut World) {
    world.overload(BOB);
    let asks = |world: &World, peer| world.relationship(BOB, peer) == Some(Relationship::Asking);
    for peer in [ALICE, CAROL] {
        let address = world.address(BOB);
        world.submit(peer, add_contact(FriendCode { address, invite: None }));
    }
    world.until("one has asked", |world| asks(world, ALICE) || asks(world, CAROL));
    world.advance(Millis::hours(1));
    assert!(!(asks(world, ALICE) && asks(world, CAROL)), "there is room for one");
    let (first, second) = if asks(world, ALICE) {
        (ALICE, CAROL)
    } else {
        (CAROL, ALICE)
    };
    world.accept_contact(BOB, first);
    world.until_requested(second, BOB);
    world.accept_contact(BOB, second);
    world.until_friends(first, BOB);
    world.until_friends(second, BOB);
}

/// Alice withdraws her request before Bob accepts. He does not learn of it. When he removes her, the dials stop.
pub fn withdrawn(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    let (alice, bob) = (world.address(ALICE), world.address(BOB));
    world.call_ok(ALICE, Command::RemoveContact(bob));
    world.accept_contact(BOB, ALICE);
    world.advance(Millis::hours(3));
    assert_eq!(world.relationship(ALICE, BOB), Some(Relationship::Stranger));
    world.call_ok(BOB, Command::RemoveContact(alice));
}

/// Both ask at the same time: that is consent.
pub fn crossing_requests(world: &mut World) {
    for (from, to) in [(ALICE, BOB), (BOB, ALICE)] {
        let address = world.address(to);
        world.submit(from, add_contact(FriendCode { address, invite: None }));
    }
    world.until_friends(ALICE, BOB);
}

/// Bob adds Alice, who has asked him: that is consent.
pub fn add_back(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    world.request(BOB, ALICE);
    world.until_friends(ALICE, BOB);
}

/// Bob declines. Alice is told over the live link. If that frame is lost, she is told when she asks again.
pub fn declined(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    let alice = world.address(ALICE);
    world.call_ok(BOB, Command::RejectContact(alice));
    world.advance(Millis::minutes(1));
    if world.relationship(ALICE, BOB) != Some(Relationship::RequestDeclined) {
        world.request(ALICE, BOB);
    }
    world.until("Alice knows", |world| {
        world.relationship(ALICE, BOB) == Some(Relationship::RequestDeclined)
    });
    assert_eq!(world.relationship(BOB, ALICE), Some(Relationship::Declined));
}

/// Bob declines, changes his mind, and asks Alice himself. She accepts.
pub fn declined_then_accepted(world: &mut World) {
    declined(world);
    world.request(BOB, ALICE);
    world.until("Alice has the request, or it was consent already", |world| {
        world.relationship(ALICE, BOB) == Some(Relationship::Asking) || world.are_friends(ALICE, BOB)
    });
    if !world.are_friends(ALICE, BOB) {
        world.accept_contact(ALICE, BOB);
    }
    world.until_friends(ALICE, BOB);
}

/// Alice cannot add her own friend code.
pub fn ones_own_code(world: &mut World) {
    let address = world.address(ALICE);
    let own = add_contact(FriendCode { address, invite: None });
    assert_eq!(world.call(ALICE, own), Err(Refusal::Ourselves));
    assert!(world.contact(ALICE, ALICE).is_none());
}

/// Alice writes before Bob has accepted. The text waits for his consent, and arrives right after it.
pub fn words_before_consent(world: &mut World) {
    world.request(ALICE, BOB);
    let id = world.send_text(ALICE, BOB, "we met at the station");
    world.until_requested(ALICE, BOB);
    assert!(world.received_texts(ALICE, BOB).is_empty(), "he has not consented");
    world.accept_contact(BOB, ALICE);
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.received_texts(ALICE, BOB), ["we met at the station"]);
}

/// Alice claims a name. Bob sees the claim, and uses the petname that he gives her.
pub fn names_are_claims(world: &mut World) {
    let names = |world: &World| {
        let row = world.contact(BOB, ALICE).expect("she has asked");
        (row.claimed_name.clone(), row.petname.clone())
    };
    world.call_ok(ALICE, Command::SetName("your bank".to_owned()));
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    assert_eq!(names(world), ("your bank".to_owned(), String::new()));
    let (contact, petname) = (world.address(ALICE), Some("Alice?".to_owned()));
    world.call_ok(BOB, Command::AcceptContact { contact, petname });
    world.until_friends(ALICE, BOB);
    assert_eq!(names(world), ("your bank".to_owned(), "Alice?".to_owned()));
    world.call_ok(ALICE, Command::SetName("your king".to_owned()));
    world.call_ok(BOB, Command::RenameContact(contact, "Alice".to_owned()));
    world.deliver_text(ALICE, BOB, "it is me");
    assert_eq!(names(world).1, "Alice");
}

/// Bob removes Alice's request without an answer. She is not told. When she asks again, he is asked again.
pub fn ignored_and_asked_again(world: &mut World) {
    let alice = world.address(ALICE);
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    world.call_ok(BOB, Command::RemoveContact(alice));
    world.advance(Millis::hours(2));
    let hopeful = [Relationship::Requested, Relationship::RequestDelivered].map(Some);
    assert!(hopeful.contains(&world.relationship(ALICE, BOB)));
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    world.accept_contact(BOB, ALICE);
    world.until_friends(ALICE, BOB);
}

/// Bob declines. Later both ask at the same moment: that is consent.
pub fn declined_then_crossing(world: &mut World) {
    declined(world);
    crossing_requests(world);
}

/// Bob has blocked Alice while she was asking. His invite changes nothing and is not used up. After he has unblocked
/// her it makes her a contact.
pub fn an_invite_does_not_unblock(world: &mut World) {
    let alice = world.address(ALICE);
    world.request(ALICE, BOB);
    world.until_requested(ALICE, BOB);
    world.call_ok(BOB, Command::BlockContact(alice, true));
    let Ok(Reply::Invite(code)) = world.call(BOB, Command::CreateInvite) else {
        panic!("no invite");
    };
    let unused = |world: &World| {
        let invites = world.disk(BOB).image().invites;
        invites.iter().any(|invite| Some(invite.token) == code.invite)
    };
    world.call_ok(ALICE, add_contact(code));
    world.advance(Millis::hours(1));
    assert_eq!(world.relationship(BOB, ALICE), Some(Relationship::Asking));
    assert!(unused(world));
    world.call_ok(BOB, Command::BlockContact(alice, false));
    if !world.are_friends(ALICE, BOB) {
        let _ = world.call(ALICE, add_contact(code)); // a slow network may have brought the first one only now
    }
    world.until_friends(ALICE, BOB);
    assert!(!unused(world));
}
