//! `sotto friends`: contacts, requests and safety numbers.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use data_encoding::HEXLOWER;
use sotto_api::{self as api, Contact, FriendRequest, Pause, Presence, Relationship, all};

use super::context::Context;
use super::output::{Table, Tone, block, line, moment, qr, short, who};
use super::stop::Outcome;

/// `sotto friends`; alone, it lists contacts
#[derive(Args, Debug)]
pub struct Friends {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List contacts
    List {
        /// Also peers that are no friends and were not asked
        #[arg(long)]
        all: bool,
    },
    /// Ask a peer to be a contact; if the peer has asked you, this accepts
    Add {
        /// Their friend code or onion address
        code: String,
        /// Your name for them
        #[arg(long, value_name = "PETNAME")]
        name: Option<String>,
        /// What they read with the request, at most 500 bytes
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// List friend requests that wait for your answer
    Requests,
    /// Accept a friend request
    Accept {
        #[command(flatten)]
        who: ContactArgument,
        /// Your name for them
        #[arg(long, value_name = "PETNAME")]
        name: Option<String>,
    },
    /// Decline a friend request; the peer is told
    Reject(ContactArgument),
    /// Stop being contacts; the history stays
    Remove(ContactArgument),
    /// Drop a peer that you have removed or declined from the list; the history stays
    ///
    /// The peer is then as unknown as any other: it may ask again. A request that waits for your answer is dropped without
    /// one. The messages can still be read by the peer's onion address.
    Forget(ContactArgument),
    /// Change your name for a contact
    Rename {
        #[command(flatten)]
        who: ContactArgument,
        /// Your name for them; an empty one takes it away
        #[arg(value_name = "PETNAME")]
        name: String,
    },
    /// List the invites that were made and not used
    Invites,
    /// Make an unused invite worthless: no peer becomes a contact by it any more
    Uninvite {
        /// The friend code with the invite in it
        #[arg(value_name = "CODE")]
        friend_code: String,
    },
    /// Drop what a contact sends, without telling the contact
    Block(ContactArgument),
    /// Receive from a contact again
    Unblock(ContactArgument),
    /// Show the safety number, or mark it as compared
    Verify(Verify),
}

#[derive(Args, Debug)]
struct ContactArgument {
    /// Their petname, onion address (8 letters or more of it) or friend code
    contact: String,
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Verify {
    #[command(flatten)]
    who: ContactArgument,
    /// You have compared the number with theirs, and it is the same
    #[arg(long, conflicts_with = "unmark")]
    mark: bool,
    /// Take the mark away
    #[arg(long)]
    unmark: bool,
    /// Their key is not the one that you verified, and you go on without comparing: what waits is sent
    #[arg(long, conflicts_with_all = ["mark", "unmark"])]
    accept_new_key: bool,
    /// The number that you mean; it must still be the current one
    #[arg(long, value_name = "DIGITS", conflicts_with = "unmark")]
    number: Option<String>,
    /// Show it as a QR code as well
    #[arg(long)]
    qr: bool,
}

impl Friends {
    /// Does it.
    pub fn run(self, context: &Context) -> Outcome {
        match self.command.unwrap_or(Command::List { all: false }) {
            Command::List { all } => list(context, all),
            Command::Add { code, name, note } => add(context, &api::Add { code, name, note }),
            Command::Requests => requests(context),
            Command::Accept { who, name } => {
                let params = api::Accept {
                    contact: who.contact,
                    name,
                };
                let contact = context.client()?.call::<all::Accept>(&params)?;
                show(context, &contact)?;
                suggest_petname(context, &contact);
                Ok(())
            }
            Command::Reject(who) => change::<all::Reject>(context, who),
            Command::Remove(who) => change::<all::Remove>(context, who),
            Command::Forget(who) => {
                let params = api::ContactOnly { contact: who.contact };
                let done = context.client()?.call::<all::Forget>(&params)?;
                Ok(context.output.emit(&done, |_| String::new())?)
            }
            Command::Rename { who, name } => {
                let params = api::Rename {
                    contact: who.contact,
                    name,
                };
                show(context, &context.client()?.call::<all::Rename>(&params)?)
            }
            Command::Invites => invites(context),
            Command::Uninvite { friend_code } => {
                let params = api::RevokeInvite { friend_code };
                let done = context.client()?.call::<all::InvitesRevoke>(&params)?;
                Ok(context.output.emit(&done, |_| String::new())?)
            }
            Command::Block(who) => change::<all::Block>(context, who),
            Command::Unblock(who) => change::<all::Unblock>(context, who),
            Command::Verify(verify) => verify.run(context),
        }
    }
}

fn change<M>(context: &Context, who: ContactArgument) -> Outcome
where
    M: api::Method<Params = api::ContactOnly, Result = Contact>,
{
    let params = api::ContactOnly { contact: who.contact };
    show(context, &context.client()?.call::<M>(&params)?)
}

fn show(context: &Context, contact: &Contact) -> Outcome {
    Ok(context
        .output
        .emit(contact, |contact| table(std::slice::from_ref(contact)))?)
}

fn list(context: &Context, all: bool) -> Outcome {
    let contacts = context.client()?.call::<all::List>(&api::List { all })?;
    if contacts.friends.is_empty() {
        context
            .output
            .remark("no contacts yet: share your friend code (sotto identity), or sotto friends add CODE");
    }
    context.output.emit(&contacts, |contacts| table(&contacts.friends))?;
    for contact in &contacts.friends {
        if contact.relationship == Relationship::RemovedByPeer {
            let name = who(
                contact.who.petname.as_deref(),
                contact.who.claimed_name.as_deref(),
                &contact.who.contact,
            );
            context.output.remark(&format!(
                "{name} has removed you: sotto friends add {} asks them again",
                contact.who.contact
            ));
        }
    }
    if let Some(nameless) = contacts.friends.iter().find(|contact| contact.who.petname.is_none()) {
        suggest_petname(context, nameless);
    }
    Ok(())
}

/// A claimed name is no name for a command, so the user is told how to give one.
fn suggest_petname(context: &Context, contact: &Contact) {
    if contact.who.petname.is_none() {
        let beginning = short(&contact.who.contact);
        context.output.remark(&format!(
            "{beginning} has no petname yet: sotto friends rename {beginning} NAME"
        ));
    }
}

fn add(context: &Context, params: &api::Add) -> Outcome {
    let contact = context.client()?.call::<all::Add>(params)?;
    show(context, &contact)?;
    match contact.relationship {
        Relationship::Friend => context.output.remark("you are friends: sotto send NAME TEXT"),
        _ => context
            .output
            .remark("the request is sent when they can be reached; sotto friends list shows its state"),
    }
    suggest_petname(context, &contact);
    Ok(())
}

fn requests(context: &Context) -> Outcome {
    let waiting = context.client()?.call::<all::Requests>(&api::Nothing {})?;
    match waiting.requests.first() {
        None => context.output.remark("no friend requests"),
        Some(first) => {
            let beginning = short(&first.who.contact);
            context.output.remark(&format!(
                "names and notes are only claimed. sotto friends accept {beginning} --name NAME, or \
                 sotto friends reject {beginning}"
            ));
        }
    }
    Ok(context
        .output
        .emit(&waiting, |waiting| waiting.requests.iter().map(request_text).collect())?)
}

fn invites(context: &Context) -> Outcome {
    let unused = context.client()?.call::<all::InvitesList>(&api::Nothing {})?;
    context.output.remark(if unused.invites.is_empty() {
        "no unused invites: sotto identity --invite makes one"
    } else {
        "each code makes one person a contact at once; sotto friends uninvite CODE takes it back"
    });
    Ok(context.output.emit(&unused, |unused| {
        let mut table = Table::bare();
        for invite in &unused.invites {
            table.pair(&moment(invite.created_at), (Tone::Strong, invite.friend_code.as_str()));
        }
        table.render()
    })?)
}

fn request_text(request: &FriendRequest) -> String {
    let them = &request.who;
    let mut text = format!(
        "{}  {}  {}\n",
        Tone::Warning.paint(&who(
            them.petname.as_deref(),
            them.claimed_name.as_deref(),
            &them.contact
        )),
        Tone::Faint.paint(&moment(request.received_at)),
        line(&request.who.contact),
    );
    if !request.note.is_empty() {
        let _ = writeln!(text, "  {}", block(&request.note, 2));
    }
    text
}

fn table(contacts: &[Contact]) -> String {
    if contacts.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "STATE", "VERIFIED", "UNREAD", "SEEN", "ONION"]);
    for contact in contacts {
        let Contact { who: them, .. } = contact;
        let (tone, relationship) = relationship(contact);
        table.row([
            (
                Tone::Author,
                who(them.petname.as_deref(), them.claimed_name.as_deref(), &them.contact),
            )
                .into(),
            (tone, relationship).into(),
            if contact.untrusted {
                (Tone::Bad, "KEY CHANGED").into()
            } else if them.verified {
                (Tone::Good, "yes").into()
            } else {
                (Tone::Faint, "no").into()
            },
            if contact.unread == 0 {
                "".into()
            } else {
                (Tone::Strong, contact.unread.to_string()).into()
            },
            match contact.presence {
                Presence::Online => (Tone::Good, "online").into(),
                Presence::Away => (Tone::Warning, "away").into(),
                Presence::Offline | Presence::Unknown => {
                    contact.last_seen.map_or_else(|| "-".to_owned(), moment).into()
                }
            },
            (Tone::Faint, them.contact.as_str()).into(),
        ]);
    }
    table.render()
}

