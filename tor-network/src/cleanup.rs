//! [`CleanupShell`]: a shell that waits for the end of this process, whatever its cause, and then kills the processes of the network
//! and removes the folder. `tor` can watch its owner by itself (`__OwningControllerProcess`), but then it shuts down gracefully,
//! which can hang.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::Error;

/// Ctrl-C in a terminal reaches every process in it: the shell ignores it until its work is done. Programs that make keys are not
/// killed, because they end by themselves; until then they may write into the folder, so its removal is repeated.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
kept=
while read -r order process; do
    others=
    for each in $kept; do
        [ "$each" = "$process" ] || others="$others $each"
    done
    kept=$others
    [ "$order" = forget ] || kept="$kept $process"
done
[ -z "$kept" ] || kill -KILL $kept
for try in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$1" && break
    sleep 1
done
"#;

/// Kills the processes that it was given, and removes the folder, when this value is dropped or this process ends.
#[derive(Debug)]
pub(super) struct CleanupShell {
    shell: Child,
    /// The shell waits for its end of file. No other process has it: it is closed in the processes that we start.
    orders: Option<ChildStdin>,
}

impl CleanupShell {
    pub(super) fn start(folder: &Path) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sotto-tor-cleanup"]).arg(folder);
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut shell = spawned.map_err(Error::io("start a shell"))?;
        let orders = shell.stdin.take();
        Ok(Self { shell, orders })
    }

    /// Adds a process. It must not have been waited for, or its id may be another process's.
    pub(super) fn keep(&mut self, process: u32) -> Result<(), Error> {
        self.order("keep", process)
            .map_err(Error::io("name a process to the shell that cleans up"))
    }

    /// Removes a process, before it is waited for.
    pub(super) fn forget(&mut self, process: u32) {
        // Without a shell there is nothing to remove it from.
        _ = self.order("forget", process);
    }

    fn order(&mut self, order: &str, process: u32) -> io::Result<()> {
        let mut orders = self.orders.as_ref().expect("it is open until the drop");
        orders.write_all(format!("{order} {process}\n").as_bytes())
    }
}

impl Drop for CleanupShell {
    fn drop(&mut self) {
        self.orders = None;
        // Fails only if it was waited for.
        _ = self.shell.wait();
    }
}
