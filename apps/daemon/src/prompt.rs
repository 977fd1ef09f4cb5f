//! [`ask`]: a passphrase from the terminal. A signal that ends the process while the answer is awaited gives the terminal its
//! echo back first; without that, the user would type blindly in the shell afterwards.

use std::fs::File;
use std::io::{self, Write as _};
use std::process;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use sotto_api::{Error, Kind};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::harden::close_memory;

/// Asks without showing what is typed.
pub fn ask(prompt: &str) -> Result<Zeroizing<String>, Error> {
    close_memory()?;
    let failed = |error: io::Error| Error::new(Kind::Locked, format!("cannot ask for the passphrase: {error}"));
    let watch = SignalWatch::start().map_err(failed)?;
    let answer = rpassword::prompt_password(prompt).map(Zeroizing::new);
    match &answer {
        // Ctrl-C, of which rpassword makes a signal: the thread that gets it ends the process.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => watch.wait(),
        Ok(_) | Err(_) => watch.stop(),
    }
    answer.map_err(failed)
}

/// The thread that ends this process at a signal, with the terminal as it was.
struct SignalWatch {
    answered: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl SignalWatch {
    /// When this returns, signals are caught.
    fn start() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let (answered, answer) = oneshot::channel();
        let (begun, has_begun) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sotto-prompt".into())
            .spawn(move || watch(&terminal, &before, answer, &begun))?;
        match has_begun.recv() {
            Ok(()) => Ok(Self { answered, thread }),
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                // The panic handler has reported a panic already.
                Ok(Ok(())) | Err(_) => Err(io::Error::other("signals cannot be caught")),
            },
        }
    }

    fn stop(self) {
        let _ = self.answered.send(());
        // The panic handler has reported a panic already.
        let _ = self.thread.join();
    }

    /// Until the signal that has been sent ends the process.
    fn wait(self) {
        let Self { answered, thread } = self;
        let _ = thread.join();
        drop(answered);
    }
}

/// Waits for the answer, or for a signal. A runtime of its own: the caller's may be the one that waits for the terminal.
fn watch(terminal: &File, before: &Termios, answer: oneshot::Receiver<()>, begun: &mpsc::Sender<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut quit = signal(SignalKind::quit())?;
        let _ = begun.send(());
        let kind = tokio::select! {
            _ = answer => return Ok(()),
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hangup.recv() => SignalKind::hangup(),
            _ = quit.recv() => SignalKind::quit(),
        };
        // A terminal that is gone has no echo to give back.
        let _ = tcsetattr(terminal, OptionalActions::Now, before);
        let _ = writeln!(&*terminal);
        // What a shell reports of a process that a signal ended.
        process::exit(128 + kind.as_raw_value())
    })
}
