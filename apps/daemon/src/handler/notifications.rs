//! `notifications.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, Time, all};

use super::{Handle, Handled};
use crate::authority::not_allowed;
use crate::call::Call;

impl Handle<all::NotificationsShow> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Notifications>, Error> {
        self.shown_notifications().await.map(Handled::Done)
    }
}

impl Handle<all::NotificationsSet> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetNotifications) -> Result<Handled<api::Notifications>, Error> {
        self.set_notifications(params.mode).await?;
        self.shown_notifications().await.map(Handled::Done)
    }
}

impl Handle<all::NotificationsMute> for Call {
    async fn handle(self: &Arc<Self>, params: api::MuteConversation) -> Result<Handled<api::Notifications>, Error> {
        let conversation = self.conversation_named(&params.conversation).await?;
        let until = match params.seconds {
            None => None,
            Some(0) => return Err(Error::invalid("seconds must be 1 or more")),
            Some(seconds) => {
                let end = Time::now().millis().saturating_add(u64::from(seconds) * 1000);
                Some(Time::from_millis(end))
            }
        };
        self.mute(conversation, until).await?;
        self.shown_notifications().await.map(Handled::Done)
    }
}

impl Handle<all::NotificationsUnmute> for Call {
    async fn handle(self: &Arc<Self>, params: api::ConversationOnly) -> Result<Handled<api::Notifications>, Error> {
        let conversation = self.conversation_named(&params.conversation).await?;
        self.unmute(conversation).await?;
        self.shown_notifications().await.map(Handled::Done)
    }
}

impl Handle<all::NotificationsFocus> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetFocus) -> Result<Handled<api::Done>, Error> {
        // What an agent looks at, its owner has not seen.
        if let Some(record) = self.rights()?.agent() {
            return Err(not_allowed(record, "to say what the user looks at"));
        }
        let conversation = self.conversation_if_named(params.conversation.as_deref()).await?;
        let guard = self.notifications.focus(conversation, params.locked);
        Ok(Handled::Focused(api::Done {}, guard))
    }
}
