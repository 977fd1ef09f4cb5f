//! `identity.*`, `node.*`, `daemon.*` and `rpc.*`

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sotto_api::{self as api, Error, Kind, all};
use sotto_core::{Command, ConversationId, FriendCode, Reply, Status};
use sotto_io_sqlcipher::Reader;

use super::{Handle, Handled};
use crate::api_error::{UNUSED_INVITES, wrong_code};
use crate::call::Call;
use crate::log;
use crate::service::unexpected;
use crate::view;

impl Handle<all::IdentityShow> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Identity>, Error> {
        identity(self.command(Command::Identity).await?).map(Handled::Done)
    }
}

impl Handle<all::InvitesList> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Invites>, Error> {
        let mut rows = match self.command(Command::Invites).await? {
            Reply::Invites(rows) => rows,
            reply => return Err(unexpected(&reply)),
        };
        rows.sort_by_key(|row| row.created_at);
        let invites = rows.into_iter().map(|row| {
            let code = FriendCode {
                address: self.us,
                invite: Some(row.token),
            };
            api::UnusedInvite {
                friend_code: code.to_string(),
                created_at: view::time(row.created_at),
            }
        });
        Ok(Handled::Done(api::Invites {
            invites: invites.collect(),
        }))
    }
}

impl Handle<all::InvitesRevoke> for Call {
    async fn handle(self: &Arc<Self>, params: api::RevokeInvite) -> Result<Handled<api::Done>, Error> {
        let code: FriendCode = params
            .friend_code
            .trim()
            .parse()
            .map_err(|error| wrong_code("friend_code", error))?;
        let token = code.invite.filter(|_| code.address == self.us);
        let token =
            token.ok_or_else(|| Error::invalid("friend_code: it holds no invite of this node").hint(UNUSED_INVITES))?;
        self.command(Command::RevokeInvite(token)).await?;
        Ok(Handled::Done(api::Done {}))
    }
}

impl Handle<all::IdentityRename> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetName) -> Result<Handled<api::Identity>, Error> {
        self.check_shown(None, "change this node's name").await?;
        self.command(Command::SetName(params.name)).await?;
        identity(self.command(Command::Identity).await?).map(Handled::Done)
    }
}

/// The reply to `Command::Identity`, as an object of the API.
pub(crate) fn identity(reply: Reply) -> Result<api::Identity, Error> {
    let Reply::Identity {
        address,
        name,
        identity_key,
    } = reply
    else {
        return Err(unexpected(&reply));
    };
    // libsignal puts a byte for the kind of key in front.
    let key = identity_key.get(1..).unwrap_or_default();
    Ok(api::Identity {
        onion: address.to_string(),
        friend_code: FriendCode { address, invite: None }.to_string(),
        name,
        fingerprint: HEXLOWER.encode(key),
    })
}

impl Handle<all::IdentityInvite> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Invite>, Error> {
        match self.command(Command::CreateInvite).await? {
            Reply::Invite(code) => Ok(Handled::Done(api::Invite {
                onion: code.address.to_string(),
                friend_code: code.to_string(),
            })),
            reply => Err(unexpected(&reply)),
        }
    }
}

impl Handle<all::NodeStatus> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Status>, Error> {
        self.node_status().await.map(Handled::Done)
    }
}

