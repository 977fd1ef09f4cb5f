//! `sotto approvals`: what agents want to send and may not send by themselves.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use sotto_api::{self as api, Approval, ApprovalReason, ApprovalState, all};

use super::context::Context;
use super::output::{Tone, block, line, moment, short, who};
use super::stop::Outcome;

/// `sotto approvals`; alone, it shows what waits
#[derive(Args, Debug)]
pub struct Approvals {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what waits for your approval
    List {
        /// Only this one
        id: Option<String>,
        /// Also what was decided, without the texts
        #[arg(long)]
        decided: bool,
    },
    /// Send what an approval shows, once
    Allow(Which),
    /// Drop what an approval shows
    Deny(Which),
}

#[derive(Args, Debug)]
struct Which {
    /// Its id, or the first 6 digits of it or more
    id: String,
    /// The digest that you saw; an error if the approval has another
    #[arg(long, value_name = "DIGITS")]
    digest: Option<String>,
}

impl Approvals {
    /// Lists, allows or denies.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let list = Command::List {
            id: None,
            decided: false,
        };
        let decided = match self.command.unwrap_or(list) {
            Command::Allow(which) => client.call::<all::ApprovalsAllow>(&which.into())?,
            Command::Deny(which) => client.call::<all::ApprovalsDeny>(&which.into())?,
            Command::List { id, decided } => {
                let found = client.call::<all::ApprovalsList>(&api::ListApprovals { id, decided })?;
                if found.approvals.is_empty() {
                    context.output.remark("nothing waits for your approval");
                }
                return Ok(context
                    .output
                    .emit(&found, |found| found.approvals.iter().map(shown).collect())?);
            }
        };
        Ok(context.output.emit(&decided, |decided| {
            format!("{} {}\n", state(decided.state), short(&decided.id))
        })?)
    }
}

impl From<Which> for api::Decide {
    fn from(which: Which) -> Self {
        Self {
            id: which.id,
            digest: which.digest,
        }
    }
}

/// With the whole address: an agent with the right to change contacts can change what they are called.
fn shown(approval: &Approval) -> String {
    let to = who(
        approval.conversation.petname.as_deref(),
        approval.conversation.claimed_name.as_deref(),
        &approval.conversation.conversation,
    );
    let by = approval.agent.as_deref().unwrap_or("a client without a token");
    let mut text = format!(
        "{}  {}  {} to {}  {}\n",
        Tone::Strong.paint(short(&approval.id)),
        Tone::Warning.paint(state(approval.state)),
        line(by),
        Tone::Author.paint(&format!("{to}, {}", approval.conversation.conversation)),
        Tone::Faint.paint(&format!(
            "{}, until {}",
            moment(approval.requested_at),
            moment(approval.expires_at)
        )),
    );
    if approval.state != ApprovalState::Pending {
        return text;
    }
    let _ = writeln!(text, "  {}", block(&approval.text, 2));
    for term in approval.terms() {
        let _ = writeln!(text, "  {}", Tone::Faint.paint(&term));
    }
    let why = format!("{}; digest {}", reason(approval.reason), short(&approval.digest));
    let _ = writeln!(text, "  {}", Tone::Faint.paint(&why));
    text
}

const fn state(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "waits",
        ApprovalState::Allowed => "allowed",
        ApprovalState::Sent => "sent",
        ApprovalState::Failed => "failed",
        ApprovalState::Denied => "denied",
        ApprovalState::Expired => "expired",
    }
}

const fn reason(reason: ApprovalReason) -> &'static str {
    match reason {
        ApprovalReason::NoToken => "the client has no token",
        ApprovalReason::Scope => "its token does not allow to send there",
        ApprovalReason::Taint => "it has read what others wrote in another conversation",
        ApprovalReason::Loop => "agents have written much there in a short time",
    }
}
