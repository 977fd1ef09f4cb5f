//! `approvals.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, Kind, all};

use super::{Handle, Handled};
use crate::call::Call;

impl Handle<all::ApprovalsList> for Call {
    async fn handle(self: &Arc<Self>, _: api::ListApprovals) -> Result<Handled<api::Approvals>, Error> {
        Ok(Handled::Done(api::Approvals { approvals: Vec::new() }))
    }
}

impl Handle<all::ApprovalsAllow> for Call {
    async fn handle(self: &Arc<Self>, params: api::Decide) -> Result<Handled<api::Approval>, Error> {
        Err(unknown(&params.id))
    }
}

impl Handle<all::ApprovalsDeny> for Call {
    async fn handle(self: &Arc<Self>, params: api::Decide) -> Result<Handled<api::Approval>, Error> {
        Err(unknown(&params.id))
    }
}

impl Handle<all::ApprovalsConfirm> for Call {
    async fn handle(self: &Arc<Self>, params: api::Decide) -> Result<Handled<api::Approval>, Error> {
        Err(unknown(&params.id))
    }
}

fn unknown(id: &str) -> Error {
    Error::new(Kind::UnknownApproval, format!("nothing waits for approval as {id:?}"))
}
