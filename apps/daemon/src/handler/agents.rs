//! `agents.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, Kind, all};

use super::{Handle, Handled};
use crate::call::Call;

impl Handle<all::AgentsAdd> for Call {
    async fn handle(self: &Arc<Self>, _: api::AddAgent) -> Result<Handled<api::AddedAgent>, Error> {
        Err(Error::new(Kind::WrongState, "this store has no room for agents yet"))
    }
}

impl Handle<all::AgentsList> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Agents>, Error> {
        Ok(Handled::Done(api::Agents {
            agents: Vec::new(),
            owner_passphrase: false,
        }))
    }
}

impl Handle<all::AgentsRevoke> for Call {
    async fn handle(self: &Arc<Self>, params: api::AgentOnly) -> Result<Handled<api::Done>, Error> {
        Err(Error::new(
            Kind::UnknownAgent,
            format!("there is no agent {:?}", params.name),
        ))
    }
}
