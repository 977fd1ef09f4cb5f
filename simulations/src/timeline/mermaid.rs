//! A timeline as a Mermaid sequence diagram, as GitHub draws it. A long run is reduced to its beginning, its faults
//! with the lines around them, and its end.

use std::collections::BTreeSet;

use super::lines::{LineKind, TimelineEntry};
use super::{Timeline, clock};
use crate::node_index::NodeIndex;

/// The most lines that are drawn, and how many of them at the end.
const MOST: usize = 90;
const LAST: usize = 30;
/// Lines before and after a fault.
const AROUND: usize = 2;
/// Background of the scenario's faults, and of lines with choices.
const BAD: &str = "255, 205, 205";
const CHANCE: &str = "255, 240, 200";

impl Timeline {
    /// The diagram. Its last note is the run's verdict.
    pub fn mermaid(&self, verdict: &str, well: bool) -> String {
        let everyone = match self.people() {
            0 | 1 => NodeIndex(0).to_string(),
            people => format!("{},{}", NodeIndex(0), NodeIndex(people - 1)),
        };
        let mut diagram = vec!["sequenceDiagram".to_owned()];
        diagram.extend((0..self.people().max(1)).map(|peer| format!("    participant {}", NodeIndex(peer))));
        let lines = self.lines();
        let drawn = drawn(&lines);
        let mut left_out = 0;
        for (place, line) in lines.iter().enumerate() {
            if !drawn.contains(&place) {
                left_out += 1;
                continue;
            }
            if left_out > 0 {
                diagram.push(format!("    Note over {everyone}: ({left_out} lines)"));
                left_out = 0;
            }
            diagram.push(draw(line, &everyone));
        }
        let verdict = escaped(verdict.lines().next().unwrap_or_default());
        let verdict = format!("    Note over {everyone}: {verdict}");
        diagram.push(if well { verdict } else { marked(BAD, &verdict) });
        diagram.join("\n") + "\n"
    }
}

/// Which lines are drawn.
fn drawn(lines: &[TimelineEntry]) -> BTreeSet<usize> {
    let all = lines.len();
    if all <= MOST {
        return (0..all).collect();
    }
    let mut drawn: BTreeSet<_> = (all - LAST..all).collect();
    let bad = |line: &TimelineEntry| matches!(line.what, LineKind::Fault(..)) || !line.chance.is_empty();
    // The nearer to the end, the more it matters.
    for place in (0..all).rev().filter(|place| bad(&lines[*place])) {
        if drawn.len() >= MOST {
            return drawn;
        }
        drawn.extend(place.saturating_sub(AROUND)..(place + AROUND + 1).min(all));
    }
    for place in 0..all {
        if drawn.len() >= MOST {
            break;
        }
        drawn.insert(place);
    }
    drawn
}

fn draw(line: &TimelineEntry, everyone: &str) -> String {
    let time = clock(line.at);
    let chance = if line.chance.is_empty() {
        String::new()
    } else {
        format!("<br/>[{}]", line.chance.join(", "))
    };
    let note = |over: &str, text: &str| format!("    Note over {over}: {time} {}{chance}", escaped(text));
    let drawn = match &line.what {
        LineKind::Power(peer, true) => note(&peer.to_string(), "starts"),
        LineKind::Power(peer, false) => note(&peer.to_string(), "is off"),
        LineKind::Own(peer, text) => note(&peer.to_string(), text),
        LineKind::Arrow(from, to, label) => format!("    {from}->>{to}: {time} {}{chance}", escaped(label)),
        LineKind::Note(text) => note(everyone, text),
        LineKind::Fault(peers, text) => {
            let over = match peers[..] {
                [peer] => peer.to_string(),
                [a, b] => format!("{a},{b}"),
                _ => everyone.to_owned(),
            };
            note(&over, text)
        }
    };
    match &line.what {
        LineKind::Fault(..) => marked(BAD, &drawn),
        _ if !line.chance.is_empty() => marked(CHANCE, &drawn),
        _ => drawn,
    }
}

fn marked(colour: &str, drawn: &str) -> String {
    format!("    rect rgb({colour})\n{drawn}\n    end")
}

/// Escapes what has a meaning in Mermaid, and breaks long texts.
fn escaped(text: &str) -> String {
    const WIDTH: usize = 34;
    let mut written = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            written += if length + word.len() > WIDTH { "<br/>" } else { " " };
            length = if length + word.len() > WIDTH { 0 } else { length + 1 };
        }
        written.extend(word.chars().map(|letter| match letter {
            '#' | ';' | '<' | '>' | '%' => format!("#{};", u32::from(letter)),
            _ => letter.to_string(),
        }));
        length += word.len();
    }
    written
}
