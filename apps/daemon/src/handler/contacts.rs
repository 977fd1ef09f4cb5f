//! `friends.*`

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sotto_api::{self as api, Error, Kind, all};
use sotto_core::{Command, ContactPresence, ConversationId, FriendCode, OnionAddress, Reply};
use sotto_io_sqlcipher::Reader;

use super::{Handle, Handled};
use crate::api_error::wrong_code;
use crate::authority::{Rights, not_allowed};
use crate::call::Call;
use crate::service::unexpected;
use crate::view;

impl Handle<all::Add> for Call {
    async fn handle(self: &Arc<Self>, params: api::Add) -> Result<Handled<api::Contact>, Error> {
        let code: FriendCode = params.code.parse().map_err(|error| wrong_code("code", error))?;
        let _turn = self.petname_turn.lock().await;
        let petname = match params.name {
            Some(name) => Some(self.petname(&name, code.address).await?),
            None => None,
        };
        let conversation = self.note(ConversationId::Direct(code.address));
        self.check_shown(Some(conversation), "ask a peer to be a contact")
            .await?;
        let add = Command::AddContact {
            code,
            petname,
            note: params.note.unwrap_or_default(),
        };
        self.changed(add).await
    }
}

impl Handle<all::List> for Call {
    async fn handle(self: &Arc<Self>, params: api::List) -> Result<Handled<api::Contacts>, Error> {
        self.contacts(params.all).await.map(Handled::Done)
    }
}

impl Call {
    /// The contacts that the user chose, or all peers that are known.
    pub(super) async fn contacts(&self, all: bool) -> Result<api::Contacts, Error> {
        let known = self.reads.read(Reader::contacts).await?;
        let seen = self.presence().await?;
        let shares = self.status().await?.storage.contacts;
        let mut friends: Vec<_> = known
            .contacts
            .into_iter()
            .map(|one| {
                let presence = seen.get(&one.who.address).copied();
                let muted = self.notifications.is_muted(&ConversationId::Direct(one.who.address));
                view::contact(one, presence, &shares, muted)
            })
            .filter(|one| all || is_ours(one))
            .collect();
        friends.sort_by_cached_key(|contact| {
            let name = contact.who.petname.as_ref().or(contact.who.claimed_name.as_ref());
            (
                name.is_none(),
                name.map(|name| name.to_lowercase()),
                contact.who.contact.clone(),
            )
        });
        Ok(api::Contacts {
            friends,
            last_seq: known.last_seq.0,
        })
    }
}

/// A contact that the user chose: a friend, or a peer that was asked or blocked.
const fn is_ours(contact: &api::Contact) -> bool {
    match contact.relationship {
        api::Relationship::Friend
        | api::Relationship::Requested
        | api::Relationship::RequestDelivered
        | api::Relationship::RequestDeclined
        | api::Relationship::RemovedByPeer => true,
        api::Relationship::Stranger | api::Relationship::Asking | api::Relationship::Declined => contact.blocked,
    }
}

impl Handle<all::Requests> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::FriendRequests>, Error> {
        let requests = self.reads.read(Reader::requests).await?;
        Ok(Handled::Done(api::FriendRequests {
            requests: requests.into_iter().map(view::request).collect(),
        }))
    }
}

impl Handle<all::Accept> for Call {
    async fn handle(self: &Arc<Self>, params: api::Accept) -> Result<Handled<api::Contact>, Error> {
        let _turn = self.petname_turn.lock().await;
        let contact = self.contact_named(&params.contact).await?;
        let petname = match params.name {
            Some(name) => Some(self.petname(&name, contact).await?),
            None => None,
        };
        self.changed(Command::AcceptContact { contact, petname }).await
    }
}

impl Handle<all::Reject> for Call {
    async fn handle(self: &Arc<Self>, params: api::ContactOnly) -> Result<Handled<api::Contact>, Error> {
        let contact = self.contact_named(&params.contact).await?;
        self.changed(Command::RejectContact(contact)).await
    }
}

impl Handle<all::Remove> for Call {
    async fn handle(self: &Arc<Self>, params: api::ContactOnly) -> Result<Handled<api::Contact>, Error> {
        let contact = self.contact_named(&params.contact).await?;
        self.changed(Command::RemoveContact(contact)).await
    }
}

