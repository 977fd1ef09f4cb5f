//! [`Interpreter`]: plays a [`Script`] in a world, step by step.

use std::collections::BTreeMap;

use sotto_core::row::{FailReason, MessageKey};
use sotto_core::{Command, Direction, FriendCode, MessageId, Millis, OnionAddress, Reply};
use sotto_testkit::memory_store::MemoryStore;
use toml::Spanned;

use super::Script;
use super::ast::{Condition, FateName, Label, Send, Step, Who};
use super::parser::seconds;
use crate::node_index::NodeIndex;
use crate::world::add_contact;
use crate::world::{Fate, World};

/// A script in progress: what its names stand for by now.
pub struct Interpreter {
    script: &'static Script,
    messages: BTreeMap<&'static str, Messages>,
    invites: BTreeMap<&'static str, FriendCode>,
    backups: BTreeMap<&'static str, (NodeIndex, MemoryStore)>,
}

/// The messages of one `send`.
struct Messages {
    from: NodeIndex,
    to: NodeIndex,
    commands: Vec<usize>,
}

impl Script {
    /// Plays every step. The conditions for the end are checked later.
    pub fn execute(&'static self, world: &mut World) -> Interpreter {
        let mut interpreter = Interpreter {
            script: self,
            messages: BTreeMap::new(),
            invites: BTreeMap::new(),
            backups: BTreeMap::new(),
        };
        for step in &self.file.steps {
            interpreter.step(step, world);
        }
        interpreter
    }
}

impl Step {
    /// Whether it is a command to a node.
    pub fn is_command(&self) -> bool {
        matches!(
            self,
            Self::Add(_)
                | Self::Accept(_)
                | Self::Decline(_)
                | Self::Remove(_)
                | Self::Block(_)
                | Self::Unblock(_)
                | Self::Timer(_)
                | Self::Send(_)
                | Self::Edit(_)
                | Self::Delete(_)
                | Self::React(_)
                | Self::Read(_)
                | Self::Cancel(_)
                | Self::Retry(_)
        )
    }
}

fn await_replies(commands: &[usize], world: &mut World) {
    world.until("an answer", |world| {
        commands
            .iter()
            .all(|command| world.user_command(*command).reply.is_some())
    });
}

fn peer(who: &Who) -> NodeIndex {
    who.as_ref().0
}

impl Interpreter {
    /// Checks the conditions for the end, in a quiescent world.
    pub fn check_end(&self, world: &World) {
        for condition in &self.script.file.end {
            self.expect(condition, world);
        }
    }

    /// The messages that a name stands for.
    pub fn messages(&self, world: &World, name: &str) -> Vec<(NodeIndex, NodeIndex, MessageId)> {
        let Messages { from, to, commands } = &self.messages[name];
        let ids = commands
            .iter()
            .filter_map(|command| match world.user_command(*command).reply {
                Some(Ok(Reply::Message { id, .. })) => Some(id),
                _ => None,
            });
        ids.map(|id| (*from, *to, id)).collect()
    }

    fn step(&mut self, step: &'static Spanned<Step>, world: &mut World) {
        if !step.as_ref().is_command() {
            world.note(|| self.script.source(step.span().start));
        }
        match step.as_ref() {
            Step::Together(steps) => {
                let commands: Vec<_> = steps.iter().map(|step| (step, self.command(step, world))).collect();
                for (step, commands) in commands {
                    self.await_success(step, &commands, world);
                }
            }
            Step::Refused(command) => {
                let commands = self.command(command, world);
                await_replies(&commands, world);
                if commands
                    .iter()
                    .any(|command| matches!(world.user_command(*command).reply, Some(Ok(_))))
                {
                    self.fail(command, world, "it was not refused");
                }
            }
            Step::Invite(named) => match world.call(peer(&named.by), Command::CreateInvite) {
                Ok(Reply::Invite(code)) => {
                    self.invites.insert(named.name.as_ref(), code);
                }
                other => self.fail(step, world, &format!("{other:?}")),
            },
            Step::Befriend([a, b]) => world.befriend(peer(a), peer(b)),
            Step::Wait(span) => world.advance(span.length()),
            Step::Until(condition) => self.until(condition, world),
            Step::Expect(condition) => self.expect(condition, world),
            Step::Partition([a, b]) => world.partition(peer(a), peer(b)),
            Step::Cut([a, b]) => world.cut(peer(a), peer(b)),
            Step::Silence([a, b]) => world.silence(peer(a), peer(b)),
            Step::RefuseDials(refuse) => world.refuse_dials(peer(&refuse.of), refuse.times),
            Step::Split(longest) => world.split_bytes(*longest.as_ref()),
            Step::Heal => world.heal(),
            command if command.is_command() => {
                let commands = self.command(step, world);
                self.await_success(step, &commands, world);
            }
            machine => self.machine(machine, world),
        }
    }

