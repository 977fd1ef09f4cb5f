//! `sotto init` and `sotto identity`.

use std::path::PathBuf;

use clap::Args;
use sotto_api::{self as api, all};

use super::context::Context;
use super::options::KeySource;
use super::output::{self, Table, Tone, qr};
use super::stop::Outcome;

/// `sotto init`
#[derive(Args, Debug)]
pub struct Init {
    /// The name that contacts see as claimed by you, at most 64 bytes
    #[arg(long, default_value = "")]
    name: String,
    /// Restore the identity, contacts and messages of a backup, instead of making a new identity
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    from_backup: Option<PathBuf>,
    /// The backup may be a copy of a running daemon's sotto.db, which lacks what was committed last
    #[arg(long, requires = "from_backup")]
    part: bool,
    #[command(flatten)]
    key: KeySource,
}

impl Init {
    /// Makes the identity.
    pub fn run(self, context: &Context) -> Outcome {
        if let Some(backup) = self.from_backup {
            let identity = context.program.restore(context, backup, self.part, self.key)?;
            context.output.emit(&identity, text)?;
            context.output.remark(RESTORED);
            return Ok(());
        }
        let identity = context.program.init(context, &self.name, self.key)?;
        context.output.emit(&identity, text)?;
        context
            .output
            .remark("share this friend code with your contacts; next: sotto daemon start");
        Ok(())
    }
}

/// What follows from a restore.
const RESTORED: &str = "\
restored as of the moment of the backup. What you must know:
- Never run the old profile again beside this one: two nodes of one identity disturb each other.
- What was sent or received after the backup is not here, and is not sent again. Ask the contact for it.
- What waited in the outbox at the backup is sent again. What you deleted or renamed since is as it was.
- Each contact gets a new session by itself.
next: sotto daemon start";

/// `sotto identity`
#[derive(Args, Debug)]
pub struct Identity {
    /// Show the friend code as a QR code as well
    #[arg(long)]
    qr: bool,
    /// Make a one-time invite: the first peer that uses it becomes a contact at once
    #[arg(long)]
    invite: bool,
    /// Change the name that new contacts see as claimed by you; empty for none. Contacts that you have see it once their session
    /// is renewed
    #[arg(long = "rename", value_name = "NAME")]
    name: Option<String>,
}

impl Identity {
    /// Shows it.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let mut identity = match self.name {
            Some(name) => client.call::<all::IdentityRename>(&api::SetName { name })?,
            None => client.call::<all::IdentityShow>(&api::Nothing {})?,
        };
        if self.invite {
            identity.friend_code = client.call::<all::IdentityInvite>(&api::Nothing {})?.friend_code;
        }
        context.output.emit(&identity, text)?;
        if self.qr && !context.output.json {
            output::print(&qr(identity.friend_code.to_ascii_uppercase().as_bytes())?)?;
        }
        if self.invite {
            context
                .output
                .remark("this code makes one person a contact at once: share it with that person only");
        }
        Ok(())
    }
}

fn text(identity: &api::Identity) -> String {
    let name = if identity.name.is_empty() {
        "(none)"
    } else {
        &identity.name
    };
    let mut table = Table::bare();
    table
        .pair("name", name)
        .pair("onion", identity.onion.as_str())
        .pair("friend code", (Tone::Strong, identity.friend_code.as_str()))
        .pair("fingerprint", identity.fingerprint.as_str());
    table.render()
}
