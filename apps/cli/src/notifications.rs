//! `sotto notifications`: what the desktop shows of what arrives.

use clap::{Args, Subcommand, ValueEnum};
use sotto_api::{self as api, DesktopState, NotificationMode, all};

use super::context::Context;
use super::duration::seconds;
use super::output::{Table, Tone, moment, who};
use super::stop::Outcome;

/// `sotto notifications`
#[derive(Args, Debug)]
pub struct Notifications {
    #[command(subcommand)]
    change: Option<Change>,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Show notifications on the desktop
    On(On),
    /// Show none
    Off,
    /// Show what is shown, and whether the desktop does it
    Status,
    /// Show none of a conversation
    Mute(Mute),
    /// Show those of a conversation again
    Unmute(Unmute),
}

#[derive(Args, Debug)]
struct On {
    /// What a notification says
    #[arg(long = "show", value_enum, value_name = "WHAT", default_value_t = Says::Sender)]
    mode: Says,
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Says {
    /// How much has arrived
    Count,
    /// Who has written, too
    Sender,
    /// The first line of the text, too; not of a message that disappears
    Text,
}

#[derive(Args, Debug)]
struct Mute {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// For so long: 90s, 30m, 8h, 2d, 1w
    #[arg(long = "for", value_name = "DURATION", value_parser = seconds)]
    seconds: Option<u32>,
}

#[derive(Args, Debug)]
struct Unmute {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
}

impl Notifications {
    /// Shows or changes them.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let shown = match self.change {
            None | Some(Change::Status) => client.call::<all::NotificationsShow>(&api::Nothing {})?,
            Some(Change::On(On { mode })) => {
                let mode = match mode {
                    Says::Count => NotificationMode::Count,
                    Says::Sender => NotificationMode::Sender,
                    Says::Text => NotificationMode::Text,
                };
                client.call::<all::NotificationsSet>(&api::SetNotifications { mode })?
            }
            Some(Change::Off) => {
                let mode = NotificationMode::Off;
                client.call::<all::NotificationsSet>(&api::SetNotifications { mode })?
            }
            Some(Change::Mute(Mute { conversation, seconds })) => {
                client.call::<all::NotificationsMute>(&api::MuteConversation { conversation, seconds })?
            }
            Some(Change::Unmute(Unmute { conversation })) => {
                client.call::<all::NotificationsUnmute>(&api::ConversationOnly { conversation })?
            }
        };
        if shown.desktop.state == DesktopState::Unavailable {
            context
                .output
                .remark("the desktop shows nothing now; it is asked again with the next message");
        }
        Ok(context.output.emit(&shown, shown_to_a_person)?)
    }
}

fn shown_to_a_person(shown: &api::Notifications) -> String {
    let mut table = Table::bare();
    let says = match shown.mode {
        NotificationMode::Off => "none",
        NotificationMode::Count => "how much has arrived",
        NotificationMode::Sender => "who has written",
        NotificationMode::Text => "who has written, and what",
    };
    table.pair("notifications", (Tone::Strong, says));
    let api::Desktop { state, server, problem } = &shown.desktop;
    let desktop = match state {
        DesktopState::Unknown => "not asked yet",
        DesktopState::Ready => server.as_deref().unwrap_or("shows them"),
        DesktopState::Unavailable => problem.as_deref().unwrap_or("does not answer"),
    };
    table.pair("desktop", desktop.to_owned());
    for muted in &shown.muted {
        let conversation = &muted.conversation;
        let name = who(
            conversation.petname.as_deref(),
            conversation.claimed_name.as_deref(),
            &conversation.conversation,
        );
        let until = muted
            .until
            .map_or_else(String::new, |until| format!(" until {}", moment(until)));
        table.pair("muted", format!("{name}{until}"));
    }
    table.render()
}