const fn relationship(contact: &Contact) -> (Tone, &'static str) {
    if contact.blocked {
        return (Tone::Bad, "blocked");
    }
    if let Some(pause) = contact.pause {
        return match pause {
            Pause::Pace => (Tone::Warning, "friend, sends too fast"),
            Pause::Quota => (Tone::Bad, "paused: quota is full"),
            Pause::Reserve => (Tone::Bad, "paused: disk is full"),
        };
    }
    match contact.relationship {
        Relationship::Friend => (Tone::Good, "friend"),
        Relationship::Requested => (Tone::Warning, "asked, not reached yet"),
        Relationship::RequestDelivered => (Tone::Warning, "asked, waits for their answer"),
        Relationship::RequestDeclined => (Tone::Bad, "declined by them"),
        Relationship::Asking => (Tone::Warning, "asks you"),
        Relationship::Declined => (Tone::Faint, "declined by you"),
        Relationship::Stranger => (Tone::Faint, "stranger"),
        Relationship::RemovedByPeer => (Tone::Bad, "removed you"),
    }
}

impl Verify {
    fn run(self, context: &Context) -> Outcome {
        let mark = match (self.mark, self.unmark) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let params = api::Mark {
            contact: self.who.contact,
            mark,
            accept_new_key: self.accept_new_key,
            number: self.number,
        };
        let safety = context.client()?.call::<all::Verify>(&params)?;
        let code = if self.qr && !context.output.json {
            let scannable = HEXLOWER.decode(safety.scannable.as_bytes());
            qr(&scannable.map_err(|_| api::Error::internal("the scannable safety number is not hexadecimal"))?)?
        } else {
            String::new()
        };
        context.output.emit(&safety, |safety| {
            let them = who(
                safety.who.petname.as_deref(),
                safety.who.claimed_name.as_deref(),
                &safety.who.contact,
            );
            let verified = if safety.untrusted {
                (Tone::Bad, "another key than the one that you verified")
            } else if safety.who.verified {
                (Tone::Good, "verified")
            } else {
                (Tone::Warning, "not verified")
            };
            format!(
                "{}  {}\n\n{}\n{code}",
                Tone::Author.paint(&them),
                verified.0.paint(verified.1),
                digits(&safety.number),
            )
        })?;
        if safety.untrusted {
            context.output.remark(
                "what waits is held. Compare the number with theirs in person or on a call; then: sotto friends verify NAME \
                 --mark --number DIGITS, or --accept-new-key without comparing",
            );
        } else if !safety.who.verified {
            context.output.remark(
                "compare it with theirs in person or on a call; then: sotto friends verify NAME --mark --number DIGITS",
            );
        }
        Ok(())
    }
}

/// Twelve groups of five, three lines: as people read them to each other.
fn digits(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let groups: Vec<String> = digits.chunks(5).map(|group| group.iter().collect()).collect();
    groups.chunks(4).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "  {}", line.join(" "));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safety_number_is_read_in_groups_of_five() {
        let shown = digits(&"0123456789".repeat(6));
        assert_eq!(shown.lines().count(), 3);
        assert!(shown.lines().all(|line| line == "  01234 56789 01234 56789"));
    }
}
