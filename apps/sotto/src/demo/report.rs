//! [`Report`] of the demo while it runs: lines for a person, one JSON object a step for a program.

use std::fmt::Write as _;
use std::io;
use std::time::Instant;

use serde::Serialize;
use sotto_cli::output::{self, Output, Tone, block};

/// Columns of a step's line.
const WIDTH: usize = 78;

/// Prints the steps. Clones share one start time.
#[derive(Clone, Debug)]
pub struct Report {
    output: Output,
    begun: Instant,
}

/// One thing done.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the JSON object")]
struct Step<'a> {
    step: &'a str,
    ok: bool,
    ms: u128,
    what: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

/// One message.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MessageReport<'a> {
    /// Always `message`.
    pub step: &'static str,
    /// Who says it.
    pub from: &'a str,
    /// What.
    pub text: &'a str,
    /// How long until the other side had it on disk.
    pub delivered_ms: u128,
}

impl Report {
    /// A report that starts now.
    pub fn new(output: Output) -> Self {
        Self {
            output,
            begun: Instant::now(),
        }
    }

    /// A headline.
    pub fn heading(&self, text: &str) -> io::Result<()> {
        if self.output.json {
            return Ok(());
        }
        output::print(&format!("\n{}\n\n", Tone::Strong.paint(text)))
    }

    /// Something was done, or proven, that began at `since`.
    pub fn done(&self, step: &str, since: Instant, what: &str, detail: &str) -> io::Result<()> {
        let ms = since.elapsed().as_millis();
        if self.output.json {
            return output::object(&Step {
                step,
                ok: true,
                ms,
                what,
                detail,
            });
        }
        let took = format!("{ms} ms");
        let gap = WIDTH.saturating_sub(what.chars().count() + took.len());
        let mut text = format!(
            "  {} {what}{} {}\n",
            Tone::Good.paint("✓"),
            " ".repeat(gap),
            Tone::Faint.paint(&took)
        );
        if !detail.is_empty() {
            let _ = writeln!(text, "    {}", Tone::Faint.paint(&block(detail, 4)));
        }
        output::print(&text)
    }

    /// A message was delivered.
    pub fn said(&self, line: MessageReport<'_>) -> io::Result<()> {
        if self.output.json {
            return output::object(&line);
        }
        let MessageReport {
            from,
            text,
            delivered_ms,
            ..
        } = line;
        let tone = if from.starts_with('A') {
            Tone::Author
        } else {
            Tone::Warning
        };
        let took = format!("delivered in {delivered_ms} ms");
        let gap = 70_usize.saturating_sub(text.chars().count() + took.len());
        output::print(&format!(
            "    {} {text}{} {}\n",
            tone.paint(&format!("{from:<6}")),
            " ".repeat(gap),
            Tone::Faint.paint(&took)
        ))
    }

    /// The last word.
    pub fn finish(&self) -> io::Result<()> {
        let what = "nothing is left behind: both daemons have ended, the temporary folder is gone";
        let ms = self.begun.elapsed().as_millis();
        if self.output.json {
            return output::object(&Step {
                step: "done",
                ok: true,
                ms,
                what,
                detail: "",
            });
        }
        output::print(&format!(
            "  {} {what}\n\n{}\n",
            Tone::Good.paint("✓"),
            Tone::Strong.paint(&format!(
                "All of it held, in {:.1} s.",
                self.begun.elapsed().as_secs_f64()
            ))
        ))?;
        self.output
            .remark("Your own: sotto init --name NAME, then sotto daemon start");
        Ok(())
    }
}
