//! The method table, and [`Method`]. Dispatch, client, OpenRPC document and tests are made from this one table.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One method: its name and the types that cross the socket.
pub trait Method {
    /// As on the wire: `noun.verb`.
    const NAME: &'static str;
    /// Which right a client needs for it.
    const CLASS: Class;
    /// The parameters, by name.
    type Params: Serialize + DeserializeOwned + JsonSchema;
    /// What it answers.
    type Result: Serialize + DeserializeOwned + JsonSchema;
}

/// What is known of a method without its types.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// As on the wire: `noun.verb`.
    pub name: &'static str,
    /// Which right a client needs for it.
    pub class: Class,
    /// One sentence.
    pub summary: &'static str,
    /// JSON Schema of the parameters object.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// JSON Schema of the result.
    pub result: fn(&mut SchemaGenerator) -> Schema,
}

/// Which right a method needs. The daemon's `authority` says which client has which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// None: it shows nothing of a peer, or it checks by itself whose it is.
    Open,
    /// To keep items of one's own: for an agent, or the owner.
    Own,
    /// To read a conversation. What an agent may not read is left out of each answer.
    Read,
    /// To write into a conversation.
    Send,
    /// To read or write files of the user.
    Files,
    /// To change contacts, timers and this node's name.
    Admin,
    /// To change what others may do, or to take the whole store away.
    Owner,
    /// To end the process; another process of the same user can do that with a signal.
    Process,
}

