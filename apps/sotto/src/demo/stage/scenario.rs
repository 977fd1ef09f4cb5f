//! [`tell`]: the days before, as they are in the stores when the interface opens.

use std::path::Path;

use sotto_api::Error;
use sotto_core::row::ContentType;
use sotto_core::{
    Command, ConversationId, FriendCode, MessageId, MessageKey, Millis, NewMessage, OnionAddress, Reply, Wall,
};
use sotto_io_sqlcipher::StoreKey;

use super::lines::{
    BOB_FIRST, BOB_SECOND, BOB_TODAY, BOB_UNREAD, CHARLES, CHARLES_CANCELLED, CHARLES_FAILS, CHARLES_WAITS, GRACE,
    GRACE_TODAY, KATHERINE, REQUEST, ScriptedMessage,
};
use super::world::{World, unexpected};

/// A person of the scenario, by the place in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Ada,
    Bob,
    Grace,
    Charles,
    Katherine,
    Impostor,
}

impl Who {
    /// Each person, in the order of their places.
    pub const ALL: [Self; 6] = [
        Self::Ada,
        Self::Bob,
        Self::Grace,
        Self::Charles,
        Self::Katherine,
        Self::Impostor,
    ];

    /// What the person claims to be called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ada => "Ada",
            Self::Bob | Self::Impostor => "Bob",
            Self::Grace => "Grace",
            Self::Charles => "Charles",
            Self::Katherine => "Katherine",
        }
    }

    /// Of the folder that the person's store is in.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Impostor => "impostor",
            named => named.name(),
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// So long before the interface opens, the scenario begins.
const LENGTH: Millis = Millis::hours(52);

/// A day in the timers.
const DAY: u32 = 24 * 60 * 60;

/// Makes each person's store, `database`, and has the days pass that end at `now`.
pub(super) fn play<'a>(now: Wall, key: &StoreKey, database: impl Fn(Who) -> &'a Path) -> Result<(), Error> {
    let mut scenario = Scenario(World::at(Wall(now.0.saturating_sub(LENGTH.0))));
    for who in Who::ALL {
        // Places and seeds are small numbers.
        let seed = who as u8 + 1;
        scenario.0.person(who.name(), seed, database(who), key)?;
    }
    scenario.first_day()?;
    scenario.night_until(now, Millis::hours(27))?;
    scenario.second_day()?;
    scenario.night_until(now, Millis::minutes(70))?;
    scenario.today()?;
    scenario.until(now, Millis::minutes(3))?;
    scenario.0.close()
}

/// The world, while the scenario is played.
struct Scenario(World);

impl Scenario {
    fn first_day(&mut self) -> Result<(), Error> {
        for friend in [Who::Bob, Who::Grace, Who::Charles, Who::Katherine] {
            self.befriend(friend)?;
        }
        for friend in [Who::Bob, Who::Grace, Who::Charles] {
            let rename = Command::RenameContact(self.address(friend), friend.name().to_owned());
            self.act(Who::Ada, rename)?;
        }
        self.verify(Who::Grace)?;
        self.talk(Who::Charles, CHARLES, 0)?;
        self.talk(Who::Grace, GRACE, 0)?;
        self.act(Who::Ada, Command::SetTimer(self.with(Who::Grace), DAY))?;
        self.talk(Who::Bob, BOB_FIRST, 0)?;
        self.0.set_online(Who::Charles.place(), false)?;
        self.send(Who::Ada, Who::Charles, CHARLES_FAILS)?;
        Ok(())
    }

    fn second_day(&mut self) -> Result<(), Error> {
        self.talk(Who::Bob, BOB_SECOND, 0)?;
        self.talk(Who::Katherine, KATHERINE, KATHERINE.len())
    }

    fn today(&mut self) -> Result<(), Error> {
        let cancelled = self.send(Who::Ada, Who::Charles, CHARLES_CANCELLED)?;
        let conversation = self.with(Who::Charles);
        let id = cancelled;
        self.act(Who::Ada, Command::CancelMessage { conversation, id })?;
        self.send(Who::Ada, Who::Charles, CHARLES_WAITS)?;
        let code = FriendCode {
            address: self.address(Who::Ada),
            invite: None,
        };
        let note = REQUEST.to_owned();
        self.act(
            Who::Impostor,
            Command::AddContact {
                code,
                petname: None,
                note,
            },
        )?;
        self.talk(Who::Grace, GRACE_TODAY, GRACE_TODAY.len())?;
        self.talk(Who::Bob, BOB_TODAY, BOB_UNREAD)
    }

