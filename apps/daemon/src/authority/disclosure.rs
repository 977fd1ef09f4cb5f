//! [`Disclose`]: what of a result an agent is told, and which texts of others it has read by it. Each type that a method answers
//! with says it here, or the table of methods does not compile: no method can forget it.
//!
//! What an agent may not read is left out. Names that peers claim are text of others as well; they are left out where there is
//! no other text, so that a list of contacts taints no agent.

use std::collections::BTreeSet;

use sotto_api as api;
use sotto_api::{Body, Direction};

use super::AgentRecord;

/// An agent that is told something.
pub(crate) struct Disclosure<'a> {
    /// What it may.
    pub record: &'a AgentRecord,
    /// Whether an approval is its own.
    pub owns: &'a dyn Fn(&str) -> bool,
    /// The conversations of which it is told text of others.
    pub read: BTreeSet<String>,
}

/// Something that a client is told.
pub(crate) trait Disclose {
    /// Leaves out what the agent may not be told, and notes what it reads.
    fn disclose(&mut self, to: &mut Disclosure<'_>);
}

/// Holds nothing of a peer's, and nothing that not every agent may be told.
macro_rules! harmless {
    ($($type:ident),* $(,)?) => {$(
        impl Disclose for api::$type {
            fn disclose(&mut self, _: &mut Disclosure<'_>) {}
        }
    )*};
}
harmless! {
    Acknowledged, AddedAgent, AuditVerdict, Backup, ConversationTimers, DefaultTimer, DeletedMessages, DoctorReport, Document, Done, Identity, Invite,
    Invites, Items,
    Sent, Session, Status, Subscribed,
}

impl Disclosure<'_> {
    fn reads(&self, conversation: &str) -> bool {
        self.record.read.includes(conversation)
    }

    fn knows(&self, conversation: &str) -> bool {
        self.record.knows(conversation)
    }

    /// Whether strangers' requests are shown to it.
    fn sees_requests(&self) -> bool {
        self.record.admin || self.record.read.all
    }
}

impl Disclose for api::Contact {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.who.claimed_name = None;
        if !to.reads(&self.who.contact) {
            self.unread = 0;
            self.last_seen = None;
            self.presence = api::Presence::Unknown;
            self.presence_as_of = None;
            self.attempts = 0;
            self.next_attempt_at = None;
        }
    }
}

impl Disclose for api::Contacts {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.friends.retain(|contact| to.knows(&contact.who.contact));
        self.friends.iter_mut().for_each(|contact| contact.disclose(to));
    }
}

impl Disclose for api::FriendRequests {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        if !to.sees_requests() {
            self.requests.clear();
        }
        to.read
            .extend(self.requests.iter().map(|request| request.who.contact.clone()));
    }
}

impl Disclose for api::Safety {
    fn disclose(&mut self, _: &mut Disclosure<'_>) {
        self.who.claimed_name = None;
    }
}

impl Disclose for api::Message {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        if !to.reads(&self.conversation) {
            self.text.clear();
            self.thread = None;
            self.claimed_name = None;
            self.reactions.clear();
            return;
        }
        if self.direction == Direction::Out {
            self.claimed_name = None;
        }
        let reacted = self
            .reactions
            .iter()
            .any(|reaction| reaction.direction == Direction::In);
        if self.direction == Direction::In || reacted {
            to.read.insert(self.conversation.clone());
        }
    }
}

fn messages(messages: &mut Vec<api::Message>, to: &mut Disclosure<'_>) {
    messages.retain(|message| to.reads(&message.conversation));
    for message in messages {
        message.disclose(to);
    }
}

impl Disclose for api::Messages {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        messages(&mut self.messages, to);
    }
}

impl Disclose for api::HistoryPage {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        messages(&mut self.messages, to);
    }
}

impl Disclose for api::Received {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        messages(&mut self.messages, to);
    }
}

