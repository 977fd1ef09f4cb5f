//! [`Session`]: on whose behalf a connection's requests are carried out. [`Call`]: one request, the service that carries it out
//! and the session that asks for it. The handlers are methods of the call, so each of them knows its client.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sotto_api::{self as api, Error};

use super::service::Service;

/// Bytes of a surface's name.
const SURFACE_BYTES: usize = 32;

/// Who a connection is. It begins as a client without a token.
#[derive(Debug, Default)]
pub(crate) struct Session(Mutex<Opened>);

/// What the client has said and proven of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened {
    /// The surface that it says it is.
    pub surface: Option<String>,
    /// On whose behalf it asks.
    pub principal: Principal,
}

/// On whose behalf a request is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Principal {
    /// A client without a token.
    #[default]
    Unscoped,
    /// The owner's passphrase was given.
    Owner,
    /// The agent of that name.
    Agent(String),
}

impl Session {
    /// What the client has said and proven of itself by now.
    pub fn opened(&self) -> Opened {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    service: Arc<Service>,
    session: Arc<Session>,
}

impl Call {
    /// A request of that session.
    pub fn new(service: &Arc<Service>, session: &Arc<Session>) -> Self {
        Self {
            service: service.clone(),
            session: session.clone(),
        }
    }

    /// Opens the session.
    pub fn open(&self, params: api::OpenSession) -> Result<api::Session, Error> {
        let api::OpenSession { surface, token } = params;
        if let Some(surface) = &surface
            && !(1..=SURFACE_BYTES).contains(&surface.len())
        {
            return Err(Error::invalid(format!("surface must be 1 to {SURFACE_BYTES} bytes")));
        }
        if token.is_some() {
            return Err(Error::new(api::Kind::Forbidden, "there is no agent with this token"));
        }
        *self.session.lock() = Opened {
            surface,
            principal: Principal::Unscoped,
        };
        Ok(self.shown_session())
    }

    /// The session, as its client sees it.
    pub fn shown_session(&self) -> api::Session {
        let opened = self.session.opened();
        api::Session {
            principal: match opened.principal {
                Principal::Unscoped => api::Principal::Unscoped,
                Principal::Owner => api::Principal::Owner,
                Principal::Agent(_) => api::Principal::Agent,
            },
            agent: None,
            allow: Vec::new(),
            ask_in_client: false,
            sends_need_approval: opened.surface.as_deref() == Some("mcp"),
        }
    }
}

impl Deref for Call {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}