/// Hands the whole table to a macro, as `"noun.verb" Class Name(Params) -> Result, "summary";` lines.
#[macro_export]
macro_rules! for_every_method {
    ($callback:ident) => {
        $callback! {
            "friends.add" Admin Add(Add) -> Contact, "Ask a peer to be a contact; if the peer has asked this node, this accepts.";
            "friends.list" Read List(List) -> Contacts, "List contacts.";
            "friends.requests" Read Requests(Nothing) -> FriendRequests, "List friend requests that wait for the user's answer.";
            "friends.accept" Admin Accept(Accept) -> Contact, "Accept a friend request.";
            "friends.reject" Admin Reject(ContactOnly) -> Contact, "Decline a friend request; the peer is told.";
            "friends.remove" Admin Remove(ContactOnly) -> Contact, "Stop being contacts; the history stays.";
            "friends.forget" Admin Forget(ContactOnly) -> Done, "Keep nothing of a peer that was removed or declined; the history stays.";
            "friends.rename" Admin Rename(Rename) -> Contact, "Set or remove the petname of a contact.";
            "friends.block" Admin Block(ContactOnly) -> Contact, "Drop what a contact sends, without telling the contact.";
            "friends.unblock" Admin Unblock(ContactOnly) -> Contact, "Receive from a contact again.";
            "friends.verify" Admin Verify(Mark) -> Safety, "Show the safety number; set or remove the verified mark.";
            "messages.send" Send Send(Send) -> Sent, "Send a text; answers once it is durable, or has reached the state in `wait`.";
            "messages.edit" Send Edit(Edit) -> Sent, "Replace the text of a message that this node wrote.";
            "messages.delete" Send Delete(MessageOnly) -> Sent, "Delete a message: one that this node wrote for every member, another one on this node alone.";
            "messages.react" Send React(React) -> Message, "React to a message, or remove the reaction.";
            "messages.read" Read Read(MarkRead) -> Done, "Mark messages of other authors as read.";
            "messages.typing" Send Typing(Typing) -> Done, "Tell the contact that the user is typing, or no longer.";
            "messages.history" Read History(History) -> HistoryPage, "The messages of a conversation, page by page.";
            "messages.inbox" Read Inbox(Inbox) -> Messages, "The newest messages of all conversations.";
            "messages.threads" Read Threads(ThreadsQuery) -> Threads, "List conversations and their threads.";
            "messages.search" Read Search(Search) -> Messages, "Find messages by their words.";
            "messages.status" Read MessageStatus(MessageOnly) -> Message, "The current state of a message.";
            "messages.receive" Read Receive(Receive) -> Received, "What arrived since this consumer last asked; then acknowledges it.";
            "messages.lock" Read Lock(LockConsumer) -> Done, "Receive alone: other clients of the consumer wait until this connection has acknowledged, or ends.";
            "messages.ack" Read Ack(AckMessages) -> Acknowledged, "Acknowledge what a consumer has received, and mark it as read.";
            "outbox.list" Read Outbox(ListOutbox) -> Messages, "List what has not been delivered, and why.";
            "outbox.cancel" Send Cancel(MessageOnly) -> Sent, "Cancel a message that is not encrypted yet.";
            "outbox.retry" Send Retry(MessageOnly) -> Sent, "Try now; a failed or cancelled message is queued again.";
            "conversations.delete" Admin DeleteConversation(ConversationOnly) -> DeletedMessages, "Delete every message of a conversation, on this node alone.";
            "conversations.timer" Admin Timer(SetTimer) -> ConversationTimers, "Show or set the conversation's timer.";
            "conversations.default_timer" Admin DefaultTimerSet(SetDefaultTimer) -> DefaultTimer, "Show or set this node's timer in conversations that begin.";
            "events.list" Read EventsList(ListEvents) -> Events, "Read the event log.";
            "events.wait" Read EventsWait(WaitEvents) -> Events, "Wait until the event log has something to read.";
            "events.ack" Read EventsAck(Acknowledge) -> Acknowledged, "Acknowledge the event log up to a number, for a consumer.";
            "events.subscribe" Read EventsSubscribe(Subscribe) -> Subscribed, "Stream the event log as events.event notifications.";
            "session.open" Open SessionOpen(OpenSession) -> Session, "Say which surface this connection is, and with whose token; the first request, if at all.";
            "session.unlock" Open SessionUnlock(Unlock) -> Session, "Give this connection the owner's rights, by the owner's passphrase.";
            "owner.passphrase" Owner OwnerPassphrase(SetPassphrase) -> Done, "Choose the owner's passphrase, where the store has a key file and no passphrase.";
            "agents.add" Owner AgentsAdd(AddAgent) -> AddedAgent, "Make a token for an agent; it is shown this once.";
            "agents.list" Read AgentsList(Nothing) -> Agents, "List the agents and what each may do.";
            "agents.revoke" Owner AgentsRevoke(AgentOnly) -> Done, "Make an agent's token useless; what it asked for is denied.";
            "approvals.list" Read ApprovalsList(ListApprovals) -> Approvals, "List what waits for the owner's approval, and what was decided last.";
            "approvals.allow" Owner ApprovalsAllow(Decide) -> Approval, "Send what an approval shows, once.";
            "approvals.deny" Open ApprovalsDeny(Decide) -> Approval, "Drop what an approval shows; an agent can withdraw its own.";
            "approvals.confirm" Open ApprovalsConfirm(Decide) -> Approval, "Allow an agent's own approval, after its client has asked the person; only with --ask-in-client.";
            "audit.show" Read AuditShow(ShowAudit) -> Audit, "Show what agents and clients did, without texts.";
            "audit.verify" Read AuditVerify(Nothing) -> AuditVerdict, "Check that no entry of the audit log was changed, removed or moved.";
            "identity.show" Open IdentityShow(Nothing) -> Identity, "This node's identity.";
            "identity.invite" Admin IdentityInvite(Nothing) -> Invite, "Make a one-time invite.";
            "invites.list" Admin InvitesList(Nothing) -> Invites, "List the invites that were made, and neither used nor revoked.";
            "invites.revoke" Admin InvitesRevoke(RevokeInvite) -> Done, "Make an unused invite worthless.";
            "identity.rename" Admin IdentityRename(SetName) -> Identity, "Change the name that this node claims.";
            "node.status" Open NodeStatus(Nothing) -> Status, "The state of the node and its network.";
            "node.presence" Read NodePresence(PresenceQuery) -> PresenceList, "The presence of contacts.";
            "node.availability" Admin NodeAvailability(SetAvailability) -> Done, "Set how contacts see this node: online, away or invisible.";
            "notifications.show" Read NotificationsShow(Nothing) -> Notifications, "Show what the desktop shows, and whether it does.";
            "notifications.set" Admin NotificationsSet(SetNotifications) -> Notifications, "Set what a desktop notification says, or that there are none.";
            "notifications.mute" Admin NotificationsMute(MuteConversation) -> Notifications, "Show no notifications of a conversation.";
            "notifications.unmute" Admin NotificationsUnmute(ConversationOnly) -> Notifications, "Show notifications of a conversation again.";
            "notifications.focus" Open NotificationsFocus(SetFocus) -> Done, "Say what the user looks at; of that, nothing is shown while this connection lasts.";
            "doctor.run" Open DoctorRun(Nothing) -> DoctorReport, "Look at the profile's files, the node and its network, and say what is wrong and what to do.";
            "daemon.backup" Owner DaemonBackup(BackupTo) -> Backup, "Write a whole copy of the store into a new file.";
            "daemon.stop" Process DaemonStop(Nothing) -> Done, "Stop the daemon cleanly.";
            "storage.set" Own StorageSet(SetItems) -> Done, "Set or remove items that a surface keeps in the store.";
            "storage.list" Own StorageList(ListItems) -> Items, "List items that a surface keeps in the store.";
            "rpc.discover" Open Discover(Nothing) -> Document, "The OpenRPC document.";
        }
    };
}

macro_rules! define {
    ($($name:literal $class:ident $method:ident($params:ident) -> $result:ident, $summary:literal;)*) => {
        /// One type for each method.
        pub mod all {
            use super::Method;

            $(
                #[doc = concat!("`", $name, "`: ", $summary)]
                #[derive(Clone, Copy, Debug)]
                pub struct $method;

                impl Method for $method {
                    const NAME: &'static str = $name;
                    const CLASS: super::Class = super::Class::$class;
                    type Params = crate::$params;
                    type Result = crate::$result;
                }
            )*
        }

        /// Every method.
        pub const METHODS: &[MethodInfo] = &[$(
            MethodInfo {
                name: $name,
                class: Class::$class,
                summary: $summary,
                params: |schemas| schemas.subschema_for::<super::$params>(),
                result: |schemas| schemas.subschema_for::<super::$result>(),
            },
        )*];
    };
}
for_every_method!(define);
