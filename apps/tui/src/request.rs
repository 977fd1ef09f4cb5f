//! [`Request`] and [`Answer`]: the methods of the daemon that the interface calls, with their types, from one table.

use sotto_api::{self as api, Error, Method, all};
use sotto_client::Client;

/// Which connection carries a request. Requests of one lane are carried out in order; no lane waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// What changes something.
    Command,
    /// What is read for the screen.
    Query,
    /// What may take long.
    Slow,
}

macro_rules! requests {
    ($($lane:ident $request:ident($params:ident) = $method:ident;)*) => {
        /// A call of one method.
        #[derive(Clone, Debug)]
        pub enum Request { $($request(api::$params),)* }

        /// What it answered.
        #[derive(Clone, Debug)]
        #[cfg_attr(
            not(any(test, feature = "testing")),
            expect(dead_code, reason = "of some answers only the arrival counts")
        )]
        pub enum Answer { $($request(<all::$method as Method>::Result),)* }

        impl Request {
            /// Which connection carries it.
            pub const fn lane(&self) -> Lane {
                match self { $(Self::$request(_) => Lane::$lane,)* }
            }

            /// Calls the method.
            pub async fn call(&self, client: &mut Client) -> Result<Answer, Error> {
                match self {
                    $(Self::$request(params) => client.call::<all::$method>(params).await.map(Answer::$request),)*
                }
            }
        }
    };
}

requests! {
    Query Status(Nothing) = NodeStatus;
    Query Identity(Nothing) = IdentityShow;
    Query Contacts(List) = List;
    Query Requests(Nothing) = Requests;
    Query Threads(ThreadsQuery) = Threads;
    Query History(History) = History;
    Query Message(MessageOnly) = MessageStatus;
    Query Invites(Nothing) = InvitesList;
    Query Outbox(ListOutbox) = Outbox;
    Query Approvals(ListApprovals) = ApprovalsList;
    Query Items(ListItems) = StorageList;
    Query Notifications(Nothing) = NotificationsShow;
    Slow Doctor(Nothing) = DoctorRun;
    Slow Search(Search) = Search;
    Command Send(Send) = Send;
    Command Edit(Edit) = Edit;
    Command Delete(MessageOnly) = Delete;
    Command React(React) = React;
    Command Read(MarkRead) = Read;
    Command Typing(Typing) = Typing;
    Command Cancel(MessageOnly) = Cancel;
    Command Retry(MessageOnly) = Retry;
    Command Timer(SetTimer) = Timer;
    Command Clear(ConversationOnly) = DeleteConversation;
    Command Add(Add) = Add;
    Command Accept(Accept) = Accept;
    Command Reject(ContactOnly) = Reject;
    Command Remove(ContactOnly) = Remove;
    Command Rename(Rename) = Rename;
    Command Block(ContactOnly) = Block;
    Command Unblock(ContactOnly) = Unblock;
    Command Verify(Mark) = Verify;
    Command SetName(SetName) = IdentityRename;
    Command Invite(Nothing) = IdentityInvite;
    Command Revoke(RevokeInvite) = InvitesRevoke;
    Command Availability(SetAvailability) = NodeAvailability;
    Command Allow(Decide) = ApprovalsAllow;
    Command Deny(Decide) = ApprovalsDeny;
    Command Store(SetItems) = StorageSet;
    // After what was stored before.
    Command Draft(ListItems) = StorageList;
    Command Notify(SetNotifications) = NotificationsSet;
    Command Mute(MuteConversation) = NotificationsMute;
    Command Unmute(ConversationOnly) = NotificationsUnmute;
    Command Focus(SetFocus) = NotificationsFocus;
    Command Unlock(Unlock) = SessionUnlock;
}
