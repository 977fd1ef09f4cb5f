//! [`Call`]: one call of a tool under way, as the tool sees its client.

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext, RoleServer};
use tokio_util::sync::CancellationToken;

/// One call.
pub(crate) struct Call {
    /// The client.
    pub peer: Peer<RoleServer>,
    /// The client wants to know how it goes.
    progress: Option<ProgressToken>,
    /// The client has cancelled the request or closed its end.
    pub cancelled: CancellationToken,
}

impl Call {
    pub fn of(context: &RequestContext<RoleServer>) -> Self {
        Self {
            peer: context.peer.clone(),
            progress: context.meta.get_progress_token(),
            cancelled: context.ct.clone(),
        }
    }

    /// Tells the client that the call goes on, if it wants to know.
    pub async fn progress(&self, done: f64, total: f64, message: &str) {
        let Some(token) = &self.progress else { return };
        let progress = ProgressNotificationParam::new(token.clone(), done)
            .with_total(total)
            .with_message(message);
        // A client that is gone needs no progress.
        let _ = self.peer.notify_progress(progress).await;
    }
}
