//! Who cleans up: a shell that waits for us to be gone, however that comes about. It then kills what we told it to and
//! removes the folder. `tor` can look after its owner by itself, but it then shuts down in good order, and that can hang.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::Error;

/// Ctrl-C in a terminal reaches everybody in it: the shell has to live on for as long as its work takes. Programs that
/// make keys are not killed, for they end by themselves, but until then one may put a file into a folder that is going.
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

/// Ends the processes that it keeps, and removes their folder, when this value is dropped or this process dies.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
    /// Its end is what the shell waits for. Nobody else has it: it is closed in the processes that we start.
    orders: Option<ChildStdin>,
}

impl Guard {
    pub(super) fn over(folder: &Path) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sotto-tor-guard"]).arg(folder);
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut shell = spawned.map_err(Error::io("start a shell"))?;
        let orders = shell.stdin.take();
        Ok(Self { shell, orders })
    }

    /// The process must not have been waited for: its number could be another's by now.
    pub(super) fn keep(&mut self, process: u32) -> Result<(), Error> {
        self.order("keep", process)
            .map_err(Error::io("name a process to the shell that cleans up"))
    }

    /// Before the process is waited for.
    pub(super) fn forget(&mut self, process: u32) {
        // Without a shell there is nobody who could remember.
        _ = self.order("forget", process);
    }

    fn order(&mut self, order: &str, process: u32) -> io::Result<()> {
        let mut orders = self.orders.as_ref().expect("it is open until the drop");
        orders.write_all(format!("{order} {process}\n").as_bytes())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.orders = None;
        // Fails only if it was waited for.
        _ = self.shell.wait();
    }
}
