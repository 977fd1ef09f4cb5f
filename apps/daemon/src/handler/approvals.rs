//! `approvals.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, Kind, all};
use sotto_io_sqlcipher::{Reader, Who};

use super::{Handle, Handled};
use crate::authority::{Principal, Rights, named, unknown_approval};
use crate::call::Call;

/// Digits of an id that may stand for it.
const SHORTEST: usize = 6;

impl Handle<all::ApprovalsList> for Call {
    async fn handle(self: &Arc<Self>, params: api::ListApprovals) -> Result<Handled<api::Approvals>, Error> {
        let people: Vec<Who> = self
            .reads
            .read(Reader::people)
            .await?
            .into_iter()
            .map(|(who, _)| who)
            .collect();
        let only = params.id.map(|id| self.approval_named(&id)).transpose()?;
        let wanted = |id: &str| only.as_ref().is_none_or(|only| only == id);
        let now = api::Time::now().millis();
        let state = self.authority.state();
        let pending = state
            .approvals
            .values()
            .filter(|one| one.allowed || one.is_pending(now));
        let mut approvals: Vec<api::Approval> = pending
            .filter(|one| wanted(&one.id))
            .map(|one| one.shown(named(&one.proposal.conversation, people.iter().cloned())))
            .collect();
        if params.decided || only.is_some() {
            let decided = state.decided.iter().filter(|one| wanted(&one.id));
            approvals.extend(decided.map(|one| one.shown(named(&one.conversation, people.iter().cloned()))));
        }
        approvals.sort_by_key(|approval| approval.requested_at);
        Ok(Handled::Done(api::Approvals { approvals }))
    }
}

impl Handle<all::ApprovalsAllow> for Call {
    async fn handle(self: &Arc<Self>, params: api::Decide) -> Result<Handled<api::Approval>, Error> {
        let id = self.approval_to_decide(&params)?;
        let principal = self.opened().principal.shown();
        self.allow(&id, "approvals.allow", principal).await.map(Handled::Done)
    }
}

impl Handle<all::ApprovalsDeny> for Call {
    async fn handle(self: &Arc<Self>, params: api::Decide) -> Result<Handled<api::Approval>, Error> {
        let id = self.approval_to_decide(&params)?;
        let principal = self.opened().principal.shown();
        self.deny(&id, "approvals.deny", principal).await.map(Handled::Done)
    }
}

impl Handle<all::ApprovalsConfirm> for Call {
    async fn handle(self: &Arc<Self>, params: api::Decide) -> Result<Handled<api::Approval>, Error> {
        match self.rights()? {
            Rights::Agent(record) if record.ask_in_client => {}
            _ => {
                let message = "this client's own question to the person does not count as the owner's approval";
                return Err(Error::new(Kind::Forbidden, message).hint(
                    "sotto approvals allow does; sotto agents add NAME --ask-in-client makes the question count",
                ));
            }
        }
        if params.digest.is_none() {
            return Err(Error::invalid(
                "digest: missing, so it is not known what the person was shown",
            ));
        }
        let id = self.approval_to_decide(&params)?;
        let principal = self.opened().principal.shown();
        self.allow(&id, "approvals.confirm", principal).await.map(Handled::Done)
    }
}

impl Call {
    /// The approval that is to be decided, by its id, if it is the one that was shown.
    fn approval_to_decide(&self, params: &api::Decide) -> Result<String, Error> {
        let id = self.approval_named(&params.id)?;
        let state = self.authority.state();
        let record = state.approvals.get(&id).ok_or_else(|| {
            Error::new(Kind::WrongState, "it is decided already").hint("sotto approvals list --decided shows how")
        })?;
        let same = |digest: &str| digest.len() >= SHORTEST && record.digest.starts_with(&digest.to_ascii_lowercase());
        if params.digest.as_deref().is_some_and(|digest| !same(digest)) {
            let message = "the approval has another digest than the one that was shown";
            return Err(Error::new(Kind::WrongState, message).hint("sotto approvals list shows it as it is"));
        }
        drop(state);
        self.trace().approval = Some(id.clone());
        Ok(id)
    }

    /// The one approval whose id begins so, among those that the client may know of.
    fn approval_named(&self, text: &str) -> Result<String, Error> {
        if !(SHORTEST..=32).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = "id: an approval's id is 32 hexadecimal digits; 6 or more of its first digits are enough";
            return Err(Error::invalid(message));
        }
        let asked = text.to_ascii_lowercase();
        let of = match self.opened().principal {
            Principal::Agent { name, .. } => Some(name),
            Principal::Owner | Principal::Unscoped => None,
        };
        let state = self.authority.state();
        let ids = state.approvals.keys().chain(state.decided.iter().map(|one| &one.id));
        let visible = |id: &&String| of.as_ref().is_none_or(|name| state.agent_of(id) == Some(name.as_str()));
        let found: Vec<&String> = ids.filter(|id| id.starts_with(&asked)).filter(visible).collect();
        match found.as_slice() {
            [] => Err(unknown_approval(text)),
            [one] => Ok((*one).clone()),
            several => Err(
                Error::invalid(format!("id: {text} may be any of {} approvals", several.len()))
                    .hint("give more digits of the id"),
            ),
        }
    }
}
