//! [`Context`] of a command: the global options, the profile that they name, and the daemon of that profile.

use std::io::{self, IsTerminal as _};

use sotto_api::{Error, Kind, Secret};
use sotto_client::blocking::Client;
use sotto_client::{Profile, read_token};

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

    /// A connection to the profile's daemon: of the agent whose token the options name, else of a person, who is asked for the
    /// owner's passphrase when a request needs it.
    pub fn client(&self) -> Result<Client, Error> {
        if self.global.token_file.is_none() {
            return self.person();
        }
        let mut client = self.connect()?;
        self.identify(&mut client)?;
        Ok(client)
    }

    /// Opens the session of the agent whose token the options name, if they name one. Each connection that a command opens by
    /// itself needs it: without it, the command would have the rights of a client without a token.
    pub fn identify(&self, client: &mut Client) -> Result<(), Error> {
        let Some(token_file) = &self.global.token_file else {
            return Ok(());
        };
        client.open_session("cli", Some(read_token(token_file)?)).map(drop)
    }

    /// A connection of a person, whatever token the options name.
    pub fn person(&self) -> Result<Client, Error> {
        let mut client = self.connect()?;
        if !self.global.no_input && io::stderr().is_terminal() {
            let program = self.program;
            client.ask_owner(move || Ok(Secret(program.ask("Owner's passphrase: ")?.as_str().to_owned())));
        }
        Ok(client)
    }

    /// A connection on which the user is asked for nothing.
    pub fn connect(&self) -> Result<Client, Error> {
        let profile = self.profile()?;
        Client::connect(&profile.socket()).map_err(|error| match error.kind() {
            Kind::NoDaemon if !profile.exists() => {
                error.hint("sotto init makes an identity, sotto daemon start its daemon")
            }
            _ => error,
        })
    }
}
