//! `sotto daemon status`, and the report of a daemon that runs.

use serde_json::json;
use sotto_api::{self as api, Error, Kind, all};
use sotto_client::blocking::Client;
use sotto_client::{Lock, Profile};

use super::launch::log_file;
use crate::context::Context;
use crate::presence;
use crate::stop::{Outcome, Stop};

/// Prints the status of the daemon. Without one, says so and ends with the exit code for it.
pub fn status(context: &Context) -> Outcome {
    let profile = context.profile()?;
    let client = Client::connect(&profile.socket());
    let answer = client.and_then(|mut client| {
        context.identify(&mut client)?;
        client.call::<all::NodeStatus>(&api::Nothing {})
    });
    let status = match answer {
        Ok(status) => status,
        Err(error) if error.kind() == Kind::NoDaemon => return none(context, &profile),
        Err(error) => return Err(error.into()),
    };
    running(context, &status)
}

/// Prints the status of a daemon that runs.
pub fn running(context: &Context, status: &api::Status) -> Outcome {
    let mut object = serde_json::to_value(status).map_err(|error| Error::internal(error.to_string()))?;
    object["running"] = true.into();
    Ok(context.output.emit(&object, |_| {
        let mut table = presence::status_table(status);
        table
            .pair("socket", status.socket.as_str())
            .pair("lock", status.lock_file.as_str())
            .pair("log", status.log_file.as_deref().unwrap_or("standard error"));
        table.render()
    })?)
}

/// No daemon answers. A process may hold the lock all the same: a daemon that is starting, stopping or stuck.
fn none(context: &Context, profile: &Profile) -> Outcome {
    let holder = Lock::holder(&profile.lock_file())?;
    let object = json!({
        "running": false,
        "lock_holder": holder,
        "data_dir": profile.folder(),
        "socket": profile.socket(),
        "lock_file": profile.lock_file(),
        "log_file": log_file(context, profile, None)?,
    });
    context.output.emit(&object, |_| match holder {
        Some(process) => format!("process {process} holds the profile, but does not answer\n"),
        None => "no daemon is running\n".to_owned(),
    })?;
    Err(Stop::Exit(Kind::NoDaemon.exit_code()))
}
