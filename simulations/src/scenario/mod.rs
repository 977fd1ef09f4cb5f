//! The library of stories. Each is a function that tells what users do and what they then see, in a world that may crash
//! any node at any output while it is told.

mod changes;
mod conversation;
mod find;
mod first_contact;
mod full_size;
mod lifetime;
mod outbox;
mod presence;
mod recovery;
mod rough_network;
mod standing;
mod storage;
mod three;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sotto_core::{Limits, Millis};
use sotto_testkit::disk::Disk;

use crate::choice::{Choices, Faults};
use crate::invariant;
use crate::peer::{ALICE, BOB, CAROL, Peer};
pub use crate::script::Beginning;
use crate::script::{Script, Telling};
use crate::world::{Cipher, Malice, World};

/// A story, and the world that it needs.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What users do. Afterwards the world is settled.
    pub story: Story,
    /// How many people there are.
    pub people: usize,
    /// Whether they are all friends at the beginning, or strangers.
    pub begins: Beginning,
    /// Who are friends in the end.
    pub friends: &'static [(Peer, Peer)],
    /// The numbers that its nodes run with.
    pub scale: Scale,
}

/// How large the numbers are that bound a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A window that a few messages fill, room for one request and few rows that wait, and little patience with slow disks:
    /// so that a short story meets every bound.
    Small,
    /// The product's own.
    Full,
}

