//! From a file's text to a [`Script`]. A [`ParseError`] says what is wrong, with the file, the line and the word.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::Script;
use super::ast::{Beginning, Condition, File, Label, Send, Step, Who};
use crate::choice::{ENVIRONMENT_FAULTS, Faults};
use crate::node_index::{NAMES, NodeIndex};

/// Why a file is not a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub why: String,
    /// The line's text.
    source: String,
    /// How many characters are wrong.
    width: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, gap) = (self.line.to_string(), " ".repeat(self.column - 1));
        let margin = " ".repeat(line.len());
        writeln!(f, "{}:{line}:{}: {}", self.file, self.column, self.why)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{line} | {}", self.source)?;
        write!(f, "{margin} | {gap}{}", "^".repeat(self.width))
    }
}

/// The script, and who are friends in the end.
pub fn parse(name: &str, text: &str) -> Result<(Script, Vec<(NodeIndex, NodeIndex)>), ParseError> {
    let wrong = |place: Range<usize>, why: String| parse_error(name, text, place, why);
    let file: File = toml::from_str(text).map_err(|error| {
        let why = error.message().lines().collect::<Vec<_>>().join(": ");
        wrong(narrowed(text, error.span().unwrap_or(0..0), &why), why)
    })?;
    let (faults, friends) = check(&file).map_err(|(place, why)| wrong(place, why))?;
    let own_name = Path::new(name).file_name().unwrap_or_default();
    let script = Script {
        name: own_name.to_string_lossy().into_owned(),
        text: text.to_owned(),
        file,
        faults,
    };
    Ok((script, friends))
}

/// The number of the line at a place, counted from 1.
pub fn line(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
}

fn parse_error(file: &str, text: &str, place: Range<usize>, why: String) -> ParseError {
    let before = text.get(..place.start).unwrap_or(text);
    let begins = before.rfind('\n').map_or(0, |newline| newline + 1);
    let source = text[begins..].lines().next().unwrap_or_default();
    let marked = text
        .get(place)
        .and_then(|marked| marked.lines().next())
        .unwrap_or_default();
    ParseError {
        file: file.to_owned(),
        line: line(text, before.len()),
        column: before[begins..].chars().count() + 1,
        why,
        source: source.to_owned(),
        width: marked.chars().count().max(1),
    }
}

/// The TOML parser places some errors at the enclosing table. The word that the error names is searched from there.
fn narrowed(text: &str, place: Range<usize>, why: &str) -> Range<usize> {
    let found = || {
        let word = why.split('`').nth(1).filter(|word| !word.is_empty())?;
        let after = text.get(place.start..)?;
        let quoted = after.find(&format!("\"{word}\""));
        let at = place.start + quoted.map(|at| at + 1).or_else(|| after.find(word))?;
        Some(at..at + word.len())
    };
    if why.starts_with("missing") {
        place
    } else {
        found().unwrap_or(place)
    }
}

type Wrong = (Range<usize>, String);

fn check(file: &File) -> Result<(Faults, Vec<(NodeIndex, NodeIndex)>), Wrong> {
    let people = *file.people.as_ref();
    if !(2..=NAMES.len()).contains(&people) {
        return Err((file.people.span(), format!("there can be 2 to {} peers", NAMES.len())));
    }
    let mut names = Names {
        people,
        ..Names::default()
    };
    file.steps.iter().try_for_each(|step| names.step(step))?;
    file.end.iter().try_for_each(|condition| names.condition(condition))?;
    let all = (0..people).flat_map(|a| (a + 1..people).map(move |b| (NodeIndex(a), NodeIndex(b))));
    let friends = match (&file.friends, file.begin) {
        (Some(pairs), _) => {
            pairs.iter().try_for_each(|pair| names.two(pair))?;
            pairs.iter().map(|[a, b]| (a.as_ref().0, b.as_ref().0)).collect()
        }
        (None, Beginning::Friends) => all.collect(),
        (None, Beginning::Strangers) => Vec::new(),
    };
    Ok((faults(file)?, friends))
}

fn faults(file: &File) -> Result<Faults, Wrong> {
    let known = |(name, odds): (&Spanned<String>, &Spanned<u32>)| {
        let fault = ENVIRONMENT_FAULTS.iter().find(|fault| fault.key() == *name.as_ref());
        let fault = fault.ok_or_else(|| {
            let keys: Vec<_> = ENVIRONMENT_FAULTS.iter().map(|fault| fault.key()).collect();
            (
                name.span(),
                format!("no fault is called `{}`; faults are {}", name.as_ref(), keys.join(", ")),
            )
        })?;
        if *odds.as_ref() == 0 {
            return Err((
                odds.span(),
                "once in 0 times is not possible; remove the fault".to_owned(),
            ));
        }
        Ok((fault.label, *odds.as_ref()))
    };
    file.faults.iter().map(known).collect()
}

/// The names that the file has given so far.
#[derive(Default)]
struct Names {
    people: usize,
    messages: BTreeSet<String>,
    invites: BTreeSet<String>,
    backups: BTreeSet<String>,
}

