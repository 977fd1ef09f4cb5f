//! `sotto daemon stop`: asks over the socket. If that does not help, it signals the process that holds the lock, and never
//! a process only because its number stands in the file. An agent's token gives no right to a signal: with one, the daemon has
//! to agree.
//!
//! It is about one process. A supervisor may start the next daemon at once, which takes the lock in turn.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sotto_api::{self as api, Error, Kind, all};
use sotto_client::Lock;
use sotto_client::blocking::Client;

use crate::context::Context;
use crate::stop::Outcome;

/// How long the daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the daemon may take to end after the request, and after each signal.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// Ends the daemon of the profile and returns when it no longer holds the lock.
pub fn stop(context: &Context) -> Outcome {
    let profile = context.profile()?;
    let lock = profile.lock_file();
    let (asked, answer) = ask(context, &profile.socket());
    if let Err(error) = &answer
        && context.global.token_file.is_some()
    {
        return Err(error.clone().into());
    }
    let Some(process) = asked.map_or_else(|| named_holder(&lock), |process| Ok(Some(process)))? else {
        // The daemon may have ended already.
        return match answer {
            Ok(()) => done(context, &lock),
            Err(error) => Err(error.into()),
        };
    };
    if answer.is_ok() && ended(&lock, process)? {
        return done(context, &lock);
    }
    for signal in [Signal::TERM, Signal::KILL] {
        // Only the lock proves that the number is still that of the daemon.
        if ended_by_now(&lock, process)? {
            return done(context, &lock);
        }
        send(process, signal)?;
        // A stopped process takes the signal once it goes on.
        send(process, Signal::CONT)?;
        if ended(&lock, process)? {
            if signal == Signal::KILL {
                context
                    .output
                    .remark(&format!("process {process} did not end by itself and was killed"));
            }
            return done(context, &lock);
        }
    }
    Err(Error::new(
        Kind::InUse,
        format!("process {process} holds {} and cannot be ended", lock.display()),
    )
    .hint("the system does not let it end: what it waits for (a disk, a file system) has failed")
    .into())
}

/// Asks the daemon to stop: the process that was asked, and whether it agreed.
fn ask(context: &Context, socket: &Path) -> (Option<u32>, Result<(), Error>) {
    match Client::connect(socket) {
        Ok(mut client) => {
            let answer = context
                .identify(&mut client)
                .and_then(|()| client.call_within::<all::DaemonStop>(&api::Nothing {}, ANSWER));
            (client.process(), answer.map(drop))
        }
        Err(error) => (None, Err(error)),
    }
}

fn done(context: &Context, lock: &Path) -> Outcome {
    context.output.remark("the daemon has stopped");
    let next = Lock::holder(lock)?;
    if next.is_some() {
        context
            .output
            .remark("another one has started: a supervisor restarts it");
    }
    Ok(context
        .output
        .emit(&json!({ "running": next.is_some() }), |_| String::new())?)
}

/// The process that holds the lock, once it has said its number.
fn named_holder(lock: &Path) -> Result<Option<u32>, Error> {
    let deadline = Instant::now() + ANSWER;
    while Instant::now() < deadline {
        match Lock::holder(lock)? {
            Some(0) => std::thread::sleep(PAUSE),
            holder => return Ok(holder),
        }
    }
    Err(Error::new(Kind::InUse, "the daemon is still starting").hint("try again in a few seconds"))
}

fn ended(lock: &Path, process: u32) -> Result<bool, Error> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if ended_by_now(lock, process)? {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}

/// Whether the lock is free, or another process holds it. One without a number may be this one, at its end.
fn ended_by_now(lock: &Path, process: u32) -> Result<bool, Error> {
    Ok(Lock::holder(lock)?.is_none_or(|holder| holder != process && holder != 0))
}

fn send(holder: u32, signal: Signal) -> Result<(), Error> {
    let process = i32::try_from(holder).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| Error::internal(format!("{holder} is not the number of a process")))?;
    match kill_process(process, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(Error::io(format!("process {holder}"), &error.into())),
    }
}
