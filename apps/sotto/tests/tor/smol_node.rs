//! A node on smol, whole and with a store of its own, in a process of its own: this test program once more, playing
//! [`a_node_on_smol`]. It reads requests and writes responses as lines of JSON, and ends when its standard input is closed.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sotto_core::row::{DeliveryState, Relationship};
use sotto_core::{Command as NodeCommand, ConversationId, Direction, EventSeq, NewMessage, OnionAddress, Reply};
use sotto_io_smol::{NodeConfig, NodeHandle, start};
use sotto_io_sqlcipher::{Reader, Store, StoreKey};
use sotto_io_tor::{Tor, TorLimits, runtime};
use tempfile::TempDir;
use toml::Table;
use tor_rtcompat::ToplevelBlockOn as _;

use crate::environment::program;
use crate::node::{Message, Node, Picture, Progress, seed_in};

const FOLDER: &str = "SOTTO_TEST_FOLDER";
const DATABASE: &str = "sotto.db";
/// Before what is meant for us: the test harness prints there as well.
const MARK: &str = "answer: ";

/// What it is asked.
#[derive(Serialize, Deserialize)]
enum Question {
    Address,
    Invite,
    Befriend(String),
    IsFriend(String),
    Send(String, String),
    History(String),
    Picture,
}

/// The process, seen from the tests.
pub struct SmolNode {
    folder: TempDir,
    address: String,
    running: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl SmolNode {
    pub fn new(folder: TempDir, tor: &Table) -> Self {
        fs::write(folder.path().join("tor.toml"), tor.to_string()).expect("written");
        Self {
            folder,
            address: String::new(),
            running: None,
        }
    }

    fn ask<T: for<'de> Deserialize<'de>>(&mut self, question: &Question) -> T {
        let (_, questions, answers) = self.running.as_mut().expect("it runs");
        writeln!(questions, "{}", serde_json::to_string(question).expect("JSON")).expect("asked");
        let mut answers = answers.lines().map(|line| line.expect("UTF-8"));
        let answer = answers.find_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
        let Some(answer) = answer else {
            panic!("the node on smol has ended: {}", self.log())
        };
        serde_json::from_str(&answer).expect("JSON")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Node for SmolNode {
    fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log");
        let mut command = program(env::current_exe().expect("this program"));
        command.args(["--exact", "smol_node::a_node_on_smol", "--ignored", "--nocapture"]);
        command
            .env(FOLDER, self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().expect("this program again");
        let (questions, answers) = (
            child.stdin.take().expect("a pipe"),
            child.stdout.take().expect("a pipe"),
        );
        self.running = Some((child, questions, BufReader::new(answers)));
        let address = self.says_its_address();
        // What it says when it comes back is for the tests to judge.
        if self.address.is_empty() {
            self.address = address;
        }
    }

    fn kill(&mut self) {
        if let Some((mut child, ..)) = self.running.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn says_its_address(&mut self) -> String {
        self.ask(&Question::Address)
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn seed(&self) -> [u8; 32] {
        seed_in(&self.folder.path().join(DATABASE), &key())
    }

    fn invite(&mut self) -> String {
        self.ask(&Question::Invite)
    }

    fn befriend(&mut self, code: &str) {
        self.ask::<()>(&Question::Befriend(code.to_owned()));
    }

    fn is_friend(&mut self, of: &str) -> bool {
        self.ask(&Question::IsFriend(of.to_owned()))
    }

    fn send(&mut self, to: &str, text: &str) {
        self.ask::<()>(&Question::Send(to.to_owned(), text.to_owned()));
    }

    fn history(&mut self, with: &str) -> Vec<Message> {
        self.ask(&Question::History(with.to_owned()))
    }

    fn picture(&mut self) -> Picture {
        self.ask(&Question::Picture)
    }
}

impl Drop for SmolNode {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.address, self.log());
        }
    }
}

#[test]
#[ignore = "a part for the other tests, which play it in a process of its own"]
fn a_node_on_smol() {
    let folder = env::var_os(FOLDER).expect("a folder");
    let runtime = runtime::smol().expect("smol");
    runtime
        .clone()
        .block_on(async { live(runtime, Path::new(&folder)).await.expect("a whole life") });
}

const fn key() -> StoreKey {
    StoreKey::new([1; 32], [2; 16])
}

async fn live(runtime: impl tor_rtcompat::Runtime, folder: &Path) -> Result<(), Box<dyn Error>> {
    let (path, key) = (folder.join(DATABASE), key());
    let store = if path.exists() {
        Store::open(&path, &key)?
    } else {
        Store::create(&path, &key)?
    };
    let reader = store.reader()?;
    let configuration: Table = fs::read_to_string(folder.join("tor.toml"))?.parse()?;
    let tor = Tor::start(runtime, &folder.join("tor"), configuration, TorLimits::DEFAULT)?;
    let (node, task) = start(NodeConfig::new(store, tor.clone())).await?;
    loop {
        let mut line = String::new();
        let (read, line) = smol::unblock(move || (stdin().read_line(&mut line), line)).await;
        if read? == 0 {
            break;
        }
        let answer = answer(&node, &reader, serde_json::from_str(&line)?).await?;
        println!("\n{MARK}{answer}");
    }
    node.shutdown().await;
    task.await?;
    tor.close().await;
    Ok(())
}

async fn answer(node: &NodeHandle, reader: &Reader, question: Question) -> Result<Value, Box<dyn Error>> {
    let command = match question {
        Question::Address => NodeCommand::Identity,
        Question::Invite => NodeCommand::CreateInvite,
        Question::Befriend(code) => NodeCommand::AddContact {
            code: code.parse()?,
            petname: None,
            note: String::new(),
        },
        Question::Send(to, text) => NodeCommand::Send(NewMessage::plain(to.parse::<OnionAddress>()?, text)),
        Question::IsFriend(of) => return Ok((reader.relationship(&of.parse()?)? == Some(Relationship::Friend)).into()),
        Question::Picture => return Ok(serde_json::to_value(picture(node, reader).await?)?),
        Question::History(with) => return Ok(serde_json::to_value(history(reader, with.parse()?)?)?),
    };
    Ok(match node.command(command).await? {
        Ok(Reply::Identity { address, .. }) => address.to_string().into(),
        Ok(Reply::Invite(code)) => code.to_string().into(),
        Ok(Reply::Contact(_) | Reply::Message { .. }) => Value::Null,
        other => return Err(format!("{other:?}").into()),
    })
}

fn history(reader: &Reader, with: OnionAddress) -> Result<Vec<Message>, Box<dyn Error>> {
    let progress = |direction, state| match (direction, state) {
        (Direction::In, _) => Ok(Progress::Came),
        (Direction::Out, Some(DeliveryState::Delivered | DeliveryState::Read)) => Ok(Progress::Arrived),
        (Direction::Out, Some(DeliveryState::Queued | DeliveryState::Sent)) => Ok(Progress::Waits),
        (Direction::Out, state) => Err(format!("a message is {state:?}")),
    };
    let mut shown = Vec::new();
    for message in reader.history(&ConversationId::Direct(with), 1000, None)? {
        let progress = progress(message.direction, message.state)?;
        shown.push(Message {
            text: message.text,
            progress,
        });
    }
    Ok(shown)
}

async fn picture(node: &NodeHandle, reader: &Reader) -> Result<Picture, Box<dyn Error>> {
    let status = match node.command(NodeCommand::Status).await? {
        Ok(Reply::Status(status)) => status,
        other => return Err(format!("{other:?}").into()),
    };
    let mut contacts = reader.contacts()?.contacts;
    let mut histories = Vec::new();
    for contact in &mut contacts {
        contact.last_seen = None;
        histories.push(reader.history(&ConversationId::Direct(contact.who.address), 1000, None)?);
    }
    let kept = json!({
        "contacts": format!("{contacts:?}"),
        "requests": format!("{:?}", reader.requests()?),
        "histories": format!("{histories:?}"),
        "outbox": format!("{:?}", reader.outbox()?),
        "events": format!("{:?}", reader.events(EventSeq(0), 1000)?),
        "queued": status.queued,
    });
    Ok(Picture {
        kept,
        faults: status.peer_faults,
    })
}
