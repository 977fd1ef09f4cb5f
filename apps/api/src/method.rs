//! The method table, and [`Method`]. Dispatch, client, OpenRPC document and tests are made from this one table.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One method: its name and the types that cross the socket.
pub trait Method {
    /// As on the wire: `noun.verb`.
    const NAME: &'static str;
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
    /// One sentence.
    pub summary: &'static str,
    /// JSON Schema of the parameters object.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// JSON Schema of the result.
    pub result: fn(&mut SchemaGenerator) -> Schema,
}

/// Hands the whole table to a macro, as `"noun.verb" Name(Params) -> Result, "summary";` lines.
#[macro_export]
macro_rules! for_every_method {
    ($callback:ident) => {
        $callback! {
            "friends.add" Add(Add) -> Contact, "Ask a peer to be a contact; if the peer has asked this node, this accepts.";
            "friends.list" List(List) -> Contacts, "List contacts.";
            "friends.requests" Requests(Nothing) -> FriendRequests, "List requests that wait for the user's answer.";
            "friends.accept" Accept(Accept) -> Contact, "Accept a request.";
            "friends.reject" Reject(ContactOnly) -> Contact, "Decline a request; the peer is told.";
            "friends.remove" Remove(ContactOnly) -> Contact, "Stop being contacts; the history stays.";
            "friends.forget" Forget(ContactOnly) -> Done, "Keep nothing of a peer that was removed or declined; the history stays.";
            "friends.rename" Rename(Rename) -> Contact, "Set or remove the petname of a contact.";
            "friends.block" Block(ContactOnly) -> Contact, "Drop what a contact sends, without telling the contact.";
            "friends.unblock" Unblock(ContactOnly) -> Contact, "Receive from a contact again.";
            "friends.verify" Verify(Mark) -> Safety, "Show the safety number; set or remove the verified mark.";
            "messages.send" Send(Send) -> Sent, "Send a text; answers once it is durable, or has reached the state in `wait`.";
            "messages.edit" Edit(Edit) -> Sent, "Replace the text of a message that this node wrote.";
            "messages.delete" Delete(MessageOnly) -> Sent, "Delete a message: one that this node wrote for every member, another one on this node alone.";
            "messages.react" React(React) -> Message, "React to a message, or remove the reaction.";
            "messages.read" Read(MarkRead) -> Done, "Mark messages of other authors as read.";
            "messages.typing" Typing(Typing) -> Done, "Tell the contact that the user is typing, or no longer.";
            "messages.history" History(History) -> Messages, "The messages of a conversation.";
            "messages.inbox" Inbox(Inbox) -> Messages, "The newest messages of all conversations.";
            "messages.threads" Threads(ThreadsQuery) -> Threads, "List conversations and their threads.";
            "messages.search" Search(Search) -> Messages, "Find messages by their words.";
            "messages.status" MessageStatus(MessageOnly) -> Message, "The current state of a message.";
            "messages.receive" Receive(Receive) -> Received, "What arrived since this consumer last asked; then acknowledges it.";
            "messages.lock" Lock(LockConsumer) -> Done, "Receive alone: other clients of the consumer wait until this connection has acknowledged, or ends.";
            "messages.ack" Ack(AckMessages) -> Acknowledged, "Acknowledge what a consumer has received, and mark it as read.";
            "outbox.list" Outbox(ListOutbox) -> Messages, "List what has not been delivered, and why.";
            "outbox.cancel" Cancel(MessageOnly) -> Sent, "Cancel a message that is not encrypted yet.";
            "outbox.retry" Retry(MessageOnly) -> Sent, "Try now; a failed or cancelled message is queued again.";
            "conversations.delete" DeleteConversation(ConversationOnly) -> DeletedMessages, "Delete every message of a conversation, on this node alone.";
            "conversations.timer" Timer(SetTimer) -> ConversationTimers, "Show or set the conversation's timer.";
            "events.list" EventsList(ListEvents) -> Events, "Read the event log.";
            "events.wait" EventsWait(WaitEvents) -> Events, "Wait until the event log has something to read.";
            "events.ack" EventsAck(Acknowledge) -> Acknowledged, "Acknowledge the event log up to a number, for a consumer.";
            "events.subscribe" EventsSubscribe(Subscribe) -> Subscribed, "Stream the event log as events.event notifications.";
            "identity.show" IdentityShow(Nothing) -> Identity, "This node's identity.";
            "identity.invite" IdentityInvite(Nothing) -> Invite, "Make a one-time invite.";
            "identity.rename" IdentityRename(SetName) -> Identity, "Change the name that this node claims.";
            "node.status" NodeStatus(Nothing) -> Status, "The state of the node and its network.";
            "node.presence" NodePresence(PresenceQuery) -> PresenceList, "The presence of contacts.";
            "node.availability" NodeAvailability(SetAvailability) -> Done, "Set how contacts see this node: online, away or invisible.";
            "daemon.backup" DaemonBackup(BackupTo) -> Backup, "Write a whole copy of the store into a new file.";
            "daemon.stop" DaemonStop(Nothing) -> Done, "Stop the daemon cleanly.";
            "rpc.discover" Discover(Nothing) -> Document, "The OpenRPC document.";
        }
    };
}

macro_rules! define {
    ($($name:literal $method:ident($params:ident) -> $result:ident, $summary:literal;)*) => {
        /// One type for each method.
        pub mod all {
            use super::Method;

            $(
                #[doc = concat!("`", $name, "`: ", $summary)]
                #[derive(Clone, Copy, Debug)]
                pub struct $method;

                impl Method for $method {
                    const NAME: &'static str = $name;
                    type Params = crate::$params;
                    type Result = crate::$result;
                }
            )*
        }

        /// Every method.
        pub const METHODS: &[MethodInfo] = &[$(
            MethodInfo {
                name: $name,
                summary: $summary,
                params: |schemas| schemas.subschema_for::<super::$params>(),
                result: |schemas| schemas.subschema_for::<super::$result>(),
            },
        )*];
    };
}
for_every_method!(define);