    fn machine(&mut self, step: &'static Step, world: &mut World) {
        match step {
            Step::Off(who) => world.switch_off(peer(who)),
            Step::On(who) => world.switch_on(peer(who)),
            Step::Restart(who) => world.restart(peer(who)),
            Step::Crash(crash) => world.crash_now(peer(&crash.of), crash.commit.into()),
            Step::Suspend(suspend) => world.suspend(peer(&suspend.of), suspend.span.as_ref().length()),
            Step::Clock(clock) => world.move_wall_clock(peer(&clock.of), clock.moves.millis),
            Step::Backup(named) => {
                let owner = peer(&named.by);
                self.backups.insert(named.name.as_ref(), (owner, world.snapshot(owner)));
            }
            Step::Restore(name) => {
                let (owner, disk) = self.backups[name.as_ref().as_str()].clone();
                world.restore(owner, disk);
            }
            Step::LoseSessions(who) => world.edit_disk(peer(who), MemoryStore::lose_sessions),
            _ => unreachable!("every other step has been taken: {step:?}"),
        }
    }

    /// Issues a step's commands without waiting. Returns their places in the world's list.
    fn command(&mut self, step: &'static Spanned<Step>, world: &mut World) -> Vec<usize> {
        if let Step::Send(send) = step.as_ref() {
            return self.send(send, world);
        }
        let commands = self.commands(step.as_ref(), world);
        commands
            .into_iter()
            .map(|(by, command)| world.submit(by, command))
            .collect()
    }

    fn send(&mut self, send: &'static Send, world: &mut World) -> Vec<usize> {
        let (from, to) = (peer(&send.by), peer(&send.to));
        let times = send.times.as_ref().map_or(1, |times| *times.as_ref());
        let mut commands = Vec::new();
        for n in 1..=times {
            let mut new_message = world.new_message(to, &send.text.as_ref().replace("{n}", &n.to_string()));
            new_message.ttl = send.disappears.as_ref().and_then(|span| seconds(span).ok());
            if send.key.is_some() {
                new_message.idempotency_key.clone_from(&send.key);
            }
            commands.push(world.submit(from, Command::Send(new_message)));
        }
        if let Some(name) = &send.name {
            let commands = commands.clone();
            self.messages.insert(name.as_ref(), Messages { from, to, commands });
        }
        commands
    }

