//! Runs a node on smol. [`start`] is all there is to it; the driver itself is [`sotto_io`], and `sotto-io-tokio` is the
//! same on tokio.
//!
//! ```
//! use sotto_core::{Command, Reply};
//! use sotto_io_sqlcipher::{Store, StoreKey};
//! use sotto_io_smol::{Config, Local, start};
//!
//! # smol::block_on(async {
//! # let folder = tempfile::tempdir()?;
//! let key = StoreKey::new([1; 32], [2; 16]); // better: random, or derived from a passphrase
//! let store = Store::create(&folder.path().join("sotto.db"), &key)?;
//! let (node, task) = start(Config::new(store, Local::new(folder.path().join("network")))).await?;
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

mod local;
mod runtime;
mod timer;

pub use runtime::Smol;
use smol::Task;
pub use sotto_io::{
    Config, Dialling, DriverError, ListenError, Listener, NodeHandle, Notices, Offline, Stopped, Storage, Stream,
    Transport, Wiretap,
};

/// The transport of one directory.
pub type Local = sotto_io::Local<Smol>;

/// Starts a node on smol's global executor; returns when it is open and listens. What is wrong by then is the error
/// here, whatever it is.
///
/// The task ends after [`NodeHandle::shutdown`], when the last handle is dropped, or with an error that will not pass.
/// Cancelling it, which is also what dropping it does, is a crash, as far as the node can tell; the store is closed once
/// the task is gone.
pub async fn start(config: Config) -> Result<(NodeHandle, Task<Result<(), DriverError>>), DriverError> {
    let (handle, life) = sotto_io::open(config, Smol).await?;
    Ok((handle, smol::spawn(life)))
}
