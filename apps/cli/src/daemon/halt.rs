//! `sotto daemon stop`: asks over the socket. If that does not help, it signals the process that holds the lock, and never
//! a process only because its number stands in the file.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sotto_api::{self as api, Error, Kind, all};
use sotto_client::blocking::Client;
use sotto_client::{Lock, Profile};

use crate::context::Context;
use crate::stop::Outcome;

/// How long the request and each signal may take.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// Ends the daemon of the profile and returns when its lock is free.
pub fn stop(context: &Context) -> Outcome {
    let profile = context.profile()?;
    let asked =
        Client::connect(&profile.socket()).and_then(|mut client| client.call::<all::DaemonStop>(&api::Nothing {}));
    let Some(holder) = Lock::holder(&profile.lock_file())? else {
        // The daemon may have ended already.
        return match asked {
            Ok(_) => done(context),
            Err(error) => Err(error.into()),
        };
    };
    if asked.is_ok() && ended(&profile)? {
        return done(context);
    }
    for signal in [Signal::TERM, Signal::KILL] {
        send(holder, signal)?;
        if ended(&profile)? {
            return done(context);
        }
    }
    Err(Error::internal(format!(
        "process {holder} holds {} and cannot be ended",
        profile.lock_file().display()
    ))
    .into())
}

fn done(context: &Context) -> Outcome {
    context.output.remark("the daemon has stopped");
    Ok(context.output.emit(&json!({ "running": false }), |_| String::new())?)
}

fn ended(profile: &Profile) -> Result<bool, Error> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if Lock::holder(&profile.lock_file())?.is_none() {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}

fn send(holder: u32, signal: Signal) -> Result<(), Error> {
    let process = i32::try_from(holder).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| Error::new(Kind::InUse, "the daemon is still starting; try again"))?;
    match kill_process(process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(Error::io(format!("process {holder}"), &error.into())),
    }
}
