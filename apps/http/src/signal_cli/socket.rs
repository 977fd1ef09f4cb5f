//! signal-cli's shape on a Unix socket: a line of JSON-RPC each, `subscribeReceive` and the `receive` notifications that
//! follow. Only the owner can open the socket, and only the owner is served.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};
use sotto_api::rpc::{self, Incoming, JsonLine as _, Response};
use sotto_api::{Error, Kind};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::SignalCli;
use super::receiver::Ended;
use crate::event_stream::{Chunk, ChunkSender};
use crate::server::Disconnect;

/// Clients at the same time.
const CLIENTS: usize = 16;

/// Subscriptions of one connection.
const SUBSCRIPTIONS: usize = 4;

/// Longest line of a request.
const LONGEST: usize = 1 << 20;

/// Rest after the operating system refused to accept.
const REFUSED: Duration = Duration::from_secs(1);

/// Serves clients until it is dropped.
pub(super) async fn run(listener: UnixListener, signal_cli: Arc<SignalCli>) {
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) if clients.len() < CLIENTS && is_ours(&stream) => {
                clients.spawn(serve(stream, signal_cli.clone()));
            }
            Ok(_) => tracing::warn!("a client of signal-cli's socket was refused"),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a client of signal-cli's socket");
                sleep(REFUSED).await;
            }
        }
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

async fn serve(stream: UnixStream, signal_cli: Arc<SignalCli>) {
    let (reader, writer) = stream.into_split();
    let disconnect = Disconnect::default();
    let (sender, chunks) = ChunkSender::channel(disconnect.clone());
    let connection = Connection {
        signal_cli,
        sender: Arc::new(sender),
        subscriptions: JoinSet::new(),
        last: 0,
    };
    let lines = FramedRead::new(reader, LinesCodec::new_with_max_length(LONGEST));
    tokio::select! {
        // What is queued when the client closes its side is still written.
        ((), ()) = async { tokio::join!(connection.read(lines), write(writer, chunks)) } => {}
        () = disconnect.requested() => {}
    }
}

async fn write(mut writer: OwnedWriteHalf, mut chunks: mpsc::Receiver<Chunk>) {
    while let Some(chunk) = chunks.recv().await {
        if writer.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

struct Connection {
    signal_cli: Arc<SignalCli>,
    sender: Arc<ChunkSender>,
    subscriptions: JoinSet<()>,
    last: u64,
}

impl Connection {
    async fn read(mut self, mut lines: FramedRead<tokio::net::unix::OwnedReadHalf, LinesCodec>) {
        while let Some(line) = lines.next().await {
            let answer = match line {
                Ok(line) if line.trim_ascii().is_empty() => None,
                Ok(line) => self.answer(&line).await,
                Err(LinesCodecError::MaxLineLengthExceeded) => {
                    let why = format!("the line is longer than {LONGEST} bytes");
                    Response::nameless(Error::new(Kind::InvalidRequest, why)).line().ok()
                }
                Err(LinesCodecError::Io(_)) => return,
            };
            if let Some(answer) = answer
                && self.sender.send(answer + "\n").await.is_err()
            {
                return;
            }
        }
    }

    async fn answer(&mut self, line: &str) -> Option<String> {
        let Incoming::One(Ok(request)) = rpc::parse(line) else {
            return self.signal_cli.answer(line).await;
        };
        let outcome = match request.method.as_str() {
            "subscribeReceive" => self.subscribe(&request),
            "unsubscribeReceive" => {
                // signal-cli's number is of no use here: a connection that receives twice receives the same.
                self.subscriptions.abort_all();
                Ok(Value::Null)
            }
            _ => return self.signal_cli.answer(line).await,
        };
        let id = request.id?;
        Response::new(id, outcome).line().ok()
    }

    fn subscribe(&mut self, request: &rpc::Request) -> Result<Value, Error> {
        while self.subscriptions.try_join_next().is_some() {}
        if self.subscriptions.len() >= SUBSCRIPTIONS {
            let why = format!("one connection may have {SUBSCRIPTIONS} subscriptions");
            return Err(Error::new(Kind::RateLimited, why));
        }
        let number = self.last;
        self.last += 1;
        let account = request.params.get("account").and_then(Value::as_str).map(str::to_owned);
        let (signal_cli, sender) = (self.signal_cli.clone(), self.sender.clone());
        self.subscriptions.spawn(async move {
            let format = |envelope: &Value| {
                let params = json!({ "subscription": number, "result": envelope });
                format!(
                    "{}\n",
                    json!({ "jsonrpc": "2.0", "method": "receive", "params": params })
                )
            };
            let ended = signal_cli.receive(account.as_deref(), &sender, format, None).await;
            if let Err(Ended::Failed(error)) = ended {
                tracing::warn!(kind = ?error.kind(), "a subscription of signal-cli's socket ends");
                // Nothing in signal-cli's shape says that a subscription has ended, and its client would wait for ever. It connects
                // again when the connection ends.
                sender.disconnect();
            }
        });
        Ok(json!(number))
    }
}
