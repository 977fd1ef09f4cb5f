//! Who has asked our service for a rendezvous, and who of them has to go when there are too many. Anybody can ask, and ask
//! again: so whoever carries nothing gives way, the oldest first.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::channel::oneshot;

use crate::Limits;

/// Those who have asked for a rendezvous, the oldest first, until their circuits are closed.
#[derive(Default)]
pub(crate) struct Guests(BTreeMap<u64, Guest>);

struct Guest {
    stage: Arc<Stage>,
    /// Dropped, it makes them leave.
    #[expect(dead_code, reason = "its end is what it is for")]
    stay: oneshot::Sender<Infallible>,
}

/// How far a guest is.
#[derive(Default)]
pub(crate) struct Stage {
    /// The circuit is there.
    made: AtomicBool,
    /// Held by each half of a stream.
    pub streams: Arc<()>,
}

impl Stage {
    /// The circuit is there.
    pub fn is_reached(&self) {
        self.made.store(true, Ordering::Relaxed);
    }

    fn is_made(&self) -> bool {
        self.made.load(Ordering::Relaxed)
    }

    /// Whether a stream is open.
    pub fn carries(&self) -> bool {
        Arc::strong_count(&self.streams) > 1
    }
}

impl Guests {
    /// Whether one more could come in, though another may have to go for it.
    pub fn have_room(&self, limits: &Limits) -> bool {
        self.0.len() < limits.circuits || self.0.values().any(|guest| !guest.stage.carries())
    }

    /// One more. A stranger who asks again and again displaces the oldest, which had the longest time to get on: who comes
    /// between two of theirs is done before its turn.
    pub fn take_in(&mut self, id: u64, limits: &Limits) -> (Arc<Stage>, oneshot::Receiver<Infallible>) {
        let oldest =
            |goes: &dyn Fn(&Stage) -> bool| self.0.iter().find(|(_, guest)| goes(&guest.stage)).map(|(id, _)| *id);
        let making = self.0.values().filter(|guest| !guest.stage.is_made()).count();
        let displaced = if making >= limits.rendezvous {
            oldest(&|stage| !stage.is_made())
        } else if self.0.len() >= limits.circuits {
            oldest(&|stage| !stage.carries())
        } else {
            None
        };
        displaced.and_then(|oldest| self.0.remove(&oldest));
        let stage = Arc::<Stage>::default();
        let (stay, leave) = oneshot::channel();
        self.0.insert(
            id,
            Guest {
                stage: Arc::clone(&stage),
                stay,
            },
        );
        (stage, leave)
    }

    /// The circuit is closed.
    pub fn is_gone(&mut self, id: u64) {
        self.0.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        circuits: 4,
        rendezvous: 2,
        ..Limits::DEFAULT
    };

    struct House {
        guests: Guests,
        next: u64,
    }

    impl House {
        fn new() -> Self {
            Self {
                guests: Guests::default(),
                next: 0,
            }
        }

        fn comes(&mut self) -> (Arc<Stage>, oneshot::Receiver<Infallible>) {
            assert!(self.guests.have_room(&LIMITS));
            self.next += 1;
            self.guests.take_in(self.next, &LIMITS)
        }

        fn has_come_through(&mut self) -> (Arc<Stage>, oneshot::Receiver<Infallible>) {
            let (stage, leave) = self.comes();
            stage.is_reached();
            (stage, leave)
        }
    }

    fn must_leave(leave: &mut oneshot::Receiver<Infallible>) -> bool {
        leave.try_recv().is_err()
    }

    #[test]
    fn who_asks_without_end_displaces_the_oldest_that_are_being_made() {
        let mut house = House::new();
        let (_, mut friend) = house.has_come_through();
        let mut flood: Vec<_> = (0..20).map(|_| house.comes().1).collect();
        assert!(!must_leave(&mut friend));
        let stay = flood.iter_mut().map(|leave| !must_leave(leave));
        assert!(stay.eq([false; 18].into_iter().chain([true; 2])));
    }

    #[test]
    fn circuits_that_carry_nothing_give_way_and_those_that_do_stay() {
        let mut house = House::new();
        let (stage, mut friend) = house.has_come_through();
        let stream = Arc::clone(&stage.streams);
        let mut idle: Vec<_> = (0..20).map(|_| house.has_come_through().1).collect();
        assert!(!must_leave(&mut friend));
        let stay = idle.iter_mut().map(|leave| !must_leave(leave));
        assert!(stay.eq([false; 17].into_iter().chain([true; 3])));
        drop(stream);
        drop(house.has_come_through());
        assert!(must_leave(&mut friend));
    }

    #[test]
    fn where_all_circuits_carry_streams_nobody_else_is_taken() {
        let mut house = House::new();
        let guests: Vec<_> = (0..LIMITS.circuits).map(|_| house.has_come_through()).collect();
        let streams: Vec<_> = guests.iter().map(|(stage, _)| Arc::clone(&stage.streams)).collect();
        assert!(!house.guests.have_room(&LIMITS));
        drop(streams);
        assert!(house.guests.have_room(&LIMITS));
    }
}
