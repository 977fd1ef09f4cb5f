//! `session.*` and `owner.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, Kind, all};

use super::{Handle, Handled};
use crate::call::Call;

impl Handle<all::SessionOpen> for Call {
    async fn handle(self: &Arc<Self>, params: api::OpenSession) -> Result<Handled<api::Session>, Error> {
        self.open(params).map(Handled::Done)
    }
}

impl Handle<all::SessionUnlock> for Call {
    async fn handle(self: &Arc<Self>, _: api::Unlock) -> Result<Handled<api::Session>, Error> {
        Err(Error::new(
            Kind::WrongState,
            "the profile has no agents, so there is nothing to unlock",
        ))
    }
}

impl Handle<all::OwnerPassphrase> for Call {
    async fn handle(self: &Arc<Self>, _: api::SetPassphrase) -> Result<Handled<api::Done>, Error> {
        Err(Error::new(
            Kind::WrongState,
            "the profile has no agents, so there is nothing to lock",
        ))
    }
}
