//! Telling a file's story to a world, step by step.

use std::collections::BTreeMap;

use sotto_core::row::{FailReason, MessageKey, Row};
use sotto_core::{Command, Direction, FriendCode, MessageId, Millis, OnionAddress, Reply};
use sotto_testkit::disk::Disk;
use toml::Spanned;

use super::Script;
use super::read::seconds;
use super::words::{Condition, FateWord, Label, Send, Step, Who};
use crate::world::add;
use crate::{Fate, Peer, World};

/// A story on its way: what its names stand for by now.
pub struct Telling {
    script: &'static Script,
    messages: BTreeMap<&'static str, Messages>,
    invites: BTreeMap<&'static str, FriendCode>,
    backups: BTreeMap<&'static str, (Peer, Disk)>,
}

/// What one `send` has sent.
struct Messages {
    from: Peer,
    to: Peer,
    asks: Vec<usize>,
}

impl Script {
    /// Tells it to the end, but for what must be so when the world has come to rest.
    pub fn tell(&'static self, world: &mut World) -> Telling {
        let mut telling = Telling {
            script: self,
            messages: BTreeMap::new(),
            invites: BTreeMap::new(),
            backups: BTreeMap::new(),
        };
        for step in &self.file.steps {
            telling.step(step, world);
        }
        telling
    }
}

