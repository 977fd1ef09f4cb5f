//! How strangers become friends, or do not.

use sotto_core::row::Standing;
use sotto_core::{Command, FriendCode, Millis, Refusal, Reply};

use crate::world::add;
use crate::{ALICE, BOB, CAROL, World};

/// Alice asks, Bob consents, and the first words go either way.
pub fn request_and_consent(world: &mut World) {
    world.befriend(ALICE, BOB);
    world.tell(BOB, ALICE, "welcome");
    world.tell(ALICE, BOB, "thank you");
}

/// Alice asks while Bob is away for a day: the request waits for him.
pub fn request_while_away(world: &mut World) {
    world.switch_off(BOB);
    world.request(ALICE, BOB);
    world.pass(Millis::hours(30));
    assert_eq!(world.standing(ALICE, BOB), Some(Standing::Requested));
    world.switch_on(BOB);
    world.until_asked(ALICE, BOB);
    world.consent(BOB, ALICE);
    world.until_friends(ALICE, BOB);
}

/// Bob gives Alice an invite: whoever bears it is let in at once, and only once.
pub fn invite(world: &mut World) {
    let Ok(Reply::Invite(code)) = world.ask(BOB, Command::CreateInvite) else {
        panic!("no invite");
    };
    world.order(ALICE, add(code));
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

/// Alice and Carol have got hold of the same invite. One of them is let in; the other has to wait for Bob's consent.
pub fn an_invite_is_for_one(world: &mut World) {
    let Ok(Reply::Invite(code)) = world.ask(BOB, Command::CreateInvite) else {
        panic!("no invite");
    };
    world.post(ALICE, add(code));
    world.post(CAROL, add(code));
    world.until("one is in, and the other waits", |world| {
        let standings = [ALICE, CAROL].map(|peer| world.standing(BOB, peer));
        standings.contains(&Some(Standing::Friend)) && standings.contains(&Some(Standing::Asking))
    });
    let late = if world.standing(BOB, ALICE) == Some(Standing::Asking) {
        ALICE
    } else {
        CAROL
    };
    world.consent(BOB, late);
    world.until_friends(ALICE, BOB);
    world.until_friends(CAROL, BOB);
}

/// Bob's node holds one stranger's request at a time. The other's waits until there is room.
pub fn one_request_at_a_time(world: &mut World) {
    world.impose_upon(BOB);
    let asks = |world: &World, peer| world.standing(BOB, peer) == Some(Standing::Asking);
    for peer in [ALICE, CAROL] {
        let address = world.address(BOB);
        world.post(peer, add(FriendCode { address, invite: None }));
    }
    world.until("one has asked", |world| asks(world, ALICE) || asks(world, CAROL));
    world.pass(Millis::hours(1));
    assert!(!(asks(world, ALICE) && asks(world, CAROL)), "there is room for one");
    let (first, second) = if asks(world, ALICE) {
        (ALICE, CAROL)
    } else {
        (CAROL, ALICE)
    };
    world.consent(BOB, first);
    world.until_asked(second, BOB);
    world.consent(BOB, second);
    world.until_friends(first, BOB);
    world.until_friends(second, BOB);
}

/// Alice takes her request back before Bob consents. He does not learn of it; when he gives up and removes her, there is
/// silence.
pub fn withdrawn(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    let (alice, bob) = (world.address(ALICE), world.address(BOB));
    world.order(ALICE, Command::RemoveContact(bob));
    world.consent(BOB, ALICE);
    world.pass(Millis::hours(3));
    assert_eq!(world.standing(ALICE, BOB), Some(Standing::Stranger));
    world.order(BOB, Command::RemoveContact(alice));
}

/// Both ask at the same time: that is consent.
pub fn crossing_requests(world: &mut World) {
    for (from, to) in [(ALICE, BOB), (BOB, ALICE)] {
        let address = world.address(to);
        world.post(from, add(FriendCode { address, invite: None }));
    }
    world.until_friends(ALICE, BOB);
}

/// Bob adds Alice, who has asked him: that is consent.
pub fn add_back(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    world.request(BOB, ALICE);
    world.until_friends(ALICE, BOB);
}

/// Bob says no. Alice is told over the link that is up; if that word is lost, she is told when she asks again.
pub fn declined(world: &mut World) {
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    let alice = world.address(ALICE);
    world.order(BOB, Command::RejectContact(alice));
    world.pass(Millis::minutes(1));
    if world.standing(ALICE, BOB) != Some(Standing::RequestDeclined) {
        world.request(ALICE, BOB);
    }
    world.until("Alice knows", |world| {
        world.standing(ALICE, BOB) == Some(Standing::RequestDeclined)
    });
    assert_eq!(world.standing(BOB, ALICE), Some(Standing::Declined));
}

/// Bob says no, thinks again, and asks Alice himself; she agrees.
pub fn declined_then_accepted(world: &mut World) {
    declined(world);
    world.request(BOB, ALICE);
    world.until("Alice has the request, or it was consent already", |world| {
        world.standing(ALICE, BOB) == Some(Standing::Asking) || world.are_friends(ALICE, BOB)
    });
    if !world.are_friends(ALICE, BOB) {
        world.consent(ALICE, BOB);
    }
    world.until_friends(ALICE, BOB);
}

/// Alice's own code is of no use to her.
pub fn ones_own_code(world: &mut World) {
    let address = world.address(ALICE);
    let own = add(FriendCode { address, invite: None });
    assert_eq!(world.ask(ALICE, own), Err(Refusal::Ourselves));
    assert!(world.contact(ALICE, ALICE).is_none());
}

/// Alice has more to say than fits in a note. It waits for Bob's consent, and comes right after it.
pub fn words_before_consent(world: &mut World) {
    world.request(ALICE, BOB);
    let id = world.say(ALICE, BOB, "we met at the station");
    world.until_asked(ALICE, BOB);
    assert!(world.heard(ALICE, BOB).is_empty(), "he has not agreed to hear anything");
    world.consent(BOB, ALICE);
    world.until_delivered(ALICE, BOB, id);
    assert_eq!(world.heard(ALICE, BOB), ["we met at the station"]);
}

/// Alice claims to be somebody. Bob sees the claim and goes by the name that he gives her himself.
pub fn names_are_claims(world: &mut World) {
    let names = |world: &World| {
        let row = world.contact(BOB, ALICE).expect("she has asked");
        (row.claimed_name.clone(), row.petname.clone())
    };
    world.order(ALICE, Command::SetName("your bank".to_owned()));
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    assert_eq!(names(world), ("your bank".to_owned(), String::new()));
    let (contact, petname) = (world.address(ALICE), Some("Alice?".to_owned()));
    world.order(BOB, Command::AcceptContact { contact, petname });
    world.until_friends(ALICE, BOB);
    assert_eq!(names(world), ("your bank".to_owned(), "Alice?".to_owned()));
    world.order(ALICE, Command::SetName("your king".to_owned()));
    world.order(BOB, Command::RenameContact(contact, "Alice".to_owned()));
    world.tell(ALICE, BOB, "it is me");
    assert_eq!(names(world).1, "Alice");
}

/// Bob lets Alice's request go without a word. She is not told; when she asks again, he is asked again.
pub fn ignored_and_asked_again(world: &mut World) {
    let alice = world.address(ALICE);
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    world.order(BOB, Command::RemoveContact(alice));
    world.pass(Millis::hours(2));
    let hopeful = [Standing::Requested, Standing::RequestDelivered].map(Some);
    assert!(hopeful.contains(&world.standing(ALICE, BOB)));
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    world.consent(BOB, ALICE);
    world.until_friends(ALICE, BOB);
}

/// Bob says no. Later both ask at the same moment: that is consent, whatever was before.
pub fn declined_then_crossing(world: &mut World) {
    declined(world);
    crossing_requests(world);
}

/// Bob has blocked Alice while she was asking. An invite of his that she has got hold of changes nothing, and is not used
/// up; after he has unblocked her it lets her in.
pub fn an_invite_does_not_unblock(world: &mut World) {
    let alice = world.address(ALICE);
    world.request(ALICE, BOB);
    world.until_asked(ALICE, BOB);
    world.order(BOB, Command::BlockContact(alice, true));
    let Ok(Reply::Invite(code)) = world.ask(BOB, Command::CreateInvite) else {
        panic!("no invite");
    };
    let unused = |world: &World| {
        let invites = world.disk(BOB).image().invites;
        invites.iter().any(|invite| Some(invite.token) == code.invite)
    };
    world.order(ALICE, add(code));
    world.pass(Millis::hours(1));
    assert_eq!(world.standing(BOB, ALICE), Some(Standing::Asking));
    assert!(unused(world));
    world.order(BOB, Command::BlockContact(alice, false));
    if !world.are_friends(ALICE, BOB) {
        let _ = world.ask(ALICE, add(code)); // a bad network may have brought the first one only now
    }
    world.until_friends(ALICE, BOB);
    assert!(!unused(world));
}
