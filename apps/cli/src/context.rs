//! [`Context`] of a command: the global options, the profile that they name, and the daemon of that profile.

use sotto_api::{Error, Kind};
use sotto_client::Profile;
use sotto_client::blocking::Client;

use super::options::Global;
use super::output::Output;
use super::program::Program;

/// What every command needs.
#[derive(Debug)]
pub struct Context {
    /// The options as given.
    pub global: Global,
    /// How results and remarks are printed.
    pub output: Output,
    /// What runs in this process.
    pub program: &'static dyn Program,
}

impl Context {
    /// The context that the options describe.
    pub fn new(global: Global, program: &'static dyn Program) -> Self {
        Self {
            output: Output::new(&global),
            global,
            program,
        }
    }

    /// The profile that the options name.
    pub fn profile(&self) -> Result<Profile, Error> {
        Profile::locate(self.global.data_dir.as_deref(), self.global.profile.as_deref())
    }

    /// A connection to the profile's daemon.
    pub fn client(&self) -> Result<Client, Error> {
        let profile = self.profile()?;
        Client::connect(&profile.socket()).map_err(|error| match error.kind() {
            Kind::NoDaemon if !profile.exists() => {
                error.hint("sotto init makes an identity, sotto daemon start its daemon")
            }
            _ => error,
        })
    }
}