impl Call {
    /// The state of the node and its network, as far as the client may know it.
    pub(super) async fn node_status(&self) -> Result<api::Status, Error> {
        let rights = self.rights()?;
        let mut status = self.status().await?;
        let mut requests = self.reads.read(Reader::requests).await?.len();
        let waiting = self.reads.read(Reader::waiting).await?;
        let counts = |conversation| rights.agent().is_none() || rights.reads(&view::conversation(conversation));
        let waiting = waiting.iter().filter(|(conversation, _)| counts(*conversation));
        let queued = waiting.map(|(_, count)| u64::from(*count)).sum();
        if let Some(record) = rights.agent().filter(|record| !record.read.all) {
            // How much others write is theirs.
            status = Status {
                availability: status.availability,
                ..Status::default()
            };
            if !record.admin {
                requests = 0;
            }
        }
        let mut network = self.network.borrow().clone();
        if *self.stop.borrow() {
            network.phase = api::Phase::Stopping;
            network.reachable = false;
        }
        Ok(api::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            onion: self.us.to_string(),
            network,
            availability: view::shown(status.availability),
            typing: self.config.typing,
            owner_passphrase: self.authority.state().owner.is_some(),
            queued,
            links: status.links as u64,
            stranger_links: status.stranger_links as u64,
            handshakes: status.handshakes as u64,
            dials: status.dials as u64,
            requests: requests as u64,
            peer_faults: status.peer_faults,
            peer_faults_by_kind: status
                .faults_by_kind
                .iter()
                .map(|(kind, count)| (kind.to_string(), *count))
                .collect(),
            storage: view::storage(&status.storage),
            clock_doubted: status.clock_doubted,
            elsewhere: status.elsewhere.map(|shown| view::elsewhere(&shown, self.us)),
            last_seq: *self.events.newest().borrow(),
            log_lines_dropped: log::dropped_lines(),
            pid: std::process::id(),
            started_at: self.started_at,
            data_dir: self.profile.folder().display().to_string(),
            socket: self.profile.socket().display().to_string(),
            lock_file: self.profile.lock_file().display().to_string(),
            log_file: self.config.log_file.as_ref().map(|file| file.display().to_string()),
            endpoints: self.endpoints.clone(),
        })
    }
}

impl Handle<all::NodePresence> for Call {
    async fn handle(self: &Arc<Self>, params: api::PresenceQuery) -> Result<Handled<api::PresenceList>, Error> {
        let only = match &params.contact {
            Some(contact) => match self.readable_conversation(contact).await? {
                ConversationId::Direct(contact) => Some(contact),
                ConversationId::Group(_) | ConversationId::Channel(_) => None,
            },
            None => None,
        };
        let reply = self.command(Command::Peers).await?;
        let Reply::Peers(peers) = reply else {
            return Err(unexpected(&reply));
        };
        let contacts = self.reads.read(Reader::contacts).await?.contacts;
        let mut names: BTreeMap<_, _> = contacts.into_iter().map(|one| (one.who.address, one.who)).collect();
        let peers = peers
            .into_iter()
            .filter(|peer| only.is_none_or(|only| only == peer.contact))
            .filter_map(|peer| {
                Some(api::ContactPresence {
                    who: view::who(names.remove(&peer.contact)?),
                    presence: view::presence(peer.presence),
                    as_of: peer.as_of.map(view::time),
                    typing: peer.typing,
                })
            })
            .collect();
        Ok(Handled::Done(api::PresenceList { peers }))
    }
}

impl Handle<all::NodeAvailability> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetAvailability) -> Result<Handled<api::Done>, Error> {
        self.check_shown(None, "change how contacts see this node").await?;
        self.command(Command::SetAvailability(view::availability(params.show)))
            .await?;
        Ok(Handled::Done(api::Done {}))
    }
}

impl Handle<all::DaemonBackup> for Call {
    async fn handle(self: &Arc<Self>, params: api::BackupTo) -> Result<Handled<api::Backup>, Error> {
        let path = PathBuf::from(&params.file);
        if !path.is_absolute() {
            return Err(Error::invalid(format!(
                "file must be an absolute path, not {:?}",
                params.file
            )));
        }
        let service = self.clone();
        Ok(Handled::Pending(Box::pin(async move {
            let file = params.file;
            let to = path.clone();
            service
                .backups
                .read(move |reader| reader.backup(&to))
                .await
                .map_err(|error| match error.kind() {
                    Kind::AlreadyInitialised => {
                        Error::invalid(format!("{file} exists already, and is not overwritten"))
                    }
                    _ => error,
                })?;
            let found = fs::metadata(&path).map_err(|error| Error::io(path.display(), &error))?;
            Ok(api::Backup {
                file,
                bytes: found.len(),
            })
        })))
    }
}

impl Handle<all::DaemonStop> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Done>, Error> {
        let service = self.clone();
        Ok(Handled::AfterWrite(
            api::Done {},
            Box::pin(async move { service.stop.send_modify(|stop| *stop = true) }),
        ))
    }
}

impl Handle<all::Discover> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Document>, Error> {
        Ok(Handled::Done(api::document()))
    }
}
