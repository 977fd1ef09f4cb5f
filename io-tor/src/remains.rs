//! Between any two clients, and at the end, nothing of arti is to be left running.

use std::sync::Arc;
use std::time::Duration;

use arti_client::TorClient;
use arti_client::config::Reconfigure;
use arti_client::config::dir::DirMgrConfig;
use futures::future::BoxFuture;
use tor_rtcompat::{Runtime, SleepProviderExt as _};
use tracing::debug;

use crate::shared::Shared;

/// arti's tasks end when they notice that their client is gone: looked for so often, in such pauses. A client through
/// which somebody was dialled is remembered by one of them for ten minutes (tor-hsclient 0.47,
/// `RETAIN_CIRCUIT_AFTER_LAST_USE`), and with it the lock on guards and timeouts, which a next client then only reads. That
/// is not worth waiting for.
const LET_GO: (i32, Duration) = (10, Duration::from_millis(100));

/// What is left of a client that was dropped, until its tasks have noticed.
#[derive(Default)]
pub(crate) struct Remains {
    /// Ends when arti has let go of the folder.
    pub gone: Option<BoxFuture<'static, ()>>,
    /// Tells the directory manager of a new configuration, if there still is one.
    reconfigure: Option<Reconfiguring>,
}

type Reconfiguring = Box<dyn Fn(&DirMgrConfig) + Send>;

impl Remains {
    pub fn of<R: Runtime>(&mut self, client: &TorClient<R>) {
        if let (None, Ok(directory)) = (&self.reconfigure, client.dirmgr()) {
            let directory = Arc::downgrade(&directory);
            self.reconfigure = Some(Box::new(move |config| {
                if let Some(directory) = directory.upgrade() {
                    drop(directory.reconfigure(config, Reconfigure::WarnOnFailures));
                }
            }));
        }
    }

    /// The task that keeps the vanguards waits for news of the directory and holds on to the directory manager meanwhile,
    /// which would be for ever (tor-guardmgr 0.47, `VanguardMgr::run_once`): so it is given some. A parameter that nobody
    /// knows does no harm.
    pub async fn let_go<R: Runtime>(self, shared: &Shared<R>) {
        let Some(mut gone) = self.gone else { return };
        let mut config = shared.config.dir_mgr_config().ok();
        let (times, pause) = LET_GO;
        for time in 0..times {
            if let (Some(reconfigure), Some(config)) = (&self.reconfigure, &mut config) {
                config.override_net_params.set("sotto".to_owned(), time % 2);
                reconfigure(config);
            }
            if shared.runtime.timeout(pause, &mut gone).await.is_ok() {
                return;
            }
        }
        debug!("arti has not let go of its folder yet");
    }
}
