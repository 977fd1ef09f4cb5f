//! [`Scenario`]: the library. Each scenario is a function that says what users do and then see, in a world in which any
//! node may crash at any output.

mod changes;
mod conversation;
mod find;
mod first_contact;
mod full_size;
mod lifetime;
mod outbox;
mod presence;
mod recovery;
mod relationship;
mod rough_network;
mod storage;
mod three;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sotto_core::{Limits, Millis};
use sotto_testkit::memory_store::MemoryStore;

use crate::choice::{Choices, Faults};
use crate::invariant;
use crate::node_index::{ALICE, BOB, CAROL, NodeIndex};
pub use crate::script::Beginning;
use crate::script::{Interpreter, Script};
use crate::world::{ByzantineFault, Cipher, World};

/// A scenario, and the world that it needs.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What users do. Afterwards the world becomes quiescent.
    pub steps: Steps,
    /// How many peers there are.
    pub people: usize,
    /// Whether they are all friends at the beginning, or strangers.
    pub begins: Beginning,
    /// Who are friends in the end.
    pub friends: &'static [(NodeIndex, NodeIndex)],
    /// The limits of its nodes.
    pub scale: Scale,
}

/// The size of the limits of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A window of four messages, one request, few outbox rows, few staged changes: a short scenario meets every bound.
    Small,
    /// As the small ones, and a contact may store six short messages, and in an hour a little more.
    Tight,
    /// The product's own limits.
    Full,
}

