//! [`SignalCli::envelope`]: an event of the log as signal-cli's envelope. Events that have no equal there give none.

use serde_json::{Value, json};
use sotto_api::{Body, Direction, Error, Event, Message, MessageState};
use sotto_client::Client;

use super::timestamps::MessageName;
use super::{SignalCli, peer};

/// The peer's onion address, the user's name for it, and the content of the envelope.
type Content = (String, Option<String>, Value);

impl SignalCli {
    /// The envelope of an event, as `{"envelope": …, "account": …}`. What it names by a timestamp has a durable one.
    pub(super) async fn envelope(
        &self,
        client: &mut Client,
        event: &Event,
        account: &str,
    ) -> Result<Option<Value>, Error> {
        let at = event.at.millis();
        let Some((onion, petname, content)) = self.content(client, &event.body, at).await? else {
            return Ok(None);
        };
        let timestamp = content.get("timestamp").cloned().unwrap_or_else(|| json!(at));
        let uuid = peer::uuid(&onion);
        let mut envelope = json!({
            "source": uuid,
            "sourceNumber": null,
            "sourceUuid": uuid,
            "sourceName": peer::name(petname.as_deref(), &onion),
            "sourceDevice": 1,
            "timestamp": timestamp,
            "serverReceivedTimestamp": at,
            "serverDeliveredTimestamp": at,
        });
        let (kind, content) = match &event.body {
            Body::MessageEdited { .. } => ("editMessage", content),
            Body::MessageState { .. } => ("receiptMessage", content),
            _ => ("dataMessage", content),
        };
        envelope[kind] = content;
        Ok(Some(json!({ "envelope": envelope, "account": account })))
    }

    /// The peer that an event comes from, its petname, and what the envelope holds of it.
    async fn content(&self, client: &mut Client, body: &Body, at: u64) -> Result<Option<Content>, Error> {
        match body {
            Body::MessageReceived {
                author,
                message: Some(message),
                ..
            } => {
                let time = self.timestamp(client, message).await?;
                let content = self.data_message(message, time).await;
                Ok(Some((author.clone(), message.petname.clone(), content)))
            }
            Body::MessageEdited {
                author,
                message: Some(message),
                ..
            } if message.direction == Direction::In => {
                let content = json!({
                    "targetSentTimestamp": self.timestamp(client, message).await?,
                    "timestamp": at,
                    "dataMessage": self.data_message(message, at).await,
                });
                Ok(Some((author.clone(), message.petname.clone(), content)))
            }
            Body::MessageReacted {
                by,
                direction: Direction::In,
                message: Some(message),
                ..
            } => {
                let target = self.timestamp(client, message).await?;
                // In a direct conversation the only other one who reacts is the contact.
                Ok(Some((
                    by.clone(),
                    message.petname.clone(),
                    reaction(message, by, target, at),
                )))
            }
            Body::MessageDeleted {
                id,
                conversation,
                author,
                direction: Direction::In,
            } => Ok(self.known(conversation, author, id).await.map(|target| {
                let content = json!({ "timestamp": at, "message": null, "remoteDelete": { "timestamp": target } });
                (author.clone(), None, content)
            })),
            Body::MessageState {
                id,
                conversation,
                author,
                direction: Direction::Out,
                state: state @ (MessageState::Delivered | MessageState::Read),
                ..
            } => {
                let target = self.known(conversation, author, id).await;
                Ok(target.map(|target| (conversation.clone(), None, receipt(*state, target, at))))
            }
            _ => Ok(None),
        }
    }

    /// A message as signal-cli's `dataMessage`.
    async fn data_message(&self, message: &Message, time: u64) -> Value {
        let mut content = json!({
            "timestamp": time,
            "message": message.text,
            "expiresInSeconds": message.ttl,
            "viewOnce": false,
        });
        // The author of the quoted message is this node or the contact; its timestamp is known if the endpoint has shown it. This
        // node comes first: the contact can choose an id that is there.
        if let Some(quoted) = &message.reply_to {
            for author in [&self.account, &message.from] {
                if let Some(target) = self.known(&message.conversation, author, quoted).await {
                    let author = peer::uuid(author);
                    content["quote"] = json!({ "id": target, "author": author, "authorUuid": author, "text": null });
                    break;
                }
            }
        }
        content
    }

    /// The timestamp of a message, which gets one if it has none.
    async fn timestamp(&self, client: &mut Client, message: &Message) -> Result<u64, Error> {
        let name = name(&message.conversation, &message.from, &message.id);
        let millis = message.received_at.unwrap_or(message.sent_at).millis();
        self.timestamps.lock().await.assign(client, name, millis).await
    }

    /// The timestamp of a message that has one.
    async fn known(&self, conversation: &str, author: &str, id: &str) -> Option<u64> {
        self.timestamps.lock().await.of(&name(conversation, author, id))
    }
}

/// The reaction that a peer has set or removed, as signal-cli's `dataMessage`.
fn reaction(message: &Message, by: &str, target: u64, at: u64) -> Value {
    let reaction = message.reactions.iter().find(|reaction| reaction.by == by);
    let author = peer::uuid(&message.from);
    json!({
        "timestamp": at,
        "message": null,
        "reaction": {
            "emoji": reaction.map_or("", |reaction| &reaction.emoji),
            "targetAuthor": author,
            "targetAuthorUuid": author,
            "targetSentTimestamp": target,
            "isRemove": reaction.is_none(),
        },
    })
}

/// That a message of this node was delivered or read, as signal-cli's `receiptMessage`.
fn receipt(state: MessageState, target: u64, at: u64) -> Value {
    let read = state == MessageState::Read;
    json!({
        "when": at,
        "isDelivery": !read,
        "isRead": read,
        "isViewed": false,
        "timestamps": [target],
    })
}

fn name(conversation: &str, author: &str, id: &str) -> MessageName {
    MessageName {
        conversation: conversation.to_owned(),
        author: author.to_owned(),
        id: id.to_owned(),
    }
}
