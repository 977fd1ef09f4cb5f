//! Runs a node on tokio: [`start`] spawns the driver, which is [`sotto_io`]. `sotto-io-smol` is its twin on
//! smol.
//!
//! ```
//! use sotto_core::{Command, Reply};
//! use sotto_io_sqlcipher::{Store, StoreKey};
//! use sotto_io_tokio::{NodeConfig, Local, start};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let key = StoreKey::new([1; 32], [2; 16]); // a real key is random, or derived from a passphrase
//! let store = Store::create(&folder.path().join("sotto.db"), &key)?;
//! let (node, task) = start(NodeConfig::new(store, Local::new(folder.path().join("network")))).await?;
//!
//! let Ok(Reply::Identity { address, .. }) = node.command(Command::Identity).await? else { unreachable!() };
//! assert!(folder.path().join("network").join(address.to_string()).exists(), "it listens under its address");
//!
//! node.shutdown().await;
//! task.await??;
//! # Ok(())
//! # }
//! ```

mod descriptor;
mod local;
mod runtime;

pub use runtime::Tokio;
use sotto_core::row::RowStore;
pub use sotto_io::{
    DialFuture, DriverError, ListenError, Listener, Missed, NodeConfig, NodeHandle, Notices, Offline, Stopped, Stream,
    Transport, Wiretap,
};
use tokio::task::JoinHandle;

/// [`sotto_io::Local`] on tokio.
pub type Local = sotto_io::Local<Tokio>;

/// The task that drives a node on a store `S`.
pub type NodeTask<S> = JoinHandle<Result<(), DriverError<<S as RowStore>::Error>>>;

/// Starts a node. Returns when the node is open and listens; every error of the start is returned here.
///
/// The task ends after [`NodeHandle::shutdown`], when the last handle is dropped, or with a permanent error. Aborting it is a
/// crash, as far as the node can tell; the store is closed by the time that the task is gone.
pub async fn start<S: RowStore>(config: NodeConfig<S>) -> Result<(NodeHandle, NodeTask<S>), DriverError<S::Error>> {
    let (handle, driver) = sotto_io::open(config, Tokio).await?;
    Ok((handle, tokio::spawn(driver)))
}