/// What users do.
#[derive(Clone, Copy, Debug)]
pub enum Steps {
    /// A function of the library.
    Function(fn(&mut World)),
    /// A scenario file.
    Script(&'static Script),
}

const NONE: &[(NodeIndex, NodeIndex)] = &[];
const BOTH: &[(NodeIndex, NodeIndex)] = &[(ALICE, BOB)];
const WITH_BOB: &[(NodeIndex, NodeIndex)] = &[(ALICE, BOB), (BOB, CAROL)];
const ALL_THREE: &[(NodeIndex, NodeIndex)] = &[(ALICE, BOB), (BOB, CAROL), (ALICE, CAROL)];

macro_rules! scenarios {
    ($(#[$about:meta])* $scenarios:ident:
     $($scale:ident $people:literal $begins:ident $friends:ident { $($module:ident :: $name:ident)* })*) => {
        $(#[$about])*
        pub const $scenarios: &[Scenario] = &[$($(
            Scenario {
                name: stringify!($name),
                steps: Steps::Function($module::$name),
                people: $people,
                begins: Beginning::$begins,
                friends: $friends,
                scale: Scale::$scale,
            },
        )*)*];
    };
}

scenarios! {
    /// Every scenario of the usual length.
    LIBRARY:
    Small 2 Strangers BOTH {
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
        recovery::old_store_of_a_request
    }
    Small 2 Strangers NONE {
        first_contact::declined
        first_contact::withdrawn
        first_contact::ones_own_code
    }
    Small 2 Friends BOTH {
        conversation::one_message
        conversation::both_ways
        conversation::burst_while_away
        conversation::ten_times_ok
        conversation::a_long_text
        conversation::the_same_command_twice
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
        changes::edited_before_it_left
        changes::deleted_with_its_edit
        changes::deleted_is_deleted
        changes::each_their_own
        changes::both_react
        lifetime::timer_of_the_conversation
        lifetime::timer_of_one_message
        lifetime::disappears_while_away
        lifetime::a_clock_far_ahead_is_doubted
        lifetime::disappears_before_the_ack
        lifetime::disappears_unsent
        lifetime::the_tightest_timer_holds
        lifetime::unread_it_stays
        outbox::expires_and_is_sent_again
        outbox::cancel
        outbox::full
        outbox::cancelled_and_sent_again
        outbox::tried_at_once
        outbox::another_network
        outbox::refused_commands
        presence::here_away_invisible
        presence::writing
        recovery::session_lost_by_one
        recovery::session_lost_by_the_other
        recovery::session_lost_before_the_ack
        recovery::old_store_without_traffic
        recovery::old_store_after_sending
        recovery::old_store_after_receiving
        recovery::old_stores_of_both
        recovery::old_store_of_an_offer
        recovery::only_the_identity_is_left
        recovery::verified_across_a_new_session
        recovery::a_new_identity_is_a_warning
        recovery::the_clock_is_behind_the_store
        relationship::blocked_in_silence
        relationship::blocked_changes_nothing
        relationship::removed_and_added_again
        relationship::removed_and_asks_again
        relationship::removed_and_asks_anew
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
    Tight 2 Friends BOTH {
        storage::a_full_quota
    }
    Small 2 Friends NONE {
        relationship::removed
        relationship::removed_and_unaware
    }
    Small 3 Strangers WITH_BOB {
        first_contact::an_invite_is_for_one
        first_contact::one_request_at_a_time
    }
    Small 3 Friends ALL_THREE {
        three::everybody_to_everybody
        three::one_of_three_is_blocked
        three::a_third_hears_both
    }
}

scenarios! {
    /// Scenarios with the product's own limits: too long to be played as often as those of the library.
    FULL_SIZE:
    Full 2 Friends BOTH {
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
    /// The scenario of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        LIBRARY.iter().chain(FULL_SIZE).find(|scenario| scenario.name == name)
    }

    /// Whether the scenario depends on durations.
    pub fn is_timing_sensitive(&self) -> bool {
        const TIMING_SENSITIVE: [&str; 20] = [
            "timer_of_the_conversation",
            "timer_of_one_message",
            "disappears_while_away",
            "disappears_before_the_ack",
            "a_clock_far_ahead_is_doubted",
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
            // With faults these take so long that with a wrong clock some messages would expire.
            "five_hundred_while_away",
            "five_hundred_each_way",
        ];
        match self.steps {
            Steps::Function(_) => TIMING_SENSITIVE.contains(&self.name),
            Steps::Script(script) => script.is_timing_sensitive(),
        }
    }

    /// Plays it. The conditions for the end of a script are still to be checked.
    pub(crate) fn execute(&self, world: &mut World) -> Option<Interpreter> {
        match self.steps {
            Steps::Function(scenario) => {
                scenario(world);
                None
            }
            Steps::Script(script) => Some(script.execute(world)),
        }
    }

    /// The faults in every run of it.
    pub fn faults(&self) -> Option<&'static Faults> {
        match self.steps {
            Steps::Function(_) => None,
            Steps::Script(script) => script.faults(),
        }
    }

    /// A world for it.
    pub fn world(&self, cipher: Cipher, seed: u64, choices: Choices) -> World {
        let (disks, era) = match self.begins {
            Beginning::Strangers => (vec![MemoryStore::default(); self.people], 0),
            Beginning::Friends => (friends(self.people, cipher).to_vec(), 1),
        };
        World::new(cipher, disks, era, self.scale.limits(), seed, choices, invariant::all())
    }

    /// The same world with one more peer, which is byzantine. That peer takes room for one more request.
    pub(crate) fn world_with_byzantine(
        &self,
        byzantine: ByzantineFault,
        cipher: Cipher,
        seed: u64,
        choices: Choices,
    ) -> World {
        let people = self.people + 1;
        let (disks, era) = match self.begins {
            Beginning::Strangers => (vec![MemoryStore::default(); people], 0),
            Beginning::Friends => (friends(people, cipher).to_vec(), 1),
        };
        let limits = Limits {
            requests: self.scale.limits().requests + 1,
            ..self.scale.limits()
        };
        let mut world = World::new(cipher, disks, era, limits, seed, choices, invariant::all());
        world.make_byzantine(NodeIndex(self.people), byzantine);
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
            Self::Tight => Limits {
                contact_quota: 3 * 1024,
                contact_pace: 4 * 1024,
                ..Self::Small.limits()
            },
            Self::Full => Limits::default(),
        }
    }
}

/// The disks of peers who have become friends in an earlier world. This takes longer than most scenarios, so it is
/// kept.
fn friends(people: usize, cipher: Cipher) -> &'static [MemoryStore] {
    static MADE: Mutex<BTreeMap<(usize, Cipher), &'static [MemoryStore]>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry((people, cipher)).or_insert_with(|| {
        let strangers = vec![MemoryStore::default(); people];
        let (fault_free, watch) = (Choices::harmless(), invariant::all());
        let mut world = World::new(cipher, strangers, 0, Scale::Small.limits(), 0, fault_free, watch);
        world.start();
        let pairs: Vec<_> = world.pairs().into_iter().filter(|(a, b)| a < b).collect();
        for (a, b) in &pairs {
            world.befriend(*a, *b);
        }
        world.quiesce(&pairs);
        world.advance(Millis::hours(1));
        world
            .peers()
            .map(|peer| world.snapshot(peer))
            .collect::<Vec<_>>()
            .leak()
    })
}