impl Disclose for api::Threads {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.threads
            .retain(|thread| to.reads(&thread.conversation.conversation));
        for thread in &mut self.threads {
            thread.conversation.claimed_name = None;
            // The peer may have chosen the name.
            if thread.thread.is_some() {
                to.read.insert(thread.conversation.conversation.clone());
            }
        }
    }
}

impl Disclose for api::Notifications {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.muted.retain(|muted| to.knows(&muted.conversation.conversation));
        for muted in &mut self.muted {
            muted.conversation.claimed_name = None;
        }
    }
}

impl Disclose for api::PresenceList {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.peers.retain(|peer| to.reads(&peer.who.contact));
        for peer in &mut self.peers {
            peer.who.claimed_name = None;
        }
    }
}

impl Disclose for api::Agents {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.agents.retain(|agent| agent.name == to.record.name);
    }
}

impl Disclose for api::Approval {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.conversation.claimed_name = None;
        if !to.knows(&self.conversation.conversation) {
            self.conversation.petname = None;
            self.conversation.verified = false;
        }
    }
}

impl Disclose for api::Approvals {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.approvals.retain(|approval| (to.owns)(&approval.id));
        self.approvals.iter_mut().for_each(|approval| approval.disclose(to));
    }
}

impl Disclose for api::Audit {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        let own = format!("agent:{}", to.record.name);
        self.entries.retain(|entry| entry.principal == own);
    }
}

impl Disclose for api::Events {
    fn disclose(&mut self, to: &mut Disclosure<'_>) {
        self.events.retain_mut(|event| event_is_shown(event, to));
    }
}

/// Whether the agent is told of an event; then what it may not be told of it is left out.
pub(crate) fn event_is_shown(event: &mut api::Event, to: &mut Disclosure<'_>) -> bool {
    match &mut event.body {
        Body::MessageQueued {
            conversation, message, ..
        }
        | Body::MessageReceived {
            conversation, message, ..
        }
        | Body::MessageEdited {
            conversation, message, ..
        }
        | Body::MessageReacted {
            conversation, message, ..
        } => {
            let reads = to.reads(conversation);
            if let Some(message) = message.as_mut().filter(|_| reads) {
                message.disclose(to);
            }
            reads
        }
        Body::MessageState { conversation, .. }
        | Body::MessageDeleted { conversation, .. }
        | Body::MessageDisappeared { conversation, .. } => to.reads(conversation),
        Body::TimerChanged { conversation, .. } => {
            conversation.claimed_name = None;
            to.reads(&conversation.conversation)
        }
        Body::RequestReceived { who } => {
            who.claimed_name = None;
            to.sees_requests()
        }
        Body::RequestDelivered { who }
        | Body::RequestDeclined { who }
        | Body::ContactAdded { who }
        | Body::ContactRemoved { who }
        | Body::ContactBlocked { who, .. }
        | Body::ContactVerified { who, .. }
        | Body::ContactRekeyed { who, .. }
        | Body::ContactRolledBack { who }
        | Body::ContactUntrusted { who, .. }
        | Body::RemovedByPeer { who, .. }
        | Body::ContactPaused { who, .. } => {
            who.claimed_name = None;
            to.knows(&who.contact)
        }
        Body::Presence { who, .. } => {
            who.claimed_name = None;
            to.reads(&who.contact)
        }
        Body::ApprovalRequested { conversation, approval }
        | Body::ApprovalAllowed { conversation, approval }
        | Body::ApprovalDenied { conversation, approval }
        | Body::ApprovalExpired { conversation, approval } => {
            conversation.claimed_name = None;
            if !to.knows(&conversation.conversation) {
                conversation.petname = None;
                conversation.verified = false;
            }
            (to.owns)(approval)
        }
        Body::IdentityElsewhere { contact } => {
            *contact = contact.take().filter(|contact| to.knows(contact));
            true
        }
        Body::Gap { .. } => true,
    }
}
