//! Runs a node on tokio. [`start`] is all there is to it; the driver itself is [`sotto_io`], and `sotto-io-smol` is the
//! same on smol.
//!
//! ```
//! use sotto_core::{Command, Reply};
//! use sotto_io_sqlcipher::{Store, StoreKey};
//! use sotto_io_tokio::{Config, Local, start};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let key = StoreKey::new([1; 32], [2; 16]); // better: random, or derived from a passphrase
//! let store = Store::create(&folder.path().join("sotto.db"), &key)?;
//! let (node, task) = start(Config::new(store, Local::new(folder.path().join("network")))).await?;
//!
//! let Ok(Reply::Identity { address, .. }) = node.command(Command::Identity).await? else { unreachable!() };
//! assert!(folder.path().join("network").join(address.to_string()).exists(), "it listens under its address");
//!
//! node.shutdown().await;
//! task.await??;
//! # Ok(())
//! # }
//! ```

mod local;
mod runtime;
mod timer;

pub use runtime::Tokio;
pub use sotto_io::{
    Config, Dialling, DriverError, ListenError, Listener, NodeHandle, Notices, Offline, Stopped, Storage, Stream,
    Transport, Wiretap,
};
use tokio::task::JoinHandle;

/// The transport of one directory.
pub type Local = sotto_io::Local<Tokio>;

/// Starts a node; returns when it is open and listens. What is wrong by then is the error here, whatever it is.
///
/// The task ends after [`NodeHandle::shutdown`], when the last handle is dropped, or with an error that will not pass.
/// Aborting it is a crash, as far as the node can tell; the store is closed once the task is gone.
pub async fn start(config: Config) -> Result<(NodeHandle, JoinHandle<Result<(), DriverError>>), DriverError> {
    let (handle, life) = sotto_io::open(config, Tokio).await?;
    Ok((handle, tokio::spawn(life)))
}
