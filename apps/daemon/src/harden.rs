//! [`harden`] and [`close_memory`]: the memory of the daemon holds keys and texts, that of a surface a passphrase.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};
use sotto_api::Error;

/// For the rest of this process's life, its memory is closed, and files that libraries write are for the owner only.
pub(crate) fn harden() -> Result<(), Error> {
    umask(Mode::RWXG | Mode::RWXO);
    close_memory()
}

/// From here on, this process makes no core dumps, and no other process of the same user may attach to it or read its memory.
/// Before it reads a passphrase or a key.
pub fn close_memory() -> Result<(), Error> {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, nothing).map_err(|error| Error::io("cannot switch core dumps off", &error.into()))?;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(|error| Error::io("cannot close this process's memory to others", &error.into()))?;
    }
    Ok(())
}
