//! Peers as signal-cli names them: by UUID. It is made of the onion address alone (version 5 of RFC 9562), so it is the same on
//! every node and after every restart.

use sotto_api::{Contact, Error, Kind, List, all};
use sotto_client::Client;
use uuid::Uuid;

/// The UUID of an onion address.
pub(super) fn uuid(onion: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, onion.as_bytes()).to_string()
}

/// What a contact is called: by the user's own name for it. A name that a peer claims could be another's.
pub(super) fn name(petname: Option<&str>, onion: &str) -> String {
    petname.map_or_else(|| onion.chars().take(8).collect(), str::to_owned)
}

/// The contacts that the endpoint may see.
pub(super) async fn contacts(client: &mut Client) -> Result<Vec<Contact>, Error> {
    Ok(client.call::<all::List>(&List { all: false }).await?.friends)
}

/// The conversation that a recipient names: a UUID, or what every other surface takes. Programs also write `uuid:` before one.
pub(super) async fn conversation(client: &mut Client, recipient: &str) -> Result<String, Error> {
    let uuid_text = recipient.strip_prefix("uuid:").unwrap_or(recipient);
    if Uuid::try_parse(uuid_text).is_err() {
        return Ok(recipient.to_owned());
    }
    let contacts = contacts(client).await?;
    let found = contacts
        .into_iter()
        .find(|contact| uuid(&contact.who.contact).eq_ignore_ascii_case(uuid_text));
    found.map(|contact| contact.who.contact).ok_or_else(|| {
        Error::new(Kind::UnknownContact, format!("no contact has the UUID {recipient}"))
            .hint("listContacts shows the UUIDs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_belongs_to_an_address_for_good() {
        let onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
        assert_eq!(uuid(onion), uuid(onion));
        assert_eq!(uuid(onion), "7c7073cf-6591-52fd-96dd-36fee81c4541");
    }
}
