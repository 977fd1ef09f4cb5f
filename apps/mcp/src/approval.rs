//! Asking the person: what the daemon holds back is shown by the client, and the answer goes back to the daemon. The daemon
//! holds what would be sent under an id that counts once, so the client's answer names it and cannot change it.
//!
//! The client's question counts only if the owner has added the agent with `--ask-in-client`. For every other client the
//! result names the approval, and what the person does to allow it.

use std::fmt::Write as _;

use rmcp::model::{
    CallToolResponse, ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequests, InputRequiredResult, ProtocolVersion, ServerRequest,
};
use rmcp::service::PeerRequestOptions;
use serde_json::{Value, json};
use sotto_api::{Approval, ApprovalState, Decide, Error, Kind, ListApprovals, MessageOnly, WaitEvents, all};

use crate::call::Call;
use crate::server::Server;
use crate::tool::{self, Sent};

/// The name of the question in a result that requires an answer.
const QUESTION: &str = "approval";

/// The member of the answer by which the person says yes.
const SEND: &str = "send";

/// How long one request waits for the decision, in seconds. The next one goes on.
const WAIT: u32 = 60;

impl Server {
    /// What becomes of a call that the daemon does not allow without the person.
    pub async fn ask(&self, error: Error, call: &Call) -> CallToolResponse {
        let Some(approval) = error.data.approval.as_deref() else {
            return tool::failure(&error).into();
        };
        if !self.daemon.asks_in_client() || !call.can_ask() {
            return tool::failure(&how_to_allow(&error, approval)).into();
        }
        let state = State::of(approval);
        let request = match question(approval) {
            Ok(request) => request,
            Err(error) => return tool::failure(&error).into(),
        };
        if call.revision >= ProtocolVersion::V_2026_07_28 {
            let requests = InputRequests::from([(QUESTION.to_owned(), InputRequest::Elicitation(request))]);
            return InputRequiredResult::new(Some(requests), Some(state.to_text())).into();
        }
        let options = PeerRequestOptions::no_options();
        let request = ServerRequest::ElicitRequest(request);
        let Ok(mut asked) = call.peer.send_cancellable_request(request, options).await else {
            return tool::failure(&how_to_allow(&error, approval)).into();
        };
        let answer = tokio::select! {
            answer = &mut asked.rx => answer.ok().and_then(Result::ok),
            outcome = self.decided_elsewhere(&state) => {
                // The client closes its question, or the answer to it changes nothing.
                let _ = asked.cancel(Some(String::from("the user has decided elsewhere"))).await;
                return shown(outcome);
            }
            // No answer can come any more.
            () = self.closed.cancelled() => None,
        };
        match answer {
            Some(ClientResult::ElicitResult(answer)) => self.decide(&state, &answer).await,
            // Not asked is not allowed.
            Some(_) | None => tool::failure(&how_to_allow(&error, approval)).into(),
        }
    }

    /// Goes on with a call whose earlier result asked the person.
    pub async fn answered(&self, call: &Call) -> Option<CallToolResponse> {
        let state = call.state.as_deref()?;
        let answer = call.answers.as_ref().and_then(|answers| answers.get(QUESTION));
        let (Some(state), Some(Ok(answer))) = (
            State::from_text(state),
            answer.map(|answer| serde_json::from_value::<ElicitResult>(answer.clone())),
        ) else {
            let error = Error::invalid("requestState and inputResponses must be those of the question that was asked");
            return Some(tool::failure(&error).into());
        };
        Some(self.decide(&state, &answer).await)
    }

    async fn decide(&self, state: &State, answer: &ElicitResult) -> CallToolResponse {
        let says_yes = answer
            .content
            .as_ref()
            .is_some_and(|content| content.get(SEND) == Some(&Value::Bool(true)));
        let decision = state.decision();
        let (decided, says_no) = match answer.action {
            ElicitationAction::Accept if says_yes => {
                (self.daemon.call::<all::ApprovalsConfirm>(&decision).await, false)
            }
            ElicitationAction::Accept | ElicitationAction::Decline => {
                (self.daemon.call::<all::ApprovalsDeny>(&decision).await, true)
            }
            // Cancelled, or an action that this version does not know.
            _ => (Err(undecided(&state.id)), false),
        };
        let outcome = match decided {
            Ok(approval) => self.outcome(approval).await,
            Err(error) => match self.approval(state).await {
                // Another surface was first, and what was decided there counts.
                Ok(approval) if approval.state != ApprovalState::Pending => self.outcome(approval).await,
                // Denied is denied, even if the daemon has forgotten it meanwhile.
                _ if says_no => Err(denied()),
                _ => Err(error),
            },
        };
        shown(outcome)
    }

    /// The approval as it is now.
    async fn approval(&self, state: &State) -> Result<Approval, Error> {
        let params = ListApprovals {
            id: Some(state.id.clone()),
            decided: true,
        };
        let found = self.daemon.call::<all::ApprovalsList>(&params).await?.approvals;
        let same = found.into_iter().find(|one| one.digest == state.digest);
        same.ok_or_else(|| Error::new(Kind::UnknownApproval, "the daemon does not know this approval any more"))
    }

