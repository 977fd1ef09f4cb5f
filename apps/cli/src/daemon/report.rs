//! What is said of a daemon, or of there being none.

use serde_json::json;
use sotto_api::{self as api, Error, Kind, all};
use sotto_client::Lock;
use sotto_client::blocking::Client;

use crate::context::Context;
use crate::presence;
use crate::stop::{Outcome, Stop};

/// Says how the daemon is doing, or that there is none; the latter with the exit code for it.
pub fn status(context: &Context) -> Outcome {
    let profile = context.profile()?;
    let client = Client::connect(&profile.socket());
    let answer = client.and_then(|mut client| client.call::<all::NodeStatus>(&api::Nothing {}));
    let status = match answer {
        Ok(status) => status,
        Err(error) if error.kind() == Kind::NoDaemon => return none(context, Lock::holder(&profile.lock_file())?),
        Err(error) => return Err(error.into()),
    };
    running(context, &status)
}

/// What is said of a daemon that runs.
pub fn running(context: &Context, status: &api::Status) -> Outcome {
    let mut object = serde_json::to_value(status).map_err(|error| Error::internal(error.to_string()))?;
    object["running"] = true.into();
    Ok(context.output.either(&object, |_| presence::text(status))?)
}

/// Nobody answers. Somebody may hold the lock all the same: a daemon that is coming up, going down, or stuck.
fn none(context: &Context, holder: Option<u32>) -> Outcome {
    let object = json!({ "running": false, "lock_holder": holder });
    context.output.either(&object, |_| match holder {
        Some(process) => format!("process {process} holds the profile, but does not answer\n"),
        None => "no daemon runs\n".to_owned(),
    })?;
    Err(Stop::Exit(Kind::NoDaemon.exit_code()))
}
