//! [`Call`]: one call of a tool under way, as the tool sees its client.

use rmcp::model::{ElicitationCapability, InputResponses, ProgressNotificationParam, ProgressToken, ProtocolVersion};
use rmcp::service::{Peer, RequestContext, RoleServer};
use tokio_util::sync::CancellationToken;

/// One call.
pub(crate) struct Call {
    /// The client.
    pub peer: Peer<RoleServer>,
    /// The revision of the protocol that this request is of.
    pub revision: ProtocolVersion,
    /// How the client can ask the person.
    elicitation: Option<ElicitationCapability>,
    /// The client's answers to what an earlier result asked for.
    pub answers: Option<InputResponses>,
    /// What that result asked the client to keep.
    pub state: Option<String>,
    /// The client wants to know how it goes.
    progress: Option<ProgressToken>,
    /// The client has cancelled the request or closed its end.
    pub cancelled: CancellationToken,
}

impl Call {
    pub fn of(context: &RequestContext<RoleServer>) -> Self {
        Self {
            peer: context.peer.clone(),
            revision: context
                .protocol_version()
                .unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE),
            elicitation: context.client_capabilities().and_then(|client| client.elicitation),
            answers: None,
            state: None,
            progress: context.meta.get_progress_token(),
            cancelled: context.ct.clone(),
        }
    }

    /// Whether the client can show a form to the person. A client that names no mode means forms.
    pub fn can_ask(&self) -> bool {
        self.elicitation
            .as_ref()
            .is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
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
