//! [`DaemonHost`]: what the terminal interface asks of the program, answered by the daemon's crate.

use std::env;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sotto_api::{Error, Identity, Time};
use sotto_cli::{Background, Context, Global, Outcome, Stop};
use sotto_client::Profile;
use sotto_daemon::{Config, Host, KeySource, Options};
use sotto_tui::{End, KeyNeed, NewKey};
use zeroize::Zeroizing;

use super::demo::Stage;

/// Runs the interface of the profile that the options name.
pub fn run(context: &Context, screen_reader: bool) -> Outcome {
    // It asks for passphrases, also of a daemon that runs elsewhere.
    sotto_daemon::close_memory()?;
    let profile = context.profile()?;
    let options = sotto_tui::Options {
        config: Config::load(&profile.config_file())?.tui,
        screen_reader,
        key_file: profile.folder().with_extension("key"),
        ends_together: false,
    };
    let host = DaemonHost::new(profile.clone(), context.global.clone())?;
    ended(sotto_tui::run(&profile, Arc::new(host), options)?)
}

/// Runs the interface on the stage of the demo. The user's own profile is left alone.
pub fn demo(context: &Context, screen_reader: bool) -> Outcome {
    context.output.remark("preparing the demo");
    let stage = Stage::prepare(Time::now())?;
    stage.play_bob()?;
    let profile = stage.profile().clone();
    let options = sotto_tui::Options {
        screen_reader,
        key_file: profile.folder().join("key"),
        ends_together: true,
        ..sotto_tui::Options::default()
    };
    let host = StageHost(DaemonHost::new(profile.clone(), Global::default())?);
    // The stage goes after the interface, however that ends.
    ended(sotto_tui::run(&profile, Arc::new(host), options)?)
}

fn ended(end: End) -> Outcome {
    match end {
        End::Quit => Ok(()),
        End::Signal(signal) => Err(Stop::Exit(128 + signal)),
    }
}

/// The program around the demo's interface. No daemon goes on after it, since the stage does not.
#[derive(Debug)]
struct StageHost(DaemonHost);

impl sotto_tui::Host for StageHost {
    fn exists(&self) -> bool {
        self.0.exists()
    }

    fn key_need(&self) -> Result<KeyNeed, Error> {
        self.0.key_need()
    }

    fn init(&self, name: &str, new: NewKey) -> Result<Identity, Error> {
        self.0.init(name, new)
    }

    fn start(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), Error> {
        self.0.start(passphrase)
    }

    fn hosting(&self) -> bool {
        self.0.hosting()
    }

    fn stop(&self) -> Result<(), Error> {
        self.0.stop()
    }

    fn detach(&self) -> Result<(), Error> {
        self.0.stop()
    }
}

/// This program, around its interface to one profile.
#[derive(Debug)]
pub struct DaemonHost {
    profile: Profile,
    global: Global,
    /// What is run to detach. Taken at the start: an update may move the program away meanwhile.
    program: PathBuf,
    hosted: Mutex<Option<Hosted>>,
}

/// The daemon in this process.
#[derive(Debug)]
struct Hosted {
    host: Host,
    key: KeySource,
}

impl DaemonHost {
    /// For that profile, and the network that the options name.
    pub fn new(profile: Profile, global: Global) -> Result<Self, Error> {
        let program = env::current_exe().map_err(|error| Error::io("this program", &error))?;
        Ok(Self::of_program(profile, global, program))
    }

    /// The same, where the program is another than that of this process.
    pub const fn of_program(profile: Profile, global: Global, program: PathBuf) -> Self {
        Self {
            profile,
            global,
            program,
            hosted: Mutex::new(None),
        }
    }

    fn hosted(&self) -> MutexGuard<'_, Option<Hosted>> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.hosted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn init_with(&self, name: &str, key: &KeySource) -> Result<Identity, Error> {
        sotto_daemon::init(&self.profile, name, self.global.network.as_deref(), key)
    }

    fn log_file(&self) -> Result<PathBuf, Error> {
        if let Some(given) = env::var_os("SOTTO_LOG_FILE") {
            return Ok(given.into());
        }
        let configured = Config::load(&self.profile.config_file())?.log_file;
        Ok(configured.unwrap_or_else(|| self.profile.log_file()))
    }
}

/// The terminal belongs to the interface, which asks by itself.
fn key(passphrase: Option<Zeroizing<String>>) -> KeySource {
    KeySource {
        passphrase,
        no_input: true,
        ..KeySource::default()
    }
}

impl sotto_tui::Host for DaemonHost {
    fn exists(&self) -> bool {
        self.profile.exists()
    }

    fn key_need(&self) -> Result<KeyNeed, Error> {
        let named = sotto_daemon::key_is_named(&self.profile, &key(None))?;
        Ok(if named { KeyNeed::None } else { KeyNeed::Passphrase })
    }

    fn init(&self, name: &str, new: NewKey) -> Result<Identity, Error> {
        match new {
            NewKey::Passphrase(passphrase) => self.init_with(name, &key(Some(passphrase))),
            NewKey::KeyFile(file) => {
                let key_file = Some(file);
                self.init_with(name, &KeySource { key_file, ..key(None) })
            }
        }
    }

    fn start(&self, passphrase: Option<Zeroizing<String>>) -> Result<(), Error> {
        let mut hosted = self.hosted();
        if hosted.as_ref().is_some_and(|hosted| !hosted.host.has_ended()) {
            return Ok(());
        }
        // What is left of one that has ended.
        *hosted = None;
        let key = key(passphrase);
        let options = Options {
            network: self.global.network.clone(),
            key: key.clone(),
            log_file: Some(self.log_file()?),
            ..Options::default()
        };
        let host = Host::start(&self.profile, options)?;
        *hosted = Some(Hosted { host, key });
        Ok(())
    }

    fn hosting(&self) -> bool {
        self.hosted().as_ref().is_some_and(|hosted| !hosted.host.has_ended())
    }

    fn stop(&self) -> Result<(), Error> {
        let hosted = self.hosted().take();
        hosted.map_or(Ok(()), |hosted| hosted.host.stop())
    }

    fn detach(&self) -> Result<(), Error> {
        let Some(Hosted { host, key }) = self.hosted().take() else {
            return Ok(());
        };
        // What ended it says nothing about the next one, which says by itself why it does not start.
        let _ = host.stop();
        let background = Background {
            program: self.program.clone(),
            profile: self.profile.clone(),
            global: self.global.clone(),
            key: sotto_cli::KeySource::default(),
            log_file: self.log_file()?,
        };
        background.start(key.passphrase.as_ref()).map(drop)
    }
}
