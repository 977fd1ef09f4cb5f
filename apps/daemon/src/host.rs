//! [`Host`]: a daemon inside this process, on a thread of its own, for a surface that has found none running.
//!
//! It is the daemon of [`run`](super::run), behind the same socket and lock. What belongs to the process around it stays as it
//! is: its signals, its folder, its standard error.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use sotto_api::Error;
use sotto_client::Profile;
use tokio::sync::watch;

use super::harden::harden;
use super::log::{self, Log, LogHandle};
use super::{Daemon, Options, configured};

/// The log of this process, of which there is one however often a daemon is started.
static LOG: Mutex<Option<LogHandle>> = Mutex::new(None);

/// A daemon inside this process. Dropping it stops it and waits for its end.
#[derive(Debug)]
pub struct Host {
    stop: watch::Sender<bool>,
    /// None once it was waited for.
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Host {
    /// Starts it; when this returns, clients can connect. Its log goes to the configured file, or else to the profile's. From
    /// here on, this process makes no core dumps, closes its memory to others, and makes files for the owner alone.
    pub fn start(profile: &Profile, options: Options) -> Result<Self, Error> {
        profile.require()?;
        harden()?;
        let config = configured(profile, &options)?;
        let log_file = config.log_file.unwrap_or_else(|| profile.log_file());
        start_log(&Log::File(log_file), &config.log_level)?;
        let profile = profile.clone();
        let (started, has_started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(String::from("sotto-daemon"))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| Error::io("no runtime", &error))?;
                runtime.block_on(async {
                    let daemon = Daemon::start(&profile, options).await?;
                    // Its receiver waits until this thread has said something, or has ended.
                    let _ = started.send(daemon.service.stop.clone());
                    daemon.finished().await
                })
            })
            .map_err(|error| Error::io("no thread for the daemon", &error))?;
        match has_started.recv() {
            Ok(stop) => Ok(Self {
                stop,
                thread: Some(thread),
            }),
            Err(_) => Err(end(thread)
                .err()
                .unwrap_or_else(|| Error::internal("the daemon did not start"))),
        }
    }

    /// Whether it has ended by itself: a client has stopped it, or a part of it has failed. [`stop`](Self::stop) says why.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops it and waits for its end. An error is what had ended it before, or what went wrong meanwhile.
    pub fn stop(mut self) -> Result<(), Error> {
        self.wait()
    }

    fn wait(&mut self) -> Result<(), Error> {
        self.stop.send_modify(|stop| *stop = true);
        let ended = self.thread.take().map_or(Ok(()), end);
        if let Some(log) = &*LOG.lock().unwrap_or_else(PoisonError::into_inner) {
            log.flush();
        }
        ended
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Nothing is left that an error could be reported to.
        let _ = self.wait();
    }
}

/// How the daemon's thread has ended.
fn end(thread: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    let crashed = || Error::internal("the daemon has crashed");
    thread.join().unwrap_or_else(|_| Err(crashed()))
}

fn start_log(log: &Log, level: &str) -> Result<(), Error> {
    let mut started = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if started.is_none() {
        *started = Some(log::start(log, level)?);
    }
    Ok(())
}
