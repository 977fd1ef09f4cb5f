//! [`Resumption`]: what two Hellos say about the session: it goes on where it was, or it is replaced.
//!
//! Whether a session has to be replaced is a symmetric function of the two Hellos, so both sides come to the same outcome
//! without another word. The offer of the smaller onion key stands; the larger side accepts it.

use crate::sabotage::{Rule, breaks};
use crate::wire::link::{self, Hello, frame::Body};
use crate::{Availability, Limits};

/// The protocol version spoken here.
pub(crate) const VERSION: u32 = 1;

/// What a pair of Hellos says about the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// Both are where the other thinks.
    Continue,
    /// They hold a session from our offer, and will say so with its first ciphertext.
    AwaitOpening,
    /// The store of one side is old, or one side has no session.
    Replace,
}

pub(crate) fn resumption(ours: &Hello, theirs: &Hello) -> Resumption {
    if ours.session_epoch != 0 && ours.session_epoch == theirs.session_epoch {
        let consistent = theirs.received <= ours.sent
            && ours.received <= theirs.sent
            && theirs.acknowledged <= ours.received
            && ours.acknowledged <= theirs.received
            || breaks(Rule::RollbackUndetected);
        return if consistent {
            Resumption::Continue
        } else {
            Resumption::Replace
        };
    }
    if holds_offer_of(ours, theirs) {
        return Resumption::Continue;
    }
    if holds_offer_of(theirs, ours) {
        return Resumption::AwaitOpening;
    }
    Resumption::Replace
}

/// Whether `holder` has a session from the outstanding offer of `offerer` and nothing in it has come from there. If
/// something has, the offer was used: the store that still has it is old.
pub(crate) fn holds_offer_of(holder: &Hello, offerer: &Hello) -> bool {
    holder.session_epoch != 0
        && holder.session_epoch == offerer.offered
        && (!is_used(holder) || breaks(Rule::UsedOfferAwaited))
}

/// Whether the other side has sealed or acknowledged anything in the session.
fn is_used(hello: &Hello) -> bool {
    hello.received > 0 || hello.acknowledged > 0
}

/// Whether `theirs` comes from a store that is older than what it has said: what it had acknowledged since may be missing
/// there. Without a session it may only have broken one.
pub(crate) fn is_rolled_back(ours: &Hello, theirs: &Hello) -> bool {
    if ours.session_epoch == 0 || ours.session_epoch == theirs.session_epoch {
        return ours.session_epoch != 0 && (theirs.received < ours.acknowledged || theirs.sent < ours.received);
    }
    let lags = theirs.session_epoch != 0 && theirs.session_epoch < ours.session_epoch;
    is_used(ours) && (lags || ours.session_epoch == theirs.offered)
}

/// Whether there is a version that both speak, and the numbers are within their bounds.
pub(crate) fn acceptable(theirs: &Hello, limits: &Limits) -> bool {
    theirs.features.len() <= limits.hello_features
        && (theirs.version_min..=theirs.version_max).contains(&VERSION)
        && theirs.session_epoch <= Limits::SESSION_EPOCH
        && theirs.offered <= Limits::SESSION_EPOCH
}

fn wire_availability(availability: Availability) -> link::Availability {
    match availability {
        Availability::Online => link::Availability::Online,
        Availability::Away => link::Availability::Away,
        Availability::Invisible => link::Availability::Unsaid,
    }
}

/// What a contact is told of our presence.
pub(crate) fn presence_frame(availability: Availability) -> Body {
    Body::Presence(link::Presence {
        availability: wire_availability(availability).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(session_epoch: u64, sent: u64, received: u64, acknowledged: u64, offered: u64) -> Hello {
        Hello {
            session_epoch,
            sent,
            received,
            acknowledged,
            offered,
            ..Hello::default()
        }
    }

    #[test]
    fn equal_cursors_flow_and_every_rollback_is_seen_by_both() {
        let (ours, theirs) = (hello(1, 5, 3, 4, 0), hello(1, 3, 5, 3, 0));
        assert_eq!(resumption(&ours, &theirs), Resumption::Continue);
        assert_eq!(resumption(&theirs, &ours), Resumption::Continue);
        // Lost acks and lost ciphertexts are no rollback.
        let behind = hello(1, 3, 4, 0, 0);
        assert_eq!(resumption(&ours, &behind), Resumption::Continue);
        for old in [
            hello(1, 2, 5, 2, 0),
            hello(1, 3, 3, 3, 0),
            hello(1, 3, 6, 3, 0),
            hello(2, 3, 5, 3, 0),
        ] {
            assert_eq!(resumption(&ours, &old), Resumption::Replace, "{old:?}");
            assert_eq!(resumption(&old, &ours), Resumption::Replace, "{old:?}");
        }
    }

    #[test]
    fn no_session_is_never_in_step() {
        assert_eq!(
            resumption(&hello(0, 0, 0, 0, 0), &hello(0, 0, 0, 0, 0)),
            Resumption::Replace
        );
    }

    #[test]
    fn a_used_offer_waits_for_its_opening() {
        let (offerer, acceptor) = (hello(1, 5, 3, 4, 2), hello(2, 1, 0, 0, 0));
        assert_eq!(resumption(&offerer, &acceptor), Resumption::AwaitOpening);
        assert_eq!(resumption(&acceptor, &offerer), Resumption::Continue);
        assert!(!is_rolled_back(&acceptor, &offerer));
        assert!(!is_rolled_back(&offerer, &acceptor));
    }

    #[test]
    fn an_offer_that_its_maker_has_forgotten_to_be_used_replaces_the_session() {
        let offerer = hello(0, 0, 0, 0, 2);
        for acceptor in [hello(2, 40, 0, 40, 0), hello(2, 1, 7, 0, 0)] {
            assert_eq!(resumption(&offerer, &acceptor), Resumption::Replace);
            assert_eq!(resumption(&acceptor, &offerer), Resumption::Replace);
            assert!(is_rolled_back(&acceptor, &offerer));
            assert!(!is_rolled_back(&offerer, &acceptor));
        }
    }

    #[test]
    fn who_has_forgotten_something_is_told_from_who_has_not() {
        let ours = hello(5, 9, 4, 8, 0);
        for old in [hello(5, 4, 7, 3, 0), hello(5, 3, 9, 3, 0), hello(3, 50, 50, 50, 0)] {
            assert!(is_rolled_back(&ours, &old), "{old:?}");
        }
        assert!(
            is_rolled_back(&hello(5, 3, 9, 3, 0), &hello(5, 9, 2, 8, 0)),
            "both have"
        );
        // Acks that were lost, a session that was broken, and two sessions that crossing requests have opened.
        let crossed = (hello(5, 1, 0, 0, 0), hello(4, 1, 0, 0, 0));
        for (ours, theirs) in [
            (ours.clone(), hello(5, 4, 8, 0, 0)),
            (ours, hello(0, 0, 0, 0, 0)),
            crossed,
        ] {
            assert!(!is_rolled_back(&ours, &theirs), "{theirs:?}");
        }
    }
}