impl Handle<all::Forget> for Call {
    async fn handle(self: &Arc<Self>, params: api::ContactOnly) -> Result<Handled<api::Done>, Error> {
        let contact = self.contact_named(&params.contact).await?;
        self.command(Command::ForgetContact(contact)).await?;
        Ok(Handled::Done(api::Done {}))
    }
}

impl Handle<all::Rename> for Call {
    async fn handle(self: &Arc<Self>, params: api::Rename) -> Result<Handled<api::Contact>, Error> {
        let _turn = self.petname_turn.lock().await;
        let contact = self.contact_named(&params.contact).await?;
        let petname = match params.name.as_str() {
            "" => String::new(),
            name => self.petname(name, contact).await?,
        };
        self.changed(Command::RenameContact(contact, petname)).await
    }
}

impl Handle<all::Block> for Call {
    async fn handle(self: &Arc<Self>, params: api::ContactOnly) -> Result<Handled<api::Contact>, Error> {
        let contact = self.contact_named(&params.contact).await?;
        self.changed(Command::BlockContact(contact, true)).await
    }
}

impl Handle<all::Unblock> for Call {
    async fn handle(self: &Arc<Self>, params: api::ContactOnly) -> Result<Handled<api::Contact>, Error> {
        let contact = self.contact_named(&params.contact).await?;
        self.changed(Command::BlockContact(contact, false)).await
    }
}

impl Handle<all::Verify> for Call {
    async fn handle(self: &Arc<Self>, params: api::Mark) -> Result<Handled<api::Safety>, Error> {
        let contact = self.contact_named(&params.contact).await?;
        let reply = self.command(Command::SafetyNumber(contact)).await?;
        let Reply::SafetyNumber(current) = reply else {
            return Err(unexpected(&reply));
        };
        let compared = params
            .number
            .map(|number| number.split_whitespace().collect::<String>());
        let number = compared.clone().unwrap_or_else(|| current.digits.clone());
        let mark = match (params.mark, compared) {
            (Some(true), _) => Some(Some(number.clone())),
            (Some(false), _) => Some(None),
            (None, Some(compared)) if compared != current.digits => {
                return Err(Error::new(Kind::UntrustedKey, "this is not the current safety number"));
            }
            (None, _) => None,
        };
        if let Rights::Agent(record) = self.rights()?
            && (mark.is_some() || params.accept_new_key)
        {
            // A number is verified by the person who compared it.
            let error = not_allowed(&record, "to say that a safety number was compared");
            return Err(error.hint("the owner does: sotto friends verify"));
        }
        if let Some(number) = mark {
            self.command(Command::VerifyContact(contact, number)).await?;
        }
        if params.accept_new_key {
            self.command(Command::AcceptIdentityKey(contact, number)).await?;
        }
        let api::Contact { who, untrusted, .. } = self.contact(contact).await?;
        let scannable = HEXLOWER.encode(&current.scannable);
        Ok(Handled::Done(api::Safety {
            who,
            untrusted,
            number: current.digits,
            scannable,
        }))
    }
}

impl Call {
    /// Carries out a command that changes a contact, and returns the changed contact.
    async fn changed(&self, command: Command) -> Result<Handled<api::Contact>, Error> {
        match self.command(command).await? {
            Reply::Contact(contact) => self.contact(contact).await.map(Handled::Done),
            reply => Err(unexpected(&reply)),
        }
    }

    pub(super) async fn contact(&self, address: OnionAddress) -> Result<api::Contact, Error> {
        let found = self.reads.read(move |reader| reader.contact(&address)).await?;
        let seen = self.presence().await?.remove(&address);
        let shares = self.status().await?.storage.contacts;
        let muted = self.notifications.is_muted(&ConversationId::Direct(address));
        found
            .map(|found| view::contact(found, seen, &shares, muted))
            .ok_or_else(|| Error::new(Kind::UnknownContact, format!("{address} is not a contact")))
    }

    /// The presence of every contact.
    async fn presence(&self) -> Result<BTreeMap<OnionAddress, ContactPresence>, Error> {
        match self.command(Command::Peers).await? {
            Reply::Peers(peers) => Ok(peers.into_iter().map(|peer| (peer.contact, peer)).collect()),
            reply => Err(unexpected(&reply)),
        }
    }
}