    /// Ada and a friend, by an invite of hers.
    fn befriend(&mut self, friend: Who) -> Result<(), Error> {
        let code = match self.act(Who::Ada, Command::CreateInvite)? {
            Reply::Invite(code) => code,
            reply => return Err(unexpected(&reply)),
        };
        let add = Command::AddContact {
            code,
            petname: Some(Who::Ada.name().to_owned()),
            note: String::new(),
        };
        self.act(friend, add).map(drop)
    }

    fn verify(&mut self, friend: Who) -> Result<(), Error> {
        let address = self.address(friend);
        match self.act(Who::Ada, Command::SafetyNumber(address))? {
            Reply::SafetyNumber(number) => {
                let verify = Command::VerifyContact(address, Some(number.digits));
                self.act(Who::Ada, verify).map(drop)
            }
            reply => Err(unexpected(&reply)),
        }
    }

    /// Has the lines said between Ada and a friend. The reader reads them, but for the last `unread` ones.
    fn talk(&mut self, friend: Who, lines: &[ScriptedMessage], unread: usize) -> Result<(), Error> {
        let mut said: Vec<MessageKeyOf> = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            self.0.pass(Millis::minutes(line.pause))?;
            let (author, reader) = if line.who == Who::Ada {
                (Who::Ada, friend)
            } else {
                (line.who, Who::Ada)
            };
            let message = NewMessage {
                content_type: line.content_type,
                thread: line.thread.map(str::to_owned),
                reply_to: line.answers.map(|place| said[place].id),
                ..NewMessage::plain(self.address(reader), line.text)
            };
            let id = self.sent(author, message)?;
            said.push(MessageKeyOf { author, id });
            if place + unread < lines.len() {
                self.read(reader, author, id)?;
            }
            if let Some((who, emoji)) = line.reaction {
                self.react(who, friend, said[place], emoji)?;
            }
            self.change(author, reader, id, line)?;
        }
        Ok(())
    }

    fn read(&mut self, reader: Who, author: Who, id: MessageId) -> Result<(), Error> {
        let author = self.address(author);
        let read = Command::MarkRead {
            conversation: ConversationId::Direct(author),
            author,
            ids: vec![id],
            receipt: true,
        };
        self.act(reader, read).map(drop)
    }

    fn react(&mut self, who: Who, friend: Who, to: MessageKeyOf, emoji: &str) -> Result<(), Error> {
        let other = if who == Who::Ada { friend } else { Who::Ada };
        let message = MessageKey {
            conversation: self.with(other),
            author: self.address(to.author),
            id: to.id,
        };
        let emoji = Some(emoji.to_owned());
        self.act(who, Command::React { message, emoji }).map(drop)
    }

    fn change(&mut self, author: Who, reader: Who, id: MessageId, line: &ScriptedMessage) -> Result<(), Error> {
        let conversation = self.with(reader);
        if let Some(text) = line.edited {
            let text = text.to_owned();
            let edit = Command::EditMessage { conversation, id, text };
            self.act(author, edit)?;
        }
        if line.is_deleted {
            self.act(author, Command::DeleteMessage { conversation, id })?;
        }
        Ok(())
    }

    fn send(&mut self, from: Who, to: Who, text: &str) -> Result<MessageId, Error> {
        let message = NewMessage {
            content_type: ContentType::Plain,
            ..NewMessage::plain(self.address(to), text)
        };
        self.sent(from, message)
    }

    fn sent(&mut self, from: Who, message: NewMessage) -> Result<MessageId, Error> {
        match self.act(from, Command::Send(message))? {
            Reply::Message { id, .. } => Ok(id),
            reply => Err(unexpected(&reply)),
        }
    }

    /// Ada is alone until so long before the end; her node goes on trying to reach the others.
    fn night_until(&mut self, now: Wall, before: Millis) -> Result<(), Error> {
        let away = [Who::Bob, Who::Grace, Who::Katherine];
        for who in away {
            self.0.set_online(who.place(), false)?;
        }
        self.until(now, before)?;
        for who in away {
            self.0.set_online(who.place(), true)?;
        }
        Ok(())
    }

    /// Lets the time pass until so long before the end.
    fn until(&mut self, now: Wall, before: Millis) -> Result<(), Error> {
        let end = now.0.saturating_sub(before.0);
        self.0.pass(Millis(end.saturating_sub(self.0.wall().0)))
    }

    fn act(&mut self, who: Who, command: Command) -> Result<Reply, Error> {
        self.0.command(who.place(), command)
    }

    fn address(&self, who: Who) -> OnionAddress {
        self.0.address(who.place())
    }

    fn with(&self, who: Who) -> ConversationId {
        ConversationId::Direct(self.address(who))
    }
}

/// A message of the scenario.
#[derive(Clone, Copy)]
struct MessageKeyOf {
    author: Who,
    id: MessageId,
}
