//! What every process that these tests start begins with: the same on each machine.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::process::Command;

/// Hangup, interrupt, quit and terminate, as bits of what `/proc` tells.
const SIGNALS: u64 = 1 | 1 << 1 | 1 << 2 | 1 << 14;

/// A program without the environment of the developer or of CI: what that says of terminals, colours, languages, folders,
/// profiles or desktops changes no outcome. Also for the shells and interpreters that run `sotto` in their turn.
///
/// Signals that this process ignores, as under `nohup` and in the background of a shell, are not ignored by the program.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = if ignored_signals() & SIGNALS == 0 {
        Command::new(path)
    } else {
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP,INT,QUIT,TERM").arg(path);
        command
    };
    command.env_clear();
    // Where scripts find what they call.
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .env("HOME", "/nowhere")
        .env("TZ", "UTC")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    command
}

/// Only Linux tells which.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
