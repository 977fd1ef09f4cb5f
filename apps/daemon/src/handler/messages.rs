//! `messages.*`, `outbox.*` and `conversations.*`, as far as they change something.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotto_api::{self as api, Error, Kind, WaitFor, all};
use sotto_core::row::{ContentType, DeliveryState, MessageKey};
use sotto_core::{Command, ConversationId, Direction, MessageId, NewMessage, OnionAddress, Reply};
use sotto_io_sqlcipher::{HistoryQuery, MessageView, PagePlace};

use super::follow::follow;
use super::{Handle, Handled, PendingResult, seconds};
use crate::authority::{Permit, Proposal, Rights, not_allowed};
use crate::call::Call;
use crate::service::unexpected;
use crate::{api_error, view};

/// Messages that one command erases: as many as core takes.
const ERASED_AT_ONCE: u32 = 256;

/// Bytes of text that one command erases, unless one message has more. Until the store's log is emptied it takes up as much as is
/// erased, and twice: on a disk that is full of long messages there is no room for more.
const ERASED_BYTES: usize = 1 << 20;

/// How long a send waits for its state by default, in seconds.
const DEFAULT_TIMEOUT: u32 = 30;

impl Handle<all::Send> for Call {
    async fn handle(self: &Arc<Self>, params: api::Send) -> Result<Handled<api::Sent>, Error> {
        let timeout = seconds("timeout", params.timeout, DEFAULT_TIMEOUT)?;
        let content_type = match params.content_type {
            api::ContentType::Plain => ContentType::Plain,
            api::ContentType::Markdown => ContentType::Markdown,
            api::ContentType::Unsupported => {
                return Err(Error::invalid("content_type must be plain or markdown"));
            }
        };
        let conversation = self.recipient(&params.conversation).await?;
        let reply_to = match params.reply_to {
            Some(id) => Some(self.message("reply_to", id, Some(conversation), None).await?.id),
            None => None,
        };
        let proposal = Proposal {
            conversation: view::conversation(conversation),
            text: params.text.clone(),
            content_type: params.content_type,
            thread: params.thread.clone(),
            reply_to: reply_to.map(|id| id.to_string()),
            ttl: params.ttl,
        };
        let hops = match self.permit(proposal, params.id.as_deref()).await? {
            Permit::Send { hops } => hops,
            Permit::SentBefore(sent) => return Ok(Handled::Done(sent)),
        };
        let new_message = NewMessage {
            conversation,
            text: params.text,
            content_type,
            thread: params.thread,
            reply_to,
            ttl: params.ttl,
            hops,
            idempotency_key: self.idempotency_key(params.id)?,
            id: None,
        };
        let committing = self.submit(conversation, new_message).await?;
        // What comes to the audit log afterwards comes there before the next request.
        let is_owners = matches!(self.rights()?, Rights::Full);
        let is_audited = self.trace().announced || self.authority.state().agents.is_empty();
        if params.wait == WaitFor::Queued && is_owners && is_audited {
            return Ok(Handled::Committing(committing));
        }
        let sent = committing.await?;
        self.trace().message = Some(sent.id.clone());
        if params.wait == WaitFor::Queued {
            return Ok(Handled::Done(sent));
        }
        Ok(Handled::Pending(Box::pin(follow(
            self.clone(),
            conversation,
            sent,
            params.wait,
            timeout,
        ))))
    }
}

impl Handle<all::Edit> for Call {
    async fn handle(self: &Arc<Self>, params: api::Edit) -> Result<Handled<api::Sent>, Error> {
        let MessageKey { conversation, id, .. } = self.ours(params.id, params.conversation).await?;
        let text = params.text;
        self.sent(conversation, Command::EditMessage { conversation, id, text })
            .await
            .map(Handled::Done)
    }
}

