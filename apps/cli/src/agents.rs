//! `sotto agents`: programs that act for the user, each with a token that says what it may do.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use sotto_api::scope::{Right, Scope};
use sotto_api::{self as api, Agent, Error, Kind, Secret, all};
use sotto_client::blocking::Client;
use sotto_client::private::{create_file, create_folder};

use super::context::Context;
use super::output::{Table, Tone, moment};
use super::stop::Outcome;

/// `sotto agents`; alone, it lists them
#[derive(Args, Debug)]
pub struct Agents {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token for an agent, in a file that only you can read
    ///
    /// The file is that of --token-file, or agents/NAME.token in the data folder. From the first agent on, a client without a
    /// token only reads, and you are asked for your passphrase where the owner's rights are needed.
    Add(Add),
    /// List the agents and what each may do
    List,
    /// Make an agent's token useless
    Revoke {
        /// Its name
        name: String,
    },
}

#[derive(Args, Debug)]
struct Add {
    /// Its name: 1 to 32 letters, digits, '-' or '_'
    name: String,
    /// What it may do: read:CONVERSATION, send:CONVERSATION (or * for all), admin
    #[arg(long, value_name = "RIGHTS", value_delimiter = ',')]
    allow: Vec<String>,
    /// How often it may send: 10/m, 10/h or 10/d; 60/h if left out
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// At which hours of the day its token works, as 08:00-18:00
    #[arg(long, value_name = "HOURS")]
    hours: Option<String>,
    /// What its own client asks you counts as your approval
    #[arg(long)]
    ask_in_client: bool,
}

/// What `agents add` prints.
#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    agent: Agent,
    token_file: PathBuf,
}

impl Agents {
    /// Adds, lists or revokes.
    pub fn run(self, context: &Context) -> Outcome {
        match self.command.unwrap_or(Command::List) {
            Command::Add(add) => add.run(context),
            Command::List => {
                let agents = context.client()?.call::<all::AgentsList>(&api::Nothing {})?;
                if agents.agents.is_empty() {
                    context
                        .output
                        .remark("no agents yet: sotto agents add NAME --allow read:bob,send:bob");
                }
                Ok(context.output.emit(&agents, |agents| table(&agents.agents))?)
            }
            Command::Revoke { name } => {
                let done = context
                    .client()?
                    .call::<all::AgentsRevoke>(&api::AgentOnly { name: name.clone() })?;
                context.output.emit(&done, |_| String::new())?;
                context.output.remark(&format!("the token of {name} is useless now"));
                Ok(())
            }
        }
    }
}

impl Add {
    fn run(self, context: &Context) -> Outcome {
        let token_file = match &context.global.token_file {
            Some(path) => std::path::absolute(path).map_err(|error| Error::io(path.display(), &error))?,
            None => context.profile()?.token_file(&self.name),
        };
        let params = api::AddAgent {
            name: self.name,
            allow: self.allow,
            rate: self.rate,
            hours: self.hours,
            ask_in_client: self.ask_in_client,
        };
        // First, so that a typing error costs no passphrase.
        check(context, &params)?;
        if token_file.exists() {
            let message = format!("{} exists already, and is not overwritten", token_file.display());
            return Err(Error::new(Kind::Usage, message)
                .hint("remove it, or name another with --token-file")
                .into());
        }
        let mut client = context.person()?;
        if !client.call::<all::AgentsList>(&api::Nothing {})?.owner_passphrase {
            choose_passphrase(context, &mut client)?;
        }
        let api::AddedAgent { agent, token } = client.call::<all::AgentsAdd>(&params)?;
        if let Err(error) = write_token(&token_file, &token) {
            // A token that is nowhere is of no use.
            client.call::<all::AgentsRevoke>(&api::AgentOnly { name: agent.name })?;
            return Err(error.into());
        }
        let added = Added { agent, token_file };
        context
            .output
            .emit(&added, |added| format!("{}\n", added.token_file.display()))?;
        context.output.remark(&format!(
            "give this file to {} by --token-file or SOTTO_TOKEN_FILE; who can read it has its rights",
            added.agent.name
        ));
        Ok(())
    }
}

/// An error if the daemon would not understand a value, or knows no conversation of that name.
fn check(context: &Context, params: &api::AddAgent) -> Result<(), Error> {
    let rights = params.rights()?;
    let mut client = context.connect()?;
    for right in rights {
        let (Right::Read(Scope::Named(name)) | Right::Send(Scope::Named(name))) = &right else {
            continue;
        };
        let newest = api::History {
            conversation: name.clone(),
            limit: Some(1),
            ..api::History::default()
        };
        match client.call::<all::History>(&newest) {
            // Here only the owner learns which conversations there are.
            Err(error) if error.kind() == Kind::OwnerRequired => return Ok(()),
            Err(mut error) => {
                error.message = format!("allow: {right}: {}", error.message);
                return Err(error);
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Where the store opens with a key file, there is no passphrase that the owner could be asked for.
fn choose_passphrase(context: &Context, client: &mut Client) -> Outcome {
    if !context.output.interactive {
        let message = "the owner has no passphrase yet, and there is no terminal to choose one";
        return Err(Error::new(Kind::OwnerRequired, message)
            .hint("run sotto agents add at a terminal, or call owner.passphrase")
            .into());
    }
    context.output.remark(
        "choose a passphrase that is asked for whenever the owner's rights are needed; agents must not know it",
    );
    let passphrase = context.program.ask("New owner's passphrase: ")?;
    if *passphrase != *context.program.ask("Once more, the same passphrase: ")? {
        return Err(Error::new(Kind::Usage, "the two passphrases differ")
            .hint("type the same one twice")
            .into());
    }
    let passphrase = Secret(passphrase.as_str().to_owned());
    client.call::<all::OwnerPassphrase>(&api::SetPassphrase { passphrase })?;
    Ok(())
}

fn write_token(path: &std::path::Path, token: &Secret) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::io(path.display(), &error);
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let mut file = create_file(path).map_err(failed)?;
    writeln!(file, "{}", token.0)
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

fn table(agents: &[Agent]) -> String {
    if agents.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["AGENT", "MAY", "SENDS", "HOURS", "ASKS", "SINCE"]);
    for agent in agents {
        let asks = if agent.ask_in_client { "in its client" } else { "here" };
        table.row([
            (Tone::Author, agent.name.as_str()).into(),
            agent.allow.join(", ").into(),
            agent.rate.as_str().into(),
            agent.hours.as_deref().unwrap_or("all day").into(),
            asks.into(),
            (Tone::Faint, moment(agent.created_at)).into(),
        ]);
    }
    table.render()
}
