//! The interface for a screen reader: lines in, lines out, without a terminal.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use crate::world::{PATIENCE, Person, World};

/// The interface of a person, line by line.
struct Interface {
    process: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

impl Interface {
    fn of(person: &Person) -> Self {
        let mut command = person.command(&["--screen-reader"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the interface starts");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let (lines, said) = channel();
        thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| lines.send(line))
        });
        Self {
            input: process.stdin.take().expect("a pipe"),
            process,
            said,
        }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it reads");
    }

    /// The first line from now on that contains a text.
    #[track_caller]
    fn until(&self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.said.recv_timeout(left) else {
                panic!("{wanted:?} was never said, but {heard:#?}");
            };
            if line.contains(wanted) {
                return line;
            }
            heard.push(line);
        }
    }
}

#[test]
fn a_conversation_by_lines_and_the_end_of_input_ends_it() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let mut interface = Interface::of(&alice);
    interface.until("Network: reachable");
    interface.write("/palette");
    let row = interface.until("bob");
    let (number, _) = row.split_once(':').expect("a numbered row");
    interface.write(number);
    interface.until("Conversation with bob");
    interface.write("hello by lines");
    interface.until("delivered: hello by lines");
    let ran = bob.run(&["send", "alice", "an answer"]);
    assert!(ran.status.success(), "{ran:#?}");
    interface.until("an answer");
    interface.write("/no-such-command");
    interface.until("There is no command /no-such-command.");
    drop(interface.input);
    let ended = interface.process.wait().expect("it ends");
    assert!(ended.success(), "{ended}");
    alice.json(&["status"]);
}