impl Handle<all::Delete> for Call {
    async fn handle(self: &Arc<Self>, params: api::MessageOnly) -> Result<Handled<api::Sent>, Error> {
        let conversation = self.conversation_if_named(params.conversation.as_deref()).await?;
        let key = self.message("id", params.id, conversation, None).await?;
        let MessageKey { conversation, id, .. } = key;
        if key.author == self.us {
            self.check_write(conversation).await?;
            let delete = Command::DeleteMessage { conversation, id };
            return self.sent(conversation, delete).await.map(Handled::Done);
        }
        // On this node alone, and for good: nothing that may be taken from the owner.
        match self.rights()? {
            Rights::Agent(record) if !record.admin => return Err(not_allowed(&record, "to delete what others wrote")),
            _ => {}
        }
        let found = self.reads.read(move |reader| reader.message_by_key(&key)).await?;
        let message = found.ok_or_else(|| gone(&id.to_string()))?;
        let (state, reason) = view::state(message.state.unwrap_or(DeliveryState::Delivered));
        self.erase(conversation, &[key]).await?;
        Ok(Handled::Done(api::Sent {
            id: id.to_string(),
            conversation: view::conversation(conversation),
            state,
            reason,
        }))
    }
}

impl Handle<all::DeleteConversation> for Call {
    async fn handle(self: &Arc<Self>, params: api::ConversationOnly) -> Result<Handled<api::DeletedMessages>, Error> {
        let conversation = self.conversation_named(&params.conversation).await?;
        // What arrives from now on was not there for the user to delete.
        let newest = self
            .reads
            .read(move |reader| reader.history(&conversation, 1, None))
            .await?;
        let mut messages = 0;
        if let Some(newest) = newest.first() {
            let query = HistoryQuery {
                thread: None,
                place: PagePlace::UpTo(newest.order),
            };
            loop {
                let page = self
                    .reads
                    .read(move |reader| reader.history_page(&conversation, ERASED_AT_ONCE, &query))
                    .await?;
                let page = page.map_or_else(Vec::new, |page| page.messages);
                if page.is_empty() {
                    break;
                }
                for part in page.chunk_by(small_together()) {
                    let keys: Vec<MessageKey> = part.iter().map(|message| message.key).collect();
                    self.erase(conversation, &keys).await?;
                    messages += keys.len() as u64;
                }
            }
        }
        Ok(Handled::Done(api::DeletedMessages {
            conversation: view::conversation(conversation),
            messages,
        }))
    }
}

impl Handle<all::Cancel> for Call {
    async fn handle(self: &Arc<Self>, params: api::MessageOnly) -> Result<Handled<api::Sent>, Error> {
        let MessageKey { conversation, id, .. } = self.ours(params.id, params.conversation).await?;
        self.sent(conversation, Command::CancelMessage { conversation, id })
            .await
            .map(Handled::Done)
    }
}

impl Handle<all::Retry> for Call {
    async fn handle(self: &Arc<Self>, params: api::MessageOnly) -> Result<Handled<api::Sent>, Error> {
        let MessageKey { conversation, id, .. } = self.ours(params.id, params.conversation).await?;
        self.sent(conversation, Command::RetryMessage { conversation, id })
            .await
            .map(Handled::Done)
    }
}

impl Handle<all::React> for Call {
    async fn handle(self: &Arc<Self>, params: api::React) -> Result<Handled<api::Message>, Error> {
        let conversation = self.conversation_if_named(params.conversation.as_deref()).await?;
        let key = self.message("id", params.id, conversation, None).await?;
        self.check_write(key.conversation).await?;
        let emoji = params.emoji.filter(|emoji| !emoji.is_empty());
        self.command(Command::React { message: key, emoji }).await?;
        let found = self.reads.read(move |reader| reader.message_by_key(&key)).await?;
        let message = found.ok_or_else(|| gone(&key.id.to_string()))?;
        Ok(Handled::Done(view::message(self.us, message)))
    }
}

