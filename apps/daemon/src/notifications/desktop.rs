//! [`Desktop`]: the notification server of the user's desktop, asked on a thread of its own, because D-Bus and the server behind it can
//! hang. One that is absent or silent is a state that is shown, and is asked again when there is something to show.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use notify_rust::NotificationHandle;
use sotto_api::{self as api, DesktopState};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::burst::Text;

/// How long the server is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The desktop's notification server.
#[derive(Debug, Default)]
pub(super) struct Desktop {
    state: Mutex<api::Desktop>,
    thread: Mutex<Option<Thread>>,
}

/// The thread that asks the server. It ends once it is dropped here.
#[derive(Debug)]
struct Thread {
    jobs: Sender<Job>,
    /// It asks at this moment.
    busy: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Job {
    /// Without a text, the server is only asked whether it is there.
    text: Option<(Text, Option<u32>)>,
    answer: oneshot::Sender<Result<ServerReport, String>>,
}

/// What the server says.
#[derive(Debug)]
struct ServerReport {
    /// What it calls itself.
    server: String,
    /// The number of the notification that was shown.
    number: Option<u32>,
}

impl Desktop {
    /// Shows a notification, in the place of that one; answers with its number, if it was shown.
    pub async fn show(&self, text: Text, replaces: Option<u32>) -> Option<u32> {
        self.ask(Some((text, replaces))).await
    }

    /// Asks whether the server is there.
    pub async fn probe(&self) {
        self.ask(None).await;
    }

    /// What is known of it.
    pub fn shown(&self) -> api::Desktop {
        self.state().clone()
    }

    async fn ask(&self, text: Option<(Text, Option<u32>)>) -> Option<u32> {
        let answered = match self.hand_over(text) {
            Err(problem) => Err(problem),
            Ok(answer) => match timeout(PATIENCE, answer).await {
                Ok(Ok(answered)) => answered,
                Ok(Err(_)) => Err(String::from("the thread for notifications has crashed")),
                Err(_) => Err(silent()),
            },
        };
        let mut state = self.state();
        let before = state.state;
        let number = match answered {
            Ok(answer) => {
                *state = api::Desktop {
                    state: DesktopState::Ready,
                    server: Some(answer.server),
                    problem: None,
                };
                answer.number
            }
            Err(problem) => {
                *state = api::Desktop {
                    state: DesktopState::Unavailable,
                    server: None,
                    problem: Some(problem),
                };
                None
            }
        };
        // Once, not with each notification.
        if before != state.state {
            tracing::info!(state = ?state.state, "the desktop's notifications");
        }
        number
    }

    fn state(&self) -> MutexGuard<'_, api::Desktop> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a job to the thread, which is started when it is first needed, or again after it has crashed.
    fn hand_over(
        &self,
        text: Option<(Text, Option<u32>)>,
    ) -> Result<oneshot::Receiver<Result<ServerReport, String>>, String> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, receiver) = oneshot::channel();
        let job = Job { text, answer };
        let job = match &*thread {
            Some(thread) if thread.busy.load(Ordering::Acquire) => return Err(silent()),
            Some(thread) => match thread.jobs.send(job) {
                Ok(()) => {
                    return Ok(receiver);
                }
                Err(mpsc::SendError(job)) => job,
            },
            None => job,
        };
        let started = Thread::start().map_err(|error| format!("no thread for notifications: {error}"))?;
        // It waits for its first job.
        let _ = started.jobs.send(job);
        *thread = Some(started);
        Ok(receiver)
    }
}

impl Thread {
    fn start() -> std::io::Result<Self> {
        let (jobs, given) = mpsc::channel::<Job>();
        let busy = Arc::new(AtomicBool::new(false));
        let at_work = busy.clone();
        thread::Builder::new()
            .name(String::from("sotto-notify"))
            .spawn(move || {
                let mut kept = None;
                for job in given {
                    at_work.store(true, Ordering::Release);
                    let answer = carry_out(job.text, &mut kept);
                    at_work.store(false, Ordering::Release);
                    // It may not be waited for any more.
                    let _ = job.answer.send(answer);
                }
            })?;
        Ok(Self { jobs, busy })
    }
}

fn silent() -> String {
    format!(
        "the desktop's notification server does not answer within {} s",
        PATIENCE.as_secs()
    )
}

fn carry_out(text: Option<(Text, Option<u32>)>, kept: &mut Option<NotificationHandle>) -> Result<ServerReport, String> {
    let server = server::describe().map_err(|error| format!("no notification server: {error}"))?;
    let number = match text {
        None => None,
        Some((text, replaces)) => {
            let Shown { handle, number } = server::show(&text, replaces, &server).map_err(|error| error.to_string())?;
            *kept = Some(handle);
            number
        }
    };
    Ok(ServerReport {
        server: server.name,
        number,
    })
}

/// A server that follows the specification of freedesktop.org.
#[cfg(not(target_os = "macos"))]
mod server {
    use notify_rust::error::Result;
    use notify_rust::{Hint, Notification};

    use super::{Server, Shown, Text, escaped};

    pub(super) fn describe() -> Result<Server> {
        let name = notify_rust::get_server_information()?.name;
        let capabilities = notify_rust::get_capabilities()?;
        Ok(Server {
            name,
            has_markup: capabilities.iter().any(|one| one == "body-markup"),
        })
    }

    pub(super) fn show(text: &Text, replaces: Option<u32>, server: &Server) -> Result<Shown> {
        let mut notification = Notification::new();
        notification
            .appname("Sotto")
            .summary(&text.summary)
            .hint(Hint::Category(String::from("im.received")));
        if server.has_markup {
            notification.body(&escaped(&text.body));
        } else {
            notification.body(&text.body);
        }
        if let Some(number) = replaces {
            notification.id(number);
        }
        let handle = notification.show()?;
        Ok(Shown {
            number: Some(handle.id()),
            handle,
        })
    }
}

/// The notification centre, which is always there and takes text alone.
#[cfg(target_os = "macos")]
mod server {
    use notify_rust::Notification;
    use notify_rust::error::Result;

    use super::{Server, Shown, Text};

    pub(super) fn describe() -> Result<Server> {
        Ok(Server {
            name: String::from("Notification Center"),
            has_markup: false,
        })
    }

    pub(super) fn show(text: &Text, _: Option<u32>, _: &Server) -> Result<Shown> {
        let handle = Notification::new().summary(&text.summary).body(&text.body).show()?;
        Ok(Shown { handle, number: None })
    }
}

/// A notification that was shown.
struct Shown {
    /// Its connection. Some servers take a notification away with it.
    handle: NotificationHandle,
    /// By which a later one takes its place.
    number: Option<u32>,
}

/// What is known of a server.
struct Server {
    name: String,
    /// It takes the body for markup.
    has_markup: bool,
}

/// A text as markup that says the same.
#[cfg(not(target_os = "macos"))]
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escaped("<b>1 & 2</b> &lt;"), "&lt;b&gt;1 &amp; 2&lt;/b&gt; &amp;lt;");
    }
}