impl Names {
    fn step(&mut self, step: &Spanned<Step>) -> Result<(), Wrong> {
        match step.as_ref() {
            Step::Add(add) => {
                self.others(&add.by, &add.contact)?;
                add.invite
                    .as_ref()
                    .map_or(Ok(()), |invite| known(&self.invites, invite, "invite"))
            }
            Step::Accept(pair) | Step::Decline(pair) | Step::Remove(pair) | Step::Block(pair) | Step::Unblock(pair) => {
                self.others(&pair.by, &pair.contact)
            }
            Step::Timer(timer) => {
                self.others(&timer.by, &timer.contact)?;
                seconds(&timer.after).map(drop)
            }
            Step::Befriend(pair) | Step::Partition(pair) | Step::Cut(pair) | Step::Silence(pair) => self.two(pair),
            Step::Invite(named) => {
                self.one(&named.by)?;
                new(&mut self.invites, &named.name)
            }
            Step::Backup(named) => {
                self.one(&named.by)?;
                new(&mut self.backups, &named.name)
            }
            Step::Restore(backup) => known(&self.backups, backup, "backup"),
            Step::Send(send) => self.send(send),
            Step::Edit(edit) => known(&self.messages, &edit.of, "message"),
            Step::React(react) => known(&self.messages, &react.of, "message"),
            Step::Delete(of) | Step::Read(of) | Step::Cancel(of) | Step::Retry(of) => {
                known(&self.messages, of, "message")
            }
            Step::Together(steps) => steps.iter().try_for_each(|step| self.command(step)),
            Step::Refused(step) => self.command(step),
            Step::Off(who) | Step::On(who) | Step::Restart(who) | Step::LoseSessions(who) => self.one(who),
            Step::Crash(crash) => self.one(&crash.of),
            Step::Suspend(suspend) => {
                self.one(&suspend.of)?;
                positive(&suspend.span)
            }
            Step::Clock(clock) => self.one(&clock.of),
            Step::RefuseDials(refuse) => self.one(&refuse.of),
            Step::Split(longest) if *longest.as_ref() == 0 => {
                Err((longest.span(), "a piece has at least one byte".to_owned()))
            }
            Step::Split(_) | Step::Heal | Step::Wait(_) => Ok(()),
            Step::Until(condition) | Step::Expect(condition) => self.condition(condition),
        }
    }

    /// Checks a command to a node.
    fn command(&mut self, step: &Spanned<Step>) -> Result<(), Wrong> {
        if !step.as_ref().is_command() {
            return Err((step.span(), "this is not a command to a node".to_owned()));
        }
        self.step(step)
    }

    fn send(&mut self, send: &Send) -> Result<(), Wrong> {
        self.others(&send.by, &send.to)?;
        if let Some(times) = &send.times
            && !(1..=1000).contains(times.as_ref())
        {
            return Err((times.span(), "it can be sent 1 to 1000 times".to_owned()));
        }
        if let Some(span) = &send.disappears {
            seconds(span)?;
        }
        send.name.as_ref().map_or(Ok(()), |name| new(&mut self.messages, name))
    }

    fn condition(&self, spanned: &Spanned<Condition>) -> Result<(), Wrong> {
        let condition = spanned.as_ref();
        if condition.is_empty() {
            return Err((spanned.span(), "the condition is empty".to_owned()));
        }
        for pair in condition.friends.iter().chain(&condition.quiescent) {
            self.two(pair)?;
        }
        if let Some(links) = &condition.links {
            self.two(&links.between)?;
        }
        if let Some(relationship) = &condition.relationship {
            self.others(&relationship.of, &relationship.with)?;
        }
        if let Some(received) = &condition.received {
            self.others(&received.by, &received.from)?;
        }
        if let Some(waiting) = &condition.waiting {
            self.others(&waiting.by, &waiting.to)?;
        }
        if let Some(holds) = &condition.holds {
            self.one(&holds.by)?;
        }
        if let Some(state) = &condition.state {
            known(&self.messages, &state.of, "message")?;
        }
        if let Some(reaction) = &condition.reaction {
            known(&self.messages, &reaction.of, "message")?;
        }
        condition.within.as_ref().map_or(Ok(()), positive)
    }

    fn two(&self, [a, b]: &[Who; 2]) -> Result<(), Wrong> {
        self.others(a, b)
    }

    /// Two different peers.
    fn others(&self, a: &Who, b: &Who) -> Result<(), Wrong> {
        self.one(a)?;
        self.one(b)?;
        if a.as_ref() == b.as_ref() {
            return Err((b.span(), "that is the same peer".to_owned()));
        }
        Ok(())
    }

    fn one(&self, who: &Who) -> Result<(), Wrong> {
        if who.as_ref().0.0 < self.people {
            return Ok(());
        }
        let present = NAMES[..self.people].join(", ");
        Err((who.span(), format!("there are {} peers: {present}", self.people)))
    }
}

fn new(names: &mut BTreeSet<String>, name: &Label) -> Result<(), Wrong> {
    if names.insert(name.as_ref().clone()) {
        Ok(())
    } else {
        Err((name.span(), format!("`{}` is taken already", name.as_ref())))
    }
}

fn known(names: &BTreeSet<String>, name: &Label, what: &str) -> Result<(), Wrong> {
    if names.contains(name.as_ref()) {
        return Ok(());
    }
    let known = names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let known = if known.is_empty() {
        "none has a name yet".to_owned()
    } else {
        format!("there is {known}")
    };
    Err((
        name.span(),
        format!("no {what} is called `{}` before this step; {known}", name.as_ref()),
    ))
}

fn positive(span: &Spanned<super::values::Span>) -> Result<(), Wrong> {
    if span.as_ref().millis > 0 {
        return Ok(());
    }
    Err((span.span(), "this must be more than 0".to_owned()))
}

/// Timers count whole seconds.
pub fn seconds(span: &Spanned<super::values::Span>) -> Result<u32, Wrong> {
    let millis = span.as_ref().millis;
    let whole = u32::try_from(millis / 1000).ok().filter(|_| millis % 1000 == 0);
    whole.ok_or_else(|| (span.span(), "timers are whole seconds".to_owned()))
}
