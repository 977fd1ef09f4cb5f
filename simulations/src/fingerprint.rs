//! [`Fingerprint`]: a hash over all outputs of all nodes, to compare two runs.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

use sotto_core::Output;
use sotto_core::row::{Batch, Change, OutboxContent, Row};

/// The hash so far.
#[derive(Clone, Default)]
pub struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Adds one output.
    pub fn output(&mut self, peer: usize, output: &Output) {
        self.0.write_usize(peer);
        match output {
            Output::Commit(id, batch) => {
                self.text(format_args!("{id:?}"));
                self.batch(batch);
            }
            Output::Transmit(link, bytes) => {
                self.text(format_args!("{link:?}"));
                self.bytes(bytes);
            }
            // `Debug` hides only invite tokens of these, and the rows show those.
            other => self.text(format_args!("{other:?}")),
        }
    }

    /// The hash.
    pub fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn batch(&mut self, batch: &Batch) {
        for change in &batch.changes {
            match change {
                Change::Put(row) => self.row("put", row),
                Change::Insert(row) => self.row("insert", row),
                Change::Delete(key) => self.text(format_args!("delete {key:?}")),
            }
        }
    }

    /// A row by its `Debug`, and then what that hides.
    fn row(&mut self, how: &str, row: &Row) {
        self.text(format_args!("{how} {row:?}"));
        match row {
            Row::Identity(row) => {
                self.bytes(&row.onion_seed);
                self.bytes(&row.signal_identity);
                self.text(format_args!(
                    "{} {} {:?}",
                    row.registration_id, row.name, row.created_at
                ));
            }
            Row::Session(row) => self.bytes(&row.record),
            Row::PreKeyOffer(row) => {
                self.bytes(&row.bundle);
                self.bytes(&row.secrets);
            }
            Row::Outbox(row) => {
                if let OutboxContent::Serialised(content) = &row.content {
                    self.bytes(content);
                }
                let (position, message, sealed) = (row.position, row.content.message(), &row.sealed);
                self.text(format_args!("{position:?} {message:?} {sealed:?}"));
                self.text(format_args!("{} {:?} {:?}", row.repeat, row.queued_at, row.expires_at));
            }
            Row::Message(row) => {
                self.text(format_args!("{} {:?} {:?}", row.text, row.content_type, row.thread));
                self.text(format_args!(
                    "{:?} {} {:?} {:?}",
                    row.reply_to, row.ttl, row.sent_at, row.at
                ));
                self.text(format_args!("{:?} {:?}", row.edited_at, row.deleted_at));
            }
            Row::Invite(row) => self.bytes(&row.token.0),
            Row::Contact(row) => self.bytes(row.invite.as_ref().map_or(&[], |invite| &invite.0)),
            Row::Record(row) => self.bytes(&row.value),
            Row::Timer(_)
            | Row::Cursors(_)
            | Row::Request(_)
            | Row::Consumer(_)
            | Row::Delivery(_)
            | Row::Reaction(_)
            | Row::Event(_) => {}
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_usize(bytes.len());
        self.0.write(bytes);
    }

    fn text(&mut self, text: fmt::Arguments<'_>) {
        self.write_fmt(text).expect("hashing cannot fail");
        self.0.write_u8(0xff);
    }
}

impl Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
