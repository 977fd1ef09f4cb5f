//! Runs a node on smol: [`start`] spawns the driver, which is [`sotto_io`]. `sotto-io-tokio` is its twin on
//! tokio.
//!
//! ```
//! use sotto_core::{Command, Reply};
//! use sotto_io_sqlcipher::{Store, StoreKey};
//! use sotto_io_smol::{NodeConfig, Local, start};
//!
//! # smol::block_on(async {
//! # let folder = tempfile::tempdir()?;
//! let key = StoreKey::new([1; 32], [2; 16]); // a real key is random, or derived from a passphrase
//! let store = Store::create(&folder.path().join("sotto.db"), &key)?;
//! let (node, task) = start(NodeConfig::new(store, Local::new(folder.path().join("network")))).await?;
//!
//! let Ok(Reply::Identity { address, .. }) = node.command(Command::Identity).await? else { unreachable!() };
//! assert!(folder.path().join("network").join(address.to_string()).exists(), "it listens under its address");
//!
//! node.shutdown().await;
//! task.await?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod descriptor;
mod local;
mod runtime;

pub use runtime::Smol;
use smol::Task;
use sotto_core::row::RowStore;
pub use sotto_io::{
    DialFuture, DriverError, ListenError, Listener, Missed, NodeConfig, NodeHandle, Notices, Offline, Stopped, Stream,
    Transport, Wiretap,
};

/// [`sotto_io::Local`] on smol.
pub type Local = sotto_io::Local<Smol>;

/// The task that drives a node on a store `S`. Dropping it cancels it.
pub type NodeTask<S> = Task<Result<(), DriverError<<S as RowStore>::Error>>>;

/// Starts a node on smol's global executor. Returns when the node is open and listens; every error of the start is returned
/// here.
///
/// The task ends after [`NodeHandle::shutdown`], when the last handle is dropped, or with a permanent error. Cancelling it is
/// a crash, as far as the node can tell; the store is closed by the time that the task is gone.
pub async fn start<S: RowStore>(config: NodeConfig<S>) -> Result<(NodeHandle, NodeTask<S>), DriverError<S::Error>> {
    let (handle, driver) = sotto_io::open(config, Smol).await?;
    Ok((handle, smol::spawn(driver)))
}
