//! [`ClientTeardown`] waits until every task of a dropped arti client has ended. Until then the old client holds the lock on
//! its state folder, and a next client can only read the guards there.

use std::sync::Arc;
use std::time::Duration;

use arti_client::TorClient;
use arti_client::config::Reconfigure;
use arti_client::config::dir::DirMgrConfig;
use futures::future::BoxFuture;
use tor_rtcompat::{Runtime, SleepProviderExt as _};
use tracing::debug;

use crate::shared_state::SharedState;

/// How often to see whether arti's tasks have ended. They end when they notice that their client is gone. One of them
/// remembers a client that has dialled for ten minutes (tor-hsclient 0.47, `RETAIN_CIRCUIT_AFTER_LAST_USE`), and holds the
/// lock on guards and timeouts as long. That is not worth waiting for.
const ATTEMPTS: i32 = 10;

/// How long each attempt waits.
const ATTEMPT: Duration = Duration::from_millis(100);

/// A handle on one client's tasks that outlives the client.
#[derive(Default)]
pub(crate) struct ClientTeardown {
    /// Ends when arti has released the folder.
    pub stopped: Option<BoxFuture<'static, ()>>,
    /// Sends a new configuration to the directory manager, if that still exists.
    reconfigure: Option<ReconfigureDirectory>,
}

type ReconfigureDirectory = Box<dyn Fn(&DirMgrConfig) + Send>;

impl ClientTeardown {
    /// Remembers the client's directory manager, which exists once the bootstrap has begun.
    pub fn track_directory<R: Runtime>(&mut self, client: &TorClient<R>) {
        if let (None, Ok(directory)) = (&self.reconfigure, client.dirmgr()) {
            let directory = Arc::downgrade(&directory);
            self.reconfigure = Some(Box::new(move |config| {
                if let Some(directory) = directory.upgrade() {
                    drop(directory.reconfigure(config, Reconfigure::WarnOnFailures));
                }
            }));
        }
    }

    /// Waits for the tasks of the client, which the caller has dropped.
    ///
    /// The vanguard task holds the directory manager while it waits for a directory event, which may never come (tor-guardmgr
    /// 0.47, `VanguardMgr::run_once`). A changed network parameter is such an event; no relay or client knows this one, so it
    /// changes nothing else.
    pub async fn finish<R: Runtime>(self, shared: &SharedState<R>) {
        let Some(mut stopped) = self.stopped else { return };
        let mut config = shared.config.dir_mgr_config().ok();
        for attempt in 0..ATTEMPTS {
            if let (Some(reconfigure), Some(config)) = (&self.reconfigure, &mut config) {
                config.override_net_params.set("sotto".to_owned(), attempt % 2);
                reconfigure(config);
            }
            if shared.runtime.timeout(ATTEMPT, &mut stopped).await.is_ok() {
                return;
            }
        }
        debug!("arti has not released its folder yet");
    }
}
