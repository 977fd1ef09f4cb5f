//! The limit: a bare arti stream without Sotto.

use std::future::poll_fn;
use std::time::Duration;

use futures::StreamExt as _;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use sotto_core::row::IdentityRow;
use sotto_core::{Availability, Wall};
use sotto_io::{Stream, Transport as _};
use sotto_io_tor::{Reachability, Tor, TorLimits, runtime};
use tempfile::TempDir;
use toml::Table;
use tor_rtcompat::tokio::TokioRustlsRuntime;

use crate::timed;
use crate::tor_node::TorNode;

pub struct Bare {
    stream: Stream,
    /// Descriptor, introduction, rendezvous and stream.
    pub dialled_in: Duration,
    _service: Tor<TokioRustlsRuntime>,
    _folder: TempDir,
}

impl Bare {
    /// Dials an onion service that counts the bytes that it receives.
    pub async fn from(dialler: &TorNode, table: &Table) -> Self {
        let folder = TempDir::new().expect("a folder");
        let runtime = runtime::tokio().expect("tokio");
        let tor = Tor::start(runtime, folder.path(), table.clone(), TorLimits::DEFAULT).expect("Tor starts");
        let identity = IdentityRow {
            onion_seed: [0x77; 32],
            signal_identity: Vec::new(),
            registration_id: 1,
            name: String::new(),
            created_at: Wall(0),
            availability: Availability::default(),
            default_timer: 0,
        };
        let mut listener = tor.listen(&identity).expect("no other listener");
        let mut changes = tor.status_changes();
        tokio::spawn(async move {
            // Self-probes connect and send nothing.
            loop {
                tokio::spawn(count(poll_fn(|cx| listener.poll_accept(cx)).await));
            }
        });
        while changes.next().await.expect("Tor runs").reachability != Reachability::Reachable {}
        let (dialled_in, stream) = timed(dialler.tor.dial(identity.address())).await;
        Self {
            stream: stream.expect("a stream"),
            dialled_in,
            _service: tor,
            _folder: folder,
        }
    }

    /// The time until the other side confirms this many bytes.
    pub async fn deliver(&mut self, bytes: usize) -> Duration {
        let length = u64::try_from(bytes).expect("in memory").to_be_bytes();
        let message = [&length[..], &vec![0x55; bytes - length.len()]].concat();
        let Stream { reader, writer, .. } = &mut self.stream;
        let delivering = async {
            writer.write_all(&message).await?;
            writer.flush().await?;
            // As long as the smallest record, which is that of an acknowledgement.
            reader.read_exact(&mut [0; ANSWER]).await
        };
        let (took, delivered) = timed(delivering).await;
        delivered.expect("delivered");
        took
    }
}

const ANSWER: usize = 64;

/// Confirms each message.
async fn count(stream: Stream) -> std::io::Result<()> {
    let Stream {
        mut reader, mut writer, ..
    } = stream;
    loop {
        let mut length = [0; 8];
        reader.read_exact(&mut length).await?;
        let mut left = usize::try_from(u64::from_be_bytes(length)).expect("in memory") - length.len();
        let mut buffer = [0; 8192];
        while left > 0 {
            let room = left.min(buffer.len());
            match reader.read(&mut buffer[..room]).await? {
                0 => return Ok(()),
                got => left -= got,
            }
        }
        writer.write_all(&[1; ANSWER]).await?;
        writer.flush().await?;
    }
}