impl Handle<all::Read> for Call {
    async fn handle(self: &Arc<Self>, params: api::MarkRead) -> Result<Handled<api::Done>, Error> {
        let conversation = self.readable_conversation(&params.conversation).await?;
        let receipt = self.receipt(conversation, params.receipt)?;
        let mut by_author = BTreeMap::<OnionAddress, Vec<MessageId>>::new();
        let mut unknown = None;
        for id in params.ids {
            match self.message("ids", id, Some(conversation), Some(Direction::In)).await {
                Ok(key) => by_author.entry(key.author).or_default().push(key.id),
                // It has disappeared since the client saw it. That must not keep the others unread.
                Err(error) if error.kind() == Kind::UnknownMessage => unknown = unknown.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = unknown.filter(|_| by_author.is_empty()) {
            return Err(error);
        }
        for (author, ids) in by_author {
            self.command(Command::MarkRead {
                conversation,
                author,
                ids,
                receipt,
            })
            .await?;
        }
        Ok(Handled::Done(api::Done {}))
    }
}

impl Handle<all::Typing> for Call {
    async fn handle(self: &Arc<Self>, params: api::Typing) -> Result<Handled<api::Done>, Error> {
        if !self.config.typing {
            return Err(Error::new(Kind::WrongState, "typing notices are off")
                .hint("set typing = true in config.toml, and start the daemon again"));
        }
        let conversation = self.conversation_named(&params.conversation).await?;
        self.check_presence(conversation)?;
        let peer = peer(conversation)?;
        self.command(Command::SetTyping(peer, params.typing)).await?;
        Ok(Handled::Done(api::Done {}))
    }
}

impl Handle<all::Timer> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetTimer) -> Result<Handled<api::ConversationTimers>, Error> {
        let conversation = self.conversation_named(&params.conversation).await?;
        let (ours, theirs) = if let Some(seconds) = params.seconds {
            self.check_shown(Some(conversation), "set a timer").await?;
            let reply = self.command(Command::SetTimer(conversation, seconds)).await?;
            let Reply::Timers(timers) = reply else {
                return Err(unexpected(&reply));
            };
            let shortest = |ours: bool| {
                let timers = timers.iter().filter(|row| (row.author == self.us) == ours);
                timers.map(|row| row.seconds).min().unwrap_or(0)
            };
            (shortest(true), shortest(false))
        } else {
            let shown = self.contact(peer(conversation)?).await?;
            (shown.timer_ours, shown.timer_theirs)
        };
        Ok(Handled::Done(api::ConversationTimers {
            conversation: view::conversation(conversation),
            seconds: view::tighter(ours, theirs),
            ours,
            theirs,
        }))
    }
}

impl Handle<all::DefaultTimerSet> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetDefaultTimer) -> Result<Handled<api::DefaultTimer>, Error> {
        if params.seconds.is_some() {
            self.check_shown(None, "set the timer of conversations to come").await?;
        }
        match self.command(Command::DefaultTimer(params.seconds)).await? {
            Reply::DefaultTimer(seconds) => Ok(Handled::Done(api::DefaultTimer { seconds })),
            reply => Err(unexpected(&reply)),
        }
    }
}

/// Whether a message is erased together with the one before it.
fn small_together() -> impl FnMut(&MessageView, &MessageView) -> bool {
    let mut bytes = 0;
    move |before, after| {
        bytes += before.text.len();
        let fits = bytes + after.text.len() <= ERASED_BYTES;
        if !fits {
            bytes = 0;
        }
        fits
    }
}

impl Call {
    /// Erases messages of a conversation on this node alone.
    async fn erase(&self, conversation: ConversationId, keys: &[MessageKey]) -> Result<(), Error> {
        let messages = keys.iter().map(|key| (key.author, key.id)).collect();
        let erase = Command::EraseMessages { conversation, messages };
        self.command(erase).await.map(drop)
    }

    /// Hands a message to the node. Once there are agents, one of the owner's is announced in the audit log; an agent's was by its
    /// permit.
    async fn submit(
        &self,
        conversation: ConversationId,
        message: NewMessage,
    ) -> Result<PendingResult<api::Sent>, Error> {
        let is_owners = matches!(self.rights()?, Rights::Full);
        if is_owners && !self.authority.state().agents.is_empty() {
            let reply = self.submit_announced(message).await?;
            return Ok(Box::pin(async move { said(conversation, &reply.await?) }));
        }
        let reply = self
            .node
            .submit(Command::Send(message))
            .await
            .map_err(|stopped| api_error::stopped_in(&self.profile, stopped))?;
        let profile = self.profile.clone();
        Ok(Box::pin(async move {
            let reply = reply
                .await
                .map_err(|stopped| api_error::stopped_in(&profile, stopped))?;
            said(conversation, &reply.map_err(|refusal| api_error::refusal(&refusal))?)
        }))
    }

