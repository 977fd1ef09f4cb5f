//! A run in its two views: columns in plain ASCII, and a sequence diagram.

use sotto_simulations::{Choices, CrashPoint, Run, Scenario, Timeline, timeline};

/// Bob's node crashes at its third output, and the commit in flight is lost.
fn crash() -> Timeline {
    let crash: CrashPoint = "bob:3:lost:cut".parse().expect("a crash point");
    let run = Run::crashing(Scenario::named("one_message").expect("in the library"), crash);
    timeline(run, Choices::harmless())
}

#[test]
fn columns_show_machines_and_traffic() {
    let lines = crash().columns();
    assert!(lines.iter().all(|line| line.is_ascii()), "{lines:#?}");
    let head: Vec<_> = lines[0].split_whitespace().collect();
    assert_eq!(head, ["time", "alice", "bob"]);
    let columns = ["alice", "bob"].map(|name| lines[0].find(name).expect("a head"));
    let place = |what: &str| {
        let found = lines.iter().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("nowhere: {what}\n{lines:#?}"))
    };
    let (dies, back) = (place("crashes; the commit in flight is Lost"), place("goodbye bob"));
    assert!(lines[dies].starts_with("!!") && dies < back);
    let lifelines = |line: &str| columns.map(|column| line.as_bytes()[column]);
    assert_eq!(
        lifelines(&lines[place("is asked to send bob \"are you there?\"")]),
        *b"||"
    );
    assert_eq!(lifelines(&lines[place("is off")]), *b"|:");
    assert_eq!(lifelines(&lines[place("goodbye bob")]), *b"||");
    let arrow = &lines[place("--- link ---")];
    assert!(
        arrow[columns[0]..].starts_with("|--") && arrow[columns[0]..].ends_with("->|"),
        "{arrow}"
    );
    assert!(place("commits \"are you there?\" from alice") > dies);
}

#[test]
fn a_diagram_is_one_that_mermaid_can_draw() {
    let long = Run::faulty(Scenario::named("everybody_to_everybody").expect("in the library"), 6);
    for (timeline, people) in [(crash(), 2), (timeline(long, long.choices()), 3)] {
        let diagram = timeline.mermaid("it failed; <badly> #1", false);
        let mut lines = diagram.lines();
        assert_eq!(lines.next(), Some("sequenceDiagram"));
        let (mut participants, mut open, mut arrows) = (Vec::new(), false, 0);
        for line in lines {
            let line = line.trim();
            if let Some(name) = line.strip_prefix("participant ") {
                participants.push(name);
            } else if line.starts_with("rect rgb(") || line == "end" {
                assert_eq!(open, line == "end", "{diagram}");
                open = !open;
            } else {
                let (who, text) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
                let who = who.strip_prefix("Note over ").map_or_else(
                    || {
                        arrows += 1;
                        who.split("->>").collect::<Vec<_>>()
                    },
                    |over| over.split(',').collect(),
                );
                assert!(who.iter().all(|name| participants.contains(name)), "{line}");
                let plain = text.replace("<br/>", "");
                assert!(!plain.contains(['<', '>', '%']) && text.len() < 400, "{line}");
                assert_eq!(plain.matches('#').count(), plain.matches(';').count(), "{line}");
            }
        }
        assert_eq!(participants.len(), people);
        assert!(!open && arrows > 3 && diagram.lines().count() < 250);
        assert!(
            diagram.ends_with("it failed#59; #60;badly#62; #35;1\n    end\n"),
            "{diagram}"
        );
    }
}
