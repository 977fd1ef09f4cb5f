//! Every method, once. Whatever has to know all of them (dispatch, client, OpenRPC, tests) is made from this table.

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
            "friends.add" Add(Add) -> Contact, "Ask somebody to be a contact; for one who has asked us, this is consent.";
            "friends.list" List(List) -> Contacts, "List contacts.";
            "friends.requests" Requests(Nothing) -> FriendRequests, "List requests that wait for our consent.";
            "friends.accept" Accept(Accept) -> Contact, "Consent to a request.";
            "friends.reject" Reject(ContactOnly) -> Contact, "Refuse a request; they are told.";
            "friends.remove" Remove(ContactOnly) -> Contact, "Stop being contacts; the history stays.";
            "friends.rename" Rename(Rename) -> Contact, "Change our name for a contact.";
            "friends.block" Block(ContactOnly) -> Contact, "Silently throw away what a contact sends.";
            "friends.unblock" Unblock(ContactOnly) -> Contact, "Hear a contact again.";
            "friends.verify" Verify(Mark) -> Safety, "Show the safety number; set or take away the verified mark.";
            "messages.send" Send(Send) -> Sent, "Send a text; answers once it is durable, or has come as far as asked.";
            "messages.edit" Edit(Edit) -> Sent, "Replace the text of a message of ours.";
            "messages.delete" Delete(MessageOnly) -> Sent, "Delete a message of ours, for both.";
            "messages.react" React(React) -> Message, "React to a message, or take the reaction back.";
            "messages.read" Read(MarkRead) -> Done, "Mark messages of a contact as read.";
            "messages.typing" Typing(Typing) -> Done, "Say that we are writing, or not any more.";
            "messages.history" History(History) -> Messages, "A conversation.";
            "messages.inbox" Inbox(Inbox) -> Messages, "What came, from everybody.";
            "messages.threads" Threads(ThreadsQuery) -> Threads, "Conversations and their threads.";
            "messages.search" Search(Search) -> Messages, "Find messages by their words.";
            "messages.status" MessageStatus(MessageOnly) -> Message, "A message as it stands now.";
            "messages.receive" Receive(Receive) -> Received, "What came since this consumer last asked; then acknowledges it.";
            "messages.ack" Ack(AckMessages) -> Acknowledged, "A consumer has what it received up to here: it is read, and acknowledged.";
            "outbox.list" Outbox(ListOutbox) -> Messages, "What has not been delivered, and why.";
            "outbox.cancel" Cancel(MessageOnly) -> Sent, "Take back a message that is not sealed yet.";
            "outbox.retry" Retry(MessageOnly) -> Sent, "Try at once; a failed or cancelled message is queued again.";
            "conversations.timer" Timer(SetTimer) -> Timer, "Show or set the conversation's timer.";
            "events.list" EventsList(ListEvents) -> Events, "Read the event log.";
            "events.wait" EventsWait(WaitEvents) -> Events, "Wait until the event log has something to read.";
            "events.ack" EventsAck(Acknowledge) -> Acknowledged, "A consumer has dealt with the log up to here.";
            "events.subscribe" EventsSubscribe(Subscribe) -> Subscribed, "Stream the event log as events.event notifications.";
            "identity.show" IdentityShow(Nothing) -> Identity, "Who we are.";
            "identity.invite" IdentityInvite(Nothing) -> Invite, "Make a one-time invite.";
            "identity.rename" IdentityRename(SetName) -> Identity, "Change the name that we claim.";
            "node.status" NodeStatus(Nothing) -> Status, "How the node and its network are doing.";
            "node.presence" NodePresence(PresenceQuery) -> Peers, "Who is there.";
            "node.availability" NodeAvailability(SetAvailability) -> Done, "Show ourselves as online, away or invisible.";
            "daemon.stop" DaemonStop(Nothing) -> Done, "End the daemon in good order.";
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