    async fn sent(&self, conversation: ConversationId, command: Command) -> Result<api::Sent, Error> {
        let sent = said(conversation, &self.command(command).await?)?;
        self.trace().message = Some(sent.id.clone());
        Ok(sent)
    }

    /// A message that this node wrote, and that the client may change.
    async fn ours(&self, id: String, conversation: Option<String>) -> Result<MessageKey, Error> {
        let conversation = self.conversation_if_named(conversation.as_deref()).await?;
        let key = self.message("id", id, conversation, Some(Direction::Out)).await?;
        self.check_write(key.conversation).await?;
        Ok(key)
    }

    /// The message with that id, or whose id begins so; of an author, if the id is `FROM/ID`. `what` is the parameter's name.
    pub(super) async fn message(
        &self,
        what: &str,
        id: String,
        conversation: Option<ConversationId>,
        direction: Option<Direction>,
    ) -> Result<MessageKey, Error> {
        let (author, id) = match id.split_once('/') {
            Some((author, id)) => (Some(author), id),
            None => (None, id.as_str()),
        };
        let author = author.map(str::parse::<OnionAddress>).transpose().map_err(|error| {
            Error::invalid(format!(
                "{what}: before the slash is an author's onion address: {error}"
            ))
        })?;
        let us = self.us;
        let is_meant = |key: &MessageKey| {
            author.is_none_or(|author| key.author == author)
                && direction.is_none_or(|direction| direction == key.direction(&us))
        };
        self.message_among(what, id, conversation, is_meant).await
    }

    async fn message_among(
        &self,
        what: &str,
        id: &str,
        conversation: Option<ConversationId>,
        is_meant: impl Fn(&MessageKey) -> bool,
    ) -> Result<MessageKey, Error> {
        if !(6..=32).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message =
                format!("{what}: a message id is 32 hexadecimal digits; 6 or more of its first digits are enough");
            return Err(Error::invalid(message));
        }
        let rights = self.rights()?;
        let asked = id.to_ascii_lowercase();
        let mut found: Vec<MessageKey> = self
            .reads
            .read(move |reader| reader.message(&asked))
            .await?
            .into_iter()
            .map(|message| message.key)
            .filter(|key| rights.reads(&view::conversation(key.conversation)))
            .filter(|key| conversation.is_none_or(|conversation| conversation == key.conversation))
            .filter(is_meant)
            .collect();
        // A peer may reuse the id of a message of this node; that must not hide it.
        if found.iter().any(|key| key.author == self.us) && all_same(&found) {
            found.retain(|key| key.author == self.us);
        }
        match found.as_slice() {
            [] => Err(gone(id)),
            [one] => Ok(*one),
            several => {
                let names = several
                    .iter()
                    .map(|key| format!("{} in {}", key.id, view::conversation(key.conversation)))
                    .collect();
                Err(
                    Error::invalid(format!("{what}: {id} may be any of {} messages", several.len()))
                        .hint("give more digits of the id, or the conversation")
                        .candidates(names),
                )
            }
        }
    }
}

/// The contact of a direct conversation; an error in others.
fn peer(conversation: ConversationId) -> Result<OnionAddress, Error> {
    match conversation {
        ConversationId::Direct(peer) => Ok(peer),
        ConversationId::Group(_) | ConversationId::Channel(_) => {
            let message = format!("{} is no direct conversation", view::conversation(conversation));
            Err(Error::new(Kind::UnknownConversation, message))
        }
    }
}

/// The reply about a message.
fn said(conversation: ConversationId, reply: &Reply) -> Result<api::Sent, Error> {
    let Reply::Message { id, state } = reply else {
        return Err(unexpected(reply));
    };
    let (state, reason) = view::state(*state);
    Ok(api::Sent {
        id: id.to_string(),
        conversation: view::conversation(conversation),
        state,
        reason,
    })
}

fn all_same(keys: &[MessageKey]) -> bool {
    let mut ids = keys.iter().map(|key| key.id);
    let first: Option<MessageId> = ids.next();
    ids.all(|id| Some(id) == first)
}

fn gone(id: &str) -> Error {
    Error::new(Kind::UnknownMessage, format!("there is no such message: {id}"))
}