/// What users do.
#[derive(Clone, Copy, Debug)]
pub enum Story {
    /// A function of the library tells it.
    Told(fn(&mut World)),
    /// A file has it.
    Written(&'static Script),
}

const NOBODY: &[(Peer, Peer)] = &[];
const BOTH: &[(Peer, Peer)] = &[(ALICE, BOB)];
const WITH_BOB: &[(Peer, Peer)] = &[(ALICE, BOB), (BOB, CAROL)];
const ALL_THREE: &[(Peer, Peer)] = &[(ALICE, BOB), (BOB, CAROL), (ALICE, CAROL)];

macro_rules! stories {
    ($(#[$about:meta])* $stories:ident $scale:ident:
     $($people:literal $begins:ident $friends:ident { $($module:ident :: $name:ident)* })*) => {
        $(#[$about])*
        pub const $stories: &[Scenario] = &[$($(
            Scenario {
                name: stringify!($name),
                story: Story::Told($module::$name),
                people: $people,
                begins: Beginning::$begins,
                friends: $friends,
                scale: Scale::$scale,
            },
        )*)*];
    };
}

stories! {
    /// Every story of the usual length.
    LIBRARY Small:
    2 Strangers BOTH {
        first_contact::request_and_consent
        first_contact::request_while_away
        first_contact::invite
        first_contact::crossing_requests
        first_contact::add_back
        first_contact::declined_then_accepted
        first_contact::words_before_consent
        first_contact::names_are_claims
        first_contact::ignored_and_asked_again
        first_contact::declined_then_crossing
        first_contact::an_invite_does_not_unblock
    }
    2 Strangers NOBODY {
        first_contact::declined
        first_contact::withdrawn
        first_contact::ones_own_code
    }
    2 Friends BOTH {
        conversation::one_message
        conversation::both_ways
        conversation::burst_while_away
        conversation::ten_times_ok
        conversation::a_long_text
        conversation::the_same_wish_twice
        conversation::read
        conversation::read_in_private
        conversation::an_answer_in_a_thread
        conversation::beyond_the_window
        conversation::a_reader_of_events
        changes::edit
        changes::delete
        changes::react
        changes::changes_while_away
        changes::deleted_while_away
        changes::deleted_before_it_left
        changes::deleted_is_deleted
        changes::each_their_own
        changes::both_react
        lifetime::timer_of_the_conversation
        lifetime::timer_of_one_message
        lifetime::disappears_while_away
        lifetime::disappears_before_the_ack
        lifetime::the_tightest_timer_holds
        lifetime::unread_it_stays
        outbox::expires_and_is_sent_again
        outbox::cancel
        outbox::full
        outbox::cancelled_and_sent_again
        outbox::tried_at_once
        outbox::another_network
        outbox::refused_wishes
        presence::here_away_invisible
        presence::writing
        recovery::session_lost_by_one
        recovery::session_lost_by_the_other
        recovery::session_lost_before_the_ack
        recovery::old_store_without_traffic
        recovery::old_store_after_sending
        recovery::old_store_after_receiving
        recovery::old_stores_of_both
        recovery::only_the_identity_is_left
        recovery::verified_across_a_new_session
        recovery::a_new_identity_is_a_warning
        recovery::the_clock_is_behind_the_store
        standing::blocked_in_silence
        standing::blocked_changes_nothing
        standing::removed_and_added_again
        standing::removed_and_asks_anew
        storage::a_full_disk
        storage::a_store_in_use
        storage::the_same_store_opened_twice
        storage::an_unreadable_disk
        storage::a_failing_disk
        rough_network::both_dial_at_once
        rough_network::cut_in_the_middle
        rough_network::a_link_dies_in_silence
        rough_network::a_clock_is_set_back
        rough_network::a_long_silence
        rough_network::heartbeats_keep_a_link
        rough_network::one_byte_at_a_time
        rough_network::refused_again_and_again
        rough_network::a_service_found_late
        rough_network::a_lid_closed_for_long
    }
    2 Friends NOBODY {
        standing::removed
        standing::removed_and_unaware
    }
    3 Strangers WITH_BOB {
        first_contact::an_invite_is_for_one
        first_contact::one_request_at_a_time
    }
    3 Friends ALL_THREE {
        three::everybody_to_everybody
        three::one_of_three_is_blocked
        three::a_third_hears_both
    }
}

stories! {
    /// Stories with the product's own limits: too long to be played as often as those of the library.
    FULL_SIZE Full:
    2 Friends BOTH {
        full_size::five_hundred_while_away
        full_size::five_hundred_each_way
        full_size::a_window_of_thirty_two
        full_size::ten_thousand_wait
    }
}

impl PartialEq for Scenario {
    /// Names are unique.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Scenario {
    /// The one of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        LIBRARY.iter().chain(FULL_SIZE).find(|scenario| scenario.name == name)
    }

    /// Whether the story is about when things happen.
    pub fn is_punctual(&self) -> bool {
        const PUNCTUAL: [&str; 19] = [
            "timer_of_the_conversation",
            "timer_of_one_message",
            "disappears_while_away",
            "disappears_before_the_ack",
            "expires_and_is_sent_again",
            "cancel",
            "a_link_dies_in_silence",
            "a_clock_is_set_back",
            "a_long_silence",
            "cancelled_and_sent_again",
            "deleted_before_it_left",
            "the_tightest_timer_holds",
            "unread_it_stays",
            "tried_at_once",
            "another_network",
            "the_clock_is_behind_the_store",
            "a_lid_closed_for_long",
            // So long in a bad world that a clock which is set as well would let some expire.
            "five_hundred_while_away",
            "five_hundred_each_way",
        ];
        match self.story {
            Story::Told(_) => PUNCTUAL.contains(&self.name),
            Story::Written(script) => script.is_punctual(),
        }
    }

    /// Tells it. What a file expects in the end has still to be looked at.
    pub(crate) fn tell(&self, world: &mut World) -> Option<Telling> {
        match self.story {
            Story::Told(story) => {
                story(world);
                None
            }
            Story::Written(script) => Some(script.tell(world)),
        }
    }

    /// The faults that it wants in a world that has none otherwise.
    pub fn faults(&self) -> Option<&'static Faults> {
        match self.story {
            Story::Told(_) => None,
            Story::Written(script) => script.faults(),
        }
    }

    /// A world for it.
    pub fn world(&self, cipher: Cipher, seed: u64, choices: Choices) -> World {
        let (disks, era) = match self.begins {
            Beginning::Strangers => (vec![Disk::default(); self.people], 0),
            Beginning::Friends => (friends(self.people, cipher).to_vec(), 1),
        };
        World::new(cipher, disks, era, self.scale.limits(), seed, choices, invariant::all())
    }

    /// The same world, and in it one more, who means ill; to be known to such a person takes room for one more request.
    pub(crate) fn world_among(&self, malice: Malice, cipher: Cipher, seed: u64, choices: Choices) -> World {
        let people = self.people + 1;
        let (disks, era) = match self.begins {
            Beginning::Strangers => (vec![Disk::default(); people], 0),
            Beginning::Friends => (friends(people, cipher).to_vec(), 1),
        };
        let limits = Limits {
            requests: self.scale.limits().requests + 1,
            ..self.scale.limits()
        };
        let mut world = World::new(cipher, disks, era, limits, seed, choices, invariant::all());
        world.corrupt(Peer(self.people), malice);
        world
    }
}

impl Scale {
    fn limits(self) -> Limits {
        match self {
            Self::Small => Limits {
                window: 4,
                requests: 1,
                outbox_rows: 24,
                staged_changes: 16,
                ..Limits::default()
            },
            Self::Full => Limits::default(),
        }
    }
}

/// The disks of people who have become friends in an earlier world: this costs more than most stories, and is itself one.
fn friends(people: usize, cipher: Cipher) -> &'static [Disk] {
    static MADE: Mutex<BTreeMap<(usize, Cipher), &'static [Disk]>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry((people, cipher)).or_insert_with(|| {
        let strangers = vec![Disk::default(); people];
        let (calm, watch) = (Choices::calm(), invariant::all());
        let mut world = World::new(cipher, strangers, 0, Scale::Small.limits(), 0, calm, watch);
        world.begin();
        let pairs: Vec<_> = world.pairs().into_iter().filter(|(a, b)| a < b).collect();
        for (a, b) in &pairs {
            world.befriend(*a, *b);
        }
        world.settle(&pairs);
        world.pass(Millis::hours(1));
        world
            .peers()
            .map(|peer| world.snapshot(peer))
            .collect::<Vec<_>>()
            .leak()
    })
}
