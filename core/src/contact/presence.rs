//! [`ObservedPresence`]: what is known of a contact's presence, and since when.

use crate::{Presence, Wall};

pub(crate) struct ObservedPresence {
    pub presence: Presence,
    pub as_of: Option<Wall>,
    pub typing: bool,
}

impl Default for ObservedPresence {
    fn default() -> Self {
        Self {
            presence: Presence::Unknown,
            as_of: None,
            typing: false,
        }
    }
}

impl ObservedPresence {
    /// Notes what was learned now. Says whether that is new.
    pub fn observe(&mut self, presence: Presence, typing: bool, now: Wall) -> bool {
        let changed = (presence, typing) != (self.presence, self.typing);
        self.presence = presence;
        self.typing = typing;
        self.as_of = Some(now);
        changed
    }
}