    fn commands(&self, step: &Step, world: &World) -> Vec<(NodeIndex, Command)> {
        let at = |who: &Who| world.address(peer(who));
        let one = |by: &Who, command| vec![(peer(by), command)];
        match step {
            Step::Add(addition) => {
                let invite = addition
                    .invite
                    .as_ref()
                    .map(|name| self.invites[name.as_ref().as_str()]);
                let address = at(&addition.contact);
                let code = invite.unwrap_or(FriendCode { address, invite: None });
                one(&addition.by, add_contact(code))
            }
            Step::Accept(pair) => {
                let contact = at(&pair.contact);
                one(&pair.by, Command::AcceptContact { contact, petname: None })
            }
            Step::Decline(pair) => one(&pair.by, Command::RejectContact(at(&pair.contact))),
            Step::Remove(pair) => one(&pair.by, Command::RemoveContact(at(&pair.contact))),
            Step::Block(pair) => one(&pair.by, Command::BlockContact(at(&pair.contact), true)),
            Step::Unblock(pair) => one(&pair.by, Command::BlockContact(at(&pair.contact), false)),
            Step::Timer(timer) => {
                let seconds = seconds(&timer.after).unwrap_or_default();
                one(&timer.by, Command::SetTimer(at(&timer.contact).into(), seconds))
            }
            Step::Edit(edit) => self.of_each(&edit.of, Direction::Out, world, |contact, id| {
                let text = edit.text.clone();
                Command::EditMessage {
                    conversation: contact.into(),
                    id,
                    text,
                }
            }),
            Step::Delete(of) => self.of_each(of, Direction::Out, world, |contact, id| Command::DeleteMessage {
                conversation: contact.into(),
                id,
            }),
            Step::Cancel(of) => self.of_each(of, Direction::Out, world, |contact, id| Command::CancelMessage {
                conversation: contact.into(),
                id,
            }),
            Step::Retry(of) => self.of_each(of, Direction::Out, world, |contact, id| Command::RetryMessage {
                conversation: contact.into(),
                id,
            }),
            Step::React(react) => self.of_each(&react.of, Direction::In, world, |contact, id| Command::React {
                message: MessageKey::direct(contact, contact, id),
                emoji: (!react.with.is_empty()).then(|| react.with.clone()),
            }),
            Step::Read(of) => self.of_each(of, Direction::In, world, |contact, id| Command::MarkRead {
                conversation: contact.into(),
                author: contact,
                ids: vec![id],
                receipt: true,
            }),
            _ => unreachable!("no command: {step:?}"),
        }
    }

    /// A command for each of the messages, of the author or of the reader.
    fn of_each(
        &self,
        of: &Label,
        by: Direction,
        world: &World,
        command: impl Fn(OnionAddress, MessageId) -> Command,
    ) -> Vec<(NodeIndex, Command)> {
        let messages = self.messages(world, of.as_ref()).into_iter();
        let commands = messages.map(|(author, reader, id)| {
            let (commands, other) = match by {
                Direction::Out => (author, reader),
                Direction::In => (reader, author),
            };
            (commands, command(world.address(other), id))
        });
        commands.collect()
    }

    /// Waits for replies. None may be a refusal, unless the command may have succeeded before a crash.
    fn await_success(&self, step: &Spanned<Step>, commands: &[usize], world: &mut World) {
        await_replies(commands, world);
        for command in commands {
            let command = world.user_command(*command);
            match &command.reply {
                Some(Err(refusal)) if command.attempts == 1 => {
                    self.fail(step, world, &format!("{} refuses: {refusal}", command.peer));
                }
                Some(Ok(Reply::Message { id, .. })) => {
                    if let Step::Send(send) = step.as_ref() {
                        world.expect(*id, send.fate.into());
                    }
                }
                _ => {}
            }
        }
    }

    fn until(&self, condition: &'static Spanned<Condition>, world: &mut World) {
        let before = world.now();
        let what = format!(
            "line {} of {}",
            self.script.line(condition.span().start),
            self.script.name
        );
        world.until(&what, |world| condition.as_ref().unmet(world, self).is_none());
        let waited = Millis(world.now().0 - before.0);
        let patience = condition
            .as_ref()
            .within
            .as_ref()
            .map(|within| within.as_ref().length());
        if let Some(patience) = patience.filter(|patience| waited > *patience && world.is_fault_free()) {
            self.fail(condition, world, &format!("it took {waited}, more than {patience}"));
        }
    }

    fn expect(&self, condition: &Spanned<Condition>, world: &World) {
        if let Some(why) = condition.as_ref().unmet(world, self) {
            self.fail(condition, world, &why);
        }
    }

    fn fail<T>(&self, place: &Spanned<T>, world: &World, why: &str) -> ! {
        let line = self.script.line(place.span().start);
        world.fail(format_args!("line {line} of {} fails: {why}", self.script.name))
    }
}

impl From<FateName> for Fate {
    fn from(word: FateName) -> Self {
        match word {
            FateName::Delivered => Self::Delivered,
            FateName::Received => Self::Received,
            FateName::Swallowed => Self::Swallowed,
            FateName::Expired => Self::Failed(FailReason::Expired),
            FateName::Removed => Self::Failed(FailReason::Removed),
            FateName::Cancelled => Self::Cancelled,
            FateName::Vanished => Self::Vanished,
            FateName::Forgotten => Self::Forgotten,
        }
    }
}
