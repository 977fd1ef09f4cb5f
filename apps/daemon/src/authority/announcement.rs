//! [`Announcement`]: the audit entry of a message that the owner sends. It is handed to the node right before the message, so it is
//! never durable after it, and many messages wait for one commit.

use std::sync::Arc;

use sotto_api::{Error, Kind};
use sotto_core::{Command, MessageId, NewMessage, Reply};
use tokio::sync::{mpsc, oneshot};

use super::audit::AuditRecord;
use super::change::entry;
use crate::api_error;
use crate::call::Call;
use crate::handler::kind_name;
use crate::service::{Service, unexpected};

/// Messages that wait until they are announced.
pub(crate) const WAITING: usize = 256;

/// Messages that are announced together. One command takes 64 records: these, the head of the log, and the entries that it drops.
const TOGETHER: usize = 12;

/// A message of the owner's.
#[derive(Debug)]
pub(crate) struct Announced {
    /// None of a message with a key: whether it was sent before is known later, and so is its id.
    entry: Option<AuditRecord>,
    message: NewMessage,
    reply: oneshot::Sender<Result<Reply, Error>>,
}

impl Call {
    /// Sends a message of the owner's behind its audit entry, and after those that were submitted before. The future that this
    /// gives waits for the reply.
    pub async fn submit_announced(
        &self,
        mut message: NewMessage,
    ) -> Result<impl Future<Output = Result<Reply, Error>> + Send + use<>, Error> {
        let entry = match &message.idempotency_key {
            Some(_) => None,
            None => Some(self.announcement(&mut message)?),
        };
        let (reply, replied) = oneshot::channel();
        let announced = Announced { entry, message, reply };
        self.announcements.send(announced).await.map_err(|_| stopped())?;
        Ok(async move { replied.await.unwrap_or_else(|_| Err(stopped())) })
    }

    /// Gives a message the id that its entry names.
    fn announcement(&self, message: &mut NewMessage) -> Result<AuditRecord, Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| Error::new(Kind::Io, format!("the operating system has no random numbers: {error}")))?;
        message.id = Some(MessageId(id));
        let mut trace = self.trace();
        trace.message = Some(MessageId(id).to_string());
        trace.announced = true;
        Ok(entry(
            self.opened().principal.shown(),
            "messages.send",
            trace.clone(),
            "permitted",
        ))
    }
}

fn stopped() -> Error {
    api_error::stopped(sotto_io_tokio::Stopped)
}

impl Service {
    /// Announces and sends what is submitted, for as long as the daemon runs.
    pub async fn send_announced(self: Arc<Self>, mut submitted: mpsc::Receiver<Announced>) {
        let mut batch = Vec::with_capacity(TOGETHER);
        while submitted.recv_many(&mut batch, TOGETHER).await > 0 {
            let batch = std::mem::take(&mut batch);
            let entries = batch.iter().filter_map(|one| one.entry.clone()).collect();
            match self.submit_batch(entries, batch).await {
                Ok(submitted) => drop(tokio::spawn(submitted)),
                // The replies that were waited for are dropped, which is an error for each.
                Err(error) => tracing::warn!(kind = ?error.kind(), "messages cannot be announced"),
            }
        }
    }

    /// Hands the entries to the node, and the messages right behind them. The entries are durable when this returns; the future
    /// that it gives waits for the messages.
    async fn submit_batch(
        self: &Arc<Self>,
        entries: Vec<AuditRecord>,
        batch: Vec<Announced>,
    ) -> Result<impl Future<Output = ()> + Send + use<>, Error> {
        let turn = self.turn().await;
        let (records, head) = self.appended(entries).await?;
        let put = Command::PutRecords { records, event: None };
        let recorded = self.node.submit(put).await.map_err(api_error::stopped)?;
        let mut submitted = Vec::with_capacity(batch.len());
        for announced in batch {
            let sent = self.node.submit(Command::Send(announced.message)).await;
            submitted.push((announced.entry, sent.map_err(api_error::stopped)?, announced.reply));
        }
        match recorded.await.map_err(api_error::stopped)? {
            Ok(Reply::Done) => self.authority.state().audit = head,
            Ok(reply) => return Err(unexpected(&reply)),
            Err(refusal) => return Err(api_error::refusal(&refusal)),
        }
        drop(turn);
        let service = self.clone();
        Ok(async move {
            for (entry, sent, reply) in submitted {
                let sent = sent.await;
                let sent = sent.map_err(|stopped| api_error::stopped_in(&service.profile, stopped));
                let sent = sent.and_then(|sent| sent.map_err(|refusal| api_error::refusal(&refusal)));
                if let (Err(error), Some(entry)) = (&sent, entry) {
                    service.audit_refusal(entry, error).await;
                }
                // The client may be gone.
                let _ = reply.send(sent);
            }
        })
    }

    /// What was announced did not happen.
    async fn audit_refusal(&self, mut entry: AuditRecord, error: &Error) {
        entry.outcome = kind_name(error.kind());
        entry.message = None;
        if let Err(error) = self.audit(entry, true).await {
            tracing::warn!(kind = ?error.kind(), "the audit log cannot be written");
        }
    }
}
