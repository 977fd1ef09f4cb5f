//! Agents of a person, as the owner makes them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use sotto_api::{AddAgent, Decide, Secret, SetPassphrase, Unlock, all};
use sotto_client::blocking::Client;

use super::world::Person;

const PASSPHRASE: &str = "the owner's own";

/// A connection with the owner's rights.
pub fn owner(person: &Person) -> Client {
    let mut client = person.client();
    let passphrase = Secret::from(PASSPHRASE);
    if client
        .call::<all::SessionUnlock>(&Unlock {
            passphrase: passphrase.clone(),
        })
        .is_err()
    {
        // The first agent of this person.
        client
            .call::<all::OwnerPassphrase>(&SetPassphrase { passphrase })
            .expect("set");
    }
    client
}

/// A new agent, and the file of its token.
pub fn agent(person: &Person, name: &str, allow: &[&str], ask_in_client: bool) -> PathBuf {
    let params = AddAgent {
        name: name.to_owned(),
        allow: allow.iter().map(|one| (*one).to_owned()).collect(),
        rate: Some(String::from("1000/h")),
        hours: None,
        ask_in_client,
    };
    let added = owner(person).call::<all::AgentsAdd>(&params).expect("added");
    let file = person.folder.join(format!("{name}.token"));
    fs::write(&file, &added.token.0).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("private");
    file
}

/// `sotto approvals allow`, by the owner.
pub fn allow(person: &Person, id: &str) {
    let decide = Decide {
        id: id.to_owned(),
        digest: None,
    };
    owner(person).call::<all::ApprovalsAllow>(&decide).expect("allowed");
}

/// `sotto approvals deny`
pub fn deny(person: &Person, id: &str) {
    let decide = Decide {
        id: id.to_owned(),
        digest: None,
    };
    person.call::<all::ApprovalsDeny>(&decide);
}
