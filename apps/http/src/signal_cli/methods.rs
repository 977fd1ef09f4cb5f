//! signal-cli's methods: what each asks of the daemon. The parameters are read by name as signal-cli's documentation gives
//! them (`signal-cli-jsonrpc(5)`), in either spelling (`quoteTimestamp`, `quote-timestamp`); others are ignored, as it ignores
//! them.

use serde_json::{Map, Value, json};
use sotto_api::rpc::Request;
use sotto_api::{Edit, Error, Kind, MarkRead, React, Send, Time, Typing, all};
use sotto_client::Client;

use super::timestamps::MessageName;
use super::{SignalCli, peer};

/// The parameters of a request.
struct Params<'a>(&'a Map<String, Value>);

impl Params<'_> {
    /// The value of a parameter that is there.
    fn value(&self, name: &str) -> Option<&Value> {
        let dashed = || {
            let mut dashed = String::new();
            for letter in name.chars() {
                if letter.is_ascii_uppercase() {
                    dashed.push('-');
                }
                dashed.push(letter.to_ascii_lowercase());
            }
            dashed
        };
        let value = self.0.get(name).or_else(|| self.0.get(&dashed()));
        value.filter(|value| !value.is_null())
    }

    /// A text, or an error that names the parameter.
    fn text(&self, name: &str) -> Result<&str, Error> {
        self.value(name)
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(&format!("{name} must be a text")))
    }

    fn flag(&self, name: &str) -> bool {
        self.value(name) == Some(&Value::Bool(true))
    }

    /// A number, if it is there.
    fn number(&self, name: &str) -> Result<Option<u64>, Error> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| invalid(&format!("{name} must be a timestamp"))),
        }
    }

    /// A list, or one item in its place; of its name or of that in the plural (`recipients`), as signal-cli takes it.
    fn list(&self, name: &str) -> Vec<&Value> {
        match self.value(name).or_else(|| self.value(&format!("{name}s"))) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        }
    }

    /// The one recipient.
    fn recipient(&self) -> Result<&str, Error> {
        if !self.list("groupId").is_empty() {
            return Err(Error::new(Kind::UnknownConversation, "this node is in no such group"));
        }
        match self.list("recipient").as_slice() {
            [one] => one.as_str().ok_or_else(|| invalid("recipient must be a text")),
            [] => Err(invalid("recipient is missing")),
            several => Err(invalid(&format!("one recipient a request, not {}", several.len()))),
        }
    }
}

impl SignalCli {
    /// Carries out a request.
    pub(super) async fn handle(&self, request: &Request) -> Result<Value, Error> {
        let params = Params(&request.params);
        if request.method == "version" {
            return Ok(json!({ "version": env!("CARGO_PKG_VERSION") }));
        }
        let mut client = self.session().await?;
        match request.method.as_str() {
            "send" => self.send(&mut client, params).await,
            "sendTyping" => {
                let conversation = peer::conversation(&mut client, params.recipient()?).await?;
                let typing = !params.flag("stop");
                client.call::<all::Typing>(&Typing { conversation, typing }).await?;
                Ok(json!({}))
            }
            "sendReceipt" => self.send_receipt(&mut client, params).await,
            "sendReaction" => self.send_reaction(&mut client, params).await,
            "listContacts" => list_contacts(&mut client, params).await,
            "listGroups" => Ok(json!([])),
            "getAttachment" => Err(invalid("there is no such attachment")),
            method => Err(
                Error::new(Kind::MethodNotFound, format!("there is no method {method:?} here")).hint(
                    "version, send, sendTyping, sendReceipt, sendReaction, listContacts, listGroups, getAttachment",
                ),
            ),
        }
    }

    async fn send(&self, client: &mut Client, params: Params<'_>) -> Result<Value, Error> {
        if !params.list("attachment").is_empty() {
            return Err(invalid("attachments cannot be sent yet"));
        }
        let text = params.text("message")?.to_owned();
        let conversation = peer::conversation(client, params.recipient()?).await?;
        let sent = if let Some(time) = params.number("editTimestamp")? {
            let MessageName { conversation, id, .. } = self.named(time).await?;
            let conversation = Some(conversation);
            client.call::<all::Edit>(&Edit { id, conversation, text }).await?
        } else {
            let reply_to = match params.number("quoteTimestamp")? {
                Some(time) => Some(self.named(time).await?.id),
                None => None,
            };
            let send = Send {
                conversation,
                text,
                reply_to,
                ..Send::default()
            };
            client.call::<all::Send>(&send).await?
        };
        let name = MessageName {
            conversation: sent.conversation,
            author: self.account.clone(),
            id: sent.id,
        };
        let mut timestamps = self.timestamps.lock().await;
        let timestamp = timestamps.assign(client, name, Time::now().millis()).await?;
        Ok(json!({ "timestamp": timestamp }))
    }

    async fn send_receipt(&self, client: &mut Client, params: Params<'_>) -> Result<Value, Error> {
        let conversation = peer::conversation(client, params.recipient()?).await?;
        let mut ids = Vec::new();
        for time in params.list("targetTimestamp") {
            let time = time
                .as_u64()
                .ok_or_else(|| invalid("targetTimestamp must be a timestamp"))?;
            ids.push(self.named(time).await?.id);
        }
        let read = MarkRead {
            conversation,
            ids,
            receipt: Some(true),
        };
        client.call::<all::Read>(&read).await?;
        Ok(json!({ "timestamp": Time::now().millis() }))
    }

    async fn send_reaction(&self, client: &mut Client, params: Params<'_>) -> Result<Value, Error> {
        let time = params
            .number("targetTimestamp")?
            .ok_or_else(|| invalid("targetTimestamp is missing"))?;
        let MessageName { conversation, id, .. } = self.named(time).await?;
        let emoji = if params.flag("remove") {
            None
        } else {
            Some(params.text("emoji")?.to_owned())
        };
        let react = React {
            id,
            conversation: Some(conversation),
            emoji,
        };
        client.call::<all::React>(&react).await?;
        Ok(json!({ "timestamp": Time::now().millis() }))
    }

    /// The message with that timestamp.
    async fn named(&self, time: u64) -> Result<MessageName, Error> {
        let timestamps = self.timestamps.lock().await;
        timestamps.message(time).cloned().ok_or_else(|| {
            Error::new(
                Kind::UnknownMessage,
                format!("there is no message with the timestamp {time}"),
            )
        })
    }
}

async fn list_contacts(client: &mut Client, params: Params<'_>) -> Result<Value, Error> {
    let mut wanted = Vec::new();
    for recipient in params.list("recipient") {
        let recipient = recipient.as_str().ok_or_else(|| invalid("recipient must be a text"))?;
        wanted.push(peer::conversation(client, recipient).await?);
    }
    let contacts = peer::contacts(client).await?.into_iter();
    let named = |onion: &str, petname: Option<&str>| {
        wanted.is_empty()
            || wanted
                .iter()
                .any(|wanted| wanted == onion || Some(wanted.as_str()) == petname)
    };
    let contacts = contacts.filter(|contact| named(&contact.who.contact, contact.who.petname.as_deref()));
    Ok(contacts
        .map(|contact| {
            json!({
                "number": null,
                "uuid": peer::uuid(&contact.who.contact),
                "username": contact.who.contact,
                "name": peer::name(contact.who.petname.as_deref(), &contact.who.contact),
                "isBlocked": contact.blocked,
                "messageExpirationTime": contact.timer,
                "profile": { "givenName": null, "familyName": null },
            })
        })
        .collect())
}

fn invalid(why: &str) -> Error {
    Error::invalid(why.to_owned())
}