    /// Waits until another surface has decided, or the time to decide has ended. Never resolves if the daemon cannot be asked: then
    /// the client's answer meets the same error.
    async fn decided_elsewhere(&self, state: &State) -> Result<Sent, Error> {
        match self.decision(state).await {
            Ok(approval) => self.outcome(approval).await,
            Err(_) => std::future::pending().await,
        }
    }

    /// The approval, once it is decided.
    async fn decision(&self, state: &State) -> Result<Approval, Error> {
        let mut wait = WaitEvents {
            timeout: Some(0),
            types: ["approval.allowed", "approval.denied", "approval.expired"]
                .map(str::to_owned)
                .into(),
            ..WaitEvents::default()
        };
        loop {
            // The position first: what is decided after the approval was looked at is an event after it.
            wait.since = Some(self.daemon.call::<all::EventsWait>(&wait).await?.next);
            wait.timeout = Some(WAIT);
            let approval = self.approval(state).await?;
            match approval.state {
                ApprovalState::Pending => {}
                // Takes its turn after the sending, and then is what became of it.
                ApprovalState::Allowed => {
                    let confirmed = self.daemon.call::<all::ApprovalsConfirm>(&state.decision()).await;
                    return match confirmed {
                        Ok(approval) => Ok(approval),
                        Err(_) => self.approval(state).await,
                    };
                }
                _ => return Ok(approval),
            }
        }
    }

    /// What a decided approval comes to for the agent.
    async fn outcome(&self, approval: Approval) -> Result<Sent, Error> {
        let id = match (approval.state, approval.message) {
            (ApprovalState::Sent, Some(id)) => id,
            (ApprovalState::Sent | ApprovalState::Failed, _) => {
                return Err(refused(
                    "the user said yes, but it was not sent: the recipient is no contact any more",
                ));
            }
            (ApprovalState::Denied, _) => return Err(denied()),
            (ApprovalState::Expired, _) => {
                return Err(refused("the user did not decide in time; nothing was sent"));
            }
            (ApprovalState::Allowed, _) => {
                return Err(refused("the user said yes, and it is being sent").hint("do not send it again"));
            }
            (ApprovalState::Pending, _) => return Err(undecided(&approval.id)),
        };
        let conversation = Some(approval.conversation.conversation);
        let params = MessageOnly { id, conversation };
        Ok(self.daemon.call::<all::MessageStatus>(&params).await?.into())
    }
}

fn shown(outcome: Result<Sent, Error>) -> CallToolResponse {
    outcome
        .map_or_else(|error| tool::failure(&error), |sent| tool::success(&sent))
        .into()
}

fn denied() -> Error {
    refused("the user said no; nothing was sent").hint("do not ask again for the same")
}

fn undecided(id: &str) -> Error {
    refused("the user has not decided; nothing was sent")
        .hint(format!("the user can still allow it: sotto approvals allow {id}"))
}

fn refused(message: &str) -> Error {
    Error::new(Kind::Refused, message)
}

/// The error, with what the person does.
fn how_to_allow(error: &Error, approval: &Approval) -> Error {
    let mut error = error.clone();
    error.data.hint = format!(
        "nothing was sent. Tell the user: sotto approvals list shows it, sotto approvals allow {} sends it",
        approval.id
    );
    error
}

/// What the client keeps between a question and its answer. The daemon checks both parts.
#[derive(Debug, PartialEq, Eq)]
struct State {
    id: String,
    digest: String,
}

impl State {
    fn of(approval: &Approval) -> Self {
        Self {
            id: approval.id.clone(),
            digest: approval.digest.clone(),
        }
    }

    fn to_text(&self) -> String {
        format!("{}.{}", self.id, self.digest)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (id, digest) = text.split_once('.')?;
        Some(Self {
            id: id.to_owned(),
            digest: digest.to_owned(),
        })
    }

    fn decision(&self) -> Decide {
        Decide {
            id: self.id.clone(),
            digest: Some(self.digest.clone()),
        }
    }
}

/// The question. Each line of the text stands behind a mark, so the text cannot look like a part of the question.
fn question(approval: &Approval) -> Result<ElicitRequest, Error> {
    let to = &approval.conversation;
    let name = to.petname.as_deref().unwrap_or("a contact without a name");
    let agent = approval.agent.as_deref().unwrap_or("an agent without a token");
    let mut message = format!("{agent} wants to send this message to {name} ({}):\n", to.conversation);
    for line in approval.text.lines() {
        message.push_str("> ");
        message.push_str(line);
        message.push('\n');
    }
    for term in approval.terms() {
        let _ = writeln!(message, "It is {term}.");
    }
    message.push_str("Send it?");
    let schema = json!({
        "type": "object",
        "properties": { SEND: { "type": "boolean", "title": "Send it", "default": false } },
        "required": [SEND],
    });
    let Value::Object(schema) = schema else {
        return Err(Error::internal("the question has no schema"));
    };
    let requested_schema =
        ElicitationSchema::from_json_schema(schema).map_err(|error| Error::internal(error.to_string()))?;
    Ok(ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema,
    }))
}
