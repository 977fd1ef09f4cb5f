//! [`Action`]: everything that a key, the palette or a slash command can do. One table has each action's name, where it
//! applies and what it does; key maps, help, palette and slash commands are made from it.

/// Where an action applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// In the list of conversations, and in each dialog with a list.
    List,
    /// In the messages of the open conversation.
    Messages,
    /// In the composer, and in each field for text.
    Composer,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Global, Self::List, Self::Messages, Self::Composer];

    /// As in `config.toml`, and as the title of the keys in help.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Messages => "messages",
            Self::Composer => "composer",
        }
    }
}

macro_rules! actions {
    ($($scope:ident $action:ident $name:literal, $about:literal;)*) => {
        /// What the interface can do at the press of a key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $(#[doc = $about] $action,)* }

        impl Action {
            /// Every action, in the order of the help.
            pub const ALL: &[Self] = &[$(Self::$action,)*];

            /// Its name in `config.toml`, and as a slash command.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$action => $name,)* }
            }

            /// All its names as a slash command: first its own, then that of the command which does the same.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                std::iter::once(self.name()).chain((self == Self::Status).then_some("doctor"))
            }

            /// What it does, for help and palette.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$action => $about,)* }
            }

            /// Where it applies.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$action => Scope::$scope,)* }
            }
        }
    };
}

actions! {
    Global Help "help", "Show the keys";
    Global Palette "palette", "Find a conversation or a command";
    Global NextPane "next-pane", "Go to the next pane";
    Global PreviousPane "previous-pane", "Go to the previous pane";
    Global Back "back", "Close what is open; go back to the composer";
    Global NextConversation "next-conversation", "Open the next conversation";
    Global PreviousConversation "previous-conversation", "Open the previous conversation";
    Global NextUnread "next-unread", "Open the next conversation with unread messages";
    Global ToggleSidebar "sidebar", "Show or hide the list of conversations";
    Global SortSidebar "sort", "Sort conversations: unread first, or by recency";
    Global Search "search", "Search all messages";
    Global SearchHere "find", "Search this conversation";
    Global AddFriend "add", "Add a friend by a friend code";
    Global Requests "requests", "Answer friend requests";
    Global Identity "identity", "Show your address and friend code";
    Global Invite "invite", "Make a one-time invite";
    Global Invites "invites", "Show unused invites, and revoke one";
    Global Outbox "outbox", "Show what has not been delivered, and why";
    Global Approvals "approvals", "Allow or deny what agents want to send";
    Global Status "status", "Check the network, and show what is wrong";
    Global Settings "settings", "Profile, theme, keys and notifications";
    Global Notifications "notifications", "Choose what notifications say";
    Global Profile "name", "Change the name that you claim";
    Global Availability "availability", "Be online, away or invisible";
    Global Theme "theme", "Choose a theme";
    Global Lock "lock", "Lock the interface";
    Global Suspend "suspend", "Suspend; fg comes back";
    Global Redraw "redraw", "Draw the screen again";
    Global Quit "quit", "Quit";
    Global Safety "verify", "Compare the safety number";
    Global Timer "timer", "Set how long messages of this conversation live";
    Global Rename "rename", "Give this contact a petname";
    Global Mute "mute", "Mute or unmute this conversation";
    Global MarkRead "mark-read", "Mark this conversation as read";
    Global Block "block", "Block or unblock this contact";
    Global RemoveFriend "remove", "Remove this contact; the history stays";
    Global DeleteConversation "clear", "Delete all messages of this conversation, on this computer";
    Global Threads "threads", "Show the threads of this conversation";

    List Up "up", "Up";
    List Down "down", "Down";
    List PageUp "page-up", "A page up";
    List PageDown "page-down", "A page down";
    List First "first", "To the first";
    List Last "last", "To the last";
    List Choose "choose", "Open or choose";
    List Filter "filter", "Filter the list";

    Messages Older "older", "Select the message above";
    Messages Newer "newer", "Select the message below";
    Messages ScrollUp "scroll-up", "Scroll a page up";
    Messages ScrollDown "scroll-down", "Scroll a page down";
    Messages HalfPageUp "half-page-up", "Scroll half a page up";
    Messages HalfPageDown "half-page-down", "Scroll half a page down";
    Messages Oldest "oldest", "To the first message";
    Messages Newest "newest", "To the last message";
    Messages FirstUnread "first-unread", "To the first unread message";
    Messages MarkUnread "mark-unread", "Mark as unread from here";
    Messages Reply "reply", "Reply to the message";
    Messages React "react", "React to the message";
    Messages Edit "edit", "Edit your message";
    Messages Delete "delete", "Delete the message";
    Messages Copy "copy", "Copy the message";
    Messages Retry "retry", "Send a failed message again";
    Messages Cancel "cancel", "Cancel a message that waits";
    Messages FollowReply "follow-reply", "Go to the message that this one replies to";
    Messages JumpBack "jump-back", "Go back to where you were";
    Messages OpenThread "thread", "Show this message's thread alone";
    Messages Raw "raw", "Show the text as it was written";
    Messages Details "details", "Show all that is known of the message";
    Messages NextHit "next-hit", "To the next hit of the search";
    Messages PreviousHit "previous-hit", "To the previous hit of the search";
    Messages Compose "compose", "Write a message";

    Composer Submit "submit", "Send";
    Composer NewLine "new-line", "Begin a new line";
    Composer Left "left", "A character to the left";
    Composer Right "right", "A character to the right";
    Composer WordLeft "word-left", "A word to the left";
    Composer WordRight "word-right", "A word to the right";
    Composer LineStart "line-start", "To the beginning of the line";
    Composer LineEnd "line-end", "To the end of the line";
    Composer TextStart "text-start", "To the beginning of the text";
    Composer TextEnd "text-end", "To the end of the text";
    Composer LineUp "line-up", "A line up; from the first one, the text sent before";
    Composer LineDown "line-down", "A line down; from the last one, the text sent after";
    Composer DeleteBefore "delete-before", "Delete the character before the cursor";
    Composer DeleteAfter "delete-after", "Delete the character after the cursor";
    Composer DeleteWordBefore "delete-word-before", "Delete the word before the cursor";
    Composer DeleteWordAfter "delete-word-after", "Delete the word after the cursor";
    Composer DeleteToStart "delete-to-start", "Delete to the beginning of the line";
    Composer DeleteToEnd "delete-to-end", "Delete to the end of the line";
    Composer Yank "yank", "Insert what was deleted last";
    Composer Undo "undo", "Undo";
    Composer Redo "redo", "Redo";
    Composer HistoryBack "history-back", "The text sent before";
    Composer HistoryForward "history-forward", "The text sent after";
    Composer Editor "editor", "Write in $EDITOR";
    Composer Complete "complete", "Complete a command, or an emoji's name";
}