impl Step {
    /// Whether it is something that a person asks of their node.
    pub fn is_wish(&self) -> bool {
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

fn answers(asks: &[usize], world: &mut World) {
    world.until("an answer", |world| {
        asks.iter().all(|ask| world.asked(*ask).answer.is_some())
    });
}

fn peer(who: &Who) -> Peer {
    who.as_ref().0
}

impl Telling {
    /// Looks at what has become of a world that has come to rest.
    pub fn check_end(&self, world: &World) {
        for condition in &self.script.file.end {
            self.expect(condition, world);
        }
    }

    /// The messages that a name stands for.
    pub fn messages(&self, world: &World, name: &str) -> Vec<(Peer, Peer, MessageId)> {
        let Messages { from, to, asks } = &self.messages[name];
        let ids = asks.iter().filter_map(|ask| match world.asked(*ask).answer {
            Some(Ok(Reply::Message { id, .. })) => Some(id),
            _ => None,
        });
        ids.map(|id| (*from, *to, id)).collect()
    }

    fn step(&mut self, step: &'static Spanned<Step>, world: &mut World) {
        if !step.as_ref().is_wish() {
            world.remark(|| self.script.source(step.span().start));
        }
        match step.as_ref() {
            Step::Together(steps) => {
                let asks: Vec<_> = steps.iter().map(|step| (step, self.wish(step, world))).collect();
                for (step, asks) in asks {
                    self.grant(step, &asks, world);
                }
            }
            Step::Refused(wish) => {
                let asks = self.wish(wish, world);
                answers(&asks, world);
                if asks.iter().any(|ask| matches!(world.asked(*ask).answer, Some(Ok(_)))) {
                    self.fail(wish, world, "it is not refused");
                }
            }
            Step::Invite(named) => match world.ask(peer(&named.by), Command::CreateInvite) {
                Ok(Reply::Invite(code)) => {
                    self.invites.insert(named.name.as_ref(), code);
                }
                other => self.fail(step, world, &format!("{other:?}")),
            },
            Step::Befriend([a, b]) => world.befriend(peer(a), peer(b)),
            Step::Wait(span) => world.pass(span.length()),
            Step::Until(condition) => self.until(condition, world),
            Step::Expect(condition) => self.expect(condition, world),
            Step::Part([a, b]) => world.part(peer(a), peer(b)),
            Step::Cut([a, b]) => world.cut(peer(a), peer(b)),
            Step::Silence([a, b]) => world.silence(peer(a), peer(b)),
            Step::RefuseDials(refuse) => world.refuse_dials(peer(&refuse.of), refuse.times),
            Step::Split(longest) => world.split_bytes(*longest.as_ref()),
            Step::Heal => world.heal(),
            wish if wish.is_wish() => {
                let asks = self.wish(step, world);
                self.grant(step, &asks, world);
            }
            machine => self.machine(machine, world),
        }
    }

    fn machine(&mut self, step: &'static Step, world: &mut World) {
        match step {
            Step::Off(who) => world.switch_off(peer(who)),
            Step::On(who) => world.switch_on(peer(who)),
            Step::Restart(who) => world.restart(peer(who)),
            Step::Crash(crash) => world.lose_power(peer(&crash.of), crash.commit.into()),
            Step::Suspend(suspend) => world.put_to_sleep(peer(&suspend.of), suspend.span.as_ref().length()),
            Step::Clock(clock) => world.move_wall_clock(peer(&clock.of), clock.moves.millis),
            Step::Backup(named) => {
                let owner = peer(&named.by);
                self.backups.insert(named.name.as_ref(), (owner, world.snapshot(owner)));
            }
            Step::Restore(name) => {
                let (owner, disk) = self.backups[name.as_ref().as_str()].clone();
                world.restore(owner, disk);
            }
            Step::LoseSessions(who) => world.with_disk_out(peer(who), |disk| {
                disk.lose(|row| matches!(row, Row::Session(_) | Row::Cursors(_)));
            }),
            _ => unreachable!("every other step has been taken: {step:?}"),
        }
    }

    /// Makes a wish, and does not wait. Gives the questions.
    fn wish(&mut self, step: &'static Spanned<Step>, world: &mut World) -> Vec<usize> {
        if let Step::Send(send) = step.as_ref() {
            return self.send(send, world);
        }
        let commands = self.commands(step.as_ref(), world);
        commands
            .into_iter()
            .map(|(by, command)| world.post(by, command))
            .collect()
    }

    fn send(&mut self, send: &'static Send, world: &mut World) -> Vec<usize> {
        let (from, to) = (peer(&send.by), peer(&send.to));
        let times = send.times.as_ref().map_or(1, |times| *times.as_ref());
        let mut asks = Vec::new();
        for n in 1..=times {
            let mut draft = world.draft(to, &send.text.as_ref().replace("{n}", &n.to_string()));
            draft.ttl = send.disappears.as_ref().and_then(|span| seconds(span).ok());
            if send.key.is_some() {
                draft.idempotency_key.clone_from(&send.key);
            }
            asks.push(world.post(from, Command::Send(draft)));
        }
        if let Some(name) = &send.name {
            let asks = asks.clone();
            self.messages.insert(name.as_ref(), Messages { from, to, asks });
        }
        asks
    }

    fn commands(&self, step: &Step, world: &World) -> Vec<(Peer, Command)> {
        let at = |who: &Who| world.address(peer(who));
        let one = |by: &Who, command| vec![(peer(by), command)];
        match step {
            Step::Add(addition) => {
                let invite = addition
                    .invite
                    .as_ref()
                    .map(|name| self.invites[name.as_ref().as_str()]);
                let address = at(&addition.whom);
                let code = invite.unwrap_or(FriendCode { address, invite: None });
                one(&addition.by, add(code))
            }
            Step::Accept(pair) => {
                let contact = at(&pair.whom);
                one(&pair.by, Command::AcceptContact { contact, petname: None })
            }
            Step::Decline(pair) => one(&pair.by, Command::RejectContact(at(&pair.whom))),
            Step::Remove(pair) => one(&pair.by, Command::RemoveContact(at(&pair.whom))),
            Step::Block(pair) => one(&pair.by, Command::BlockContact(at(&pair.whom), true)),
            Step::Unblock(pair) => one(&pair.by, Command::BlockContact(at(&pair.whom), false)),
            Step::Timer(timer) => {
                let seconds = seconds(&timer.after).unwrap_or_default();
                one(&timer.by, Command::SetTimer(at(&timer.whom).into(), seconds))
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
            _ => unreachable!("no wish: {step:?}"),
        }
    }

    /// What the author, or the reader, asks for each of the messages.
    fn of_each(
        &self,
        of: &Label,
        by: Direction,
        world: &World,
        command: impl Fn(OnionAddress, MessageId) -> Command,
    ) -> Vec<(Peer, Command)> {
        let messages = self.messages(world, of.as_ref()).into_iter();
        let wishes = messages.map(|(author, reader, id)| {
            let (asks, other) = match by {
                Direction::Out => (author, reader),
                Direction::In => (reader, author),
            };
            (asks, command(world.address(other), id))
        });
        wishes.collect()
    }

    /// Waits until wishes are granted. They must be, unless a crash has hidden that they were.
    fn grant(&self, step: &Spanned<Step>, asks: &[usize], world: &mut World) {
        answers(asks, world);
        for ask in asks {
            let asked = world.asked(*ask);
            match &asked.answer {
                Some(Err(refusal)) if asked.times == 1 => {
                    self.fail(step, world, &format!("{} refuses: {refusal}", asked.peer));
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
        if let Some(patience) = patience.filter(|patience| waited > *patience && world.is_gentle()) {
            self.fail(condition, world, &format!("it took {waited}, longer than {patience}"));
        }
    }

    fn expect(&self, condition: &Spanned<Condition>, world: &World) {
        if let Some(why) = condition.as_ref().unmet(world, self) {
            self.fail(condition, world, &why);
        }
    }

    fn fail<T>(&self, place: &Spanned<T>, world: &World, why: &str) -> ! {
        let line = self.script.line(place.span().start);
        world.fail(format_args!("line {line} of {} is not so: {why}", self.script.name))
    }
}

impl From<FateWord> for Fate {
    fn from(word: FateWord) -> Self {
        match word {
            FateWord::Delivered => Self::Delivered,
            FateWord::Received => Self::Received,
            FateWord::Swallowed => Self::Swallowed,
            FateWord::Expired => Self::Failed(FailReason::Expired),
            FateWord::Removed => Self::Failed(FailReason::Removed),
            FateWord::Cancelled => Self::Cancelled,
            FateWord::Vanished => Self::Vanished,
            FateWord::Forgotten => Self::Forgotten,
        }
    }
}
