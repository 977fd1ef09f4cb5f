//! When is the network ready: what the consensus that an authority keeps says about the relays.

use std::fs;
use std::path::Path;

/// What an onion service and those who visit it need from every relay.
const FLAGS: [&str; 6] = ["Fast", "Guard", "HSDir", "Running", "Stable", "V2Dir"];

/// Whether the authority in `folder` has a consensus in which `relays` relays have all they need; else what it has.
pub(super) fn state(folder: &Path, relays: usize) -> Result<(), String> {
    // The kind that clients use. `tor` puts it in place whole.
    let text = fs::read_to_string(folder.join("cached-microdesc-consensus")).map_err(|_| "there is none".to_owned())?;
    let complete = complete_relays(&text);
    if complete == relays {
        Ok(())
    } else {
        Err(format!("{complete} of {relays} relays have all flags"))
    }
}

fn complete_relays(consensus: &str) -> usize {
    let flags = consensus.lines().filter_map(|line| line.strip_prefix("s "));
    flags
        .filter(|flags| FLAGS.iter().all(|needed| flags.split(' ').any(|flag| flag == *needed)))
        .count()
}
