//! Whether the network is ready: the descriptors that an authority has, and the relays in its consensus.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The flags that an onion service and its clients need from every relay.
const FLAGS: [&str; 6] = ["Fast", "Guard", "HSDir", "Running", "Stable", "V2Dir"];

/// Whether the authority in `folder` has a descriptor of each of `relays` relays. The error says how many it has.
pub(super) fn has_descriptors(folder: &Path, relays: usize) -> Result<(), String> {
    // The second file has the descriptors since `tor` last rewrote the first.
    let files = ["cached-descriptors", "cached-descriptors.new"];
    let texts = files.map(|it| fs::read_to_string(folder.join(it)).unwrap_or_default());
    let lines = texts.iter().flat_map(|it| it.lines());
    let known: BTreeSet<&str> = lines
        .filter_map(|line| line.strip_prefix("router ")?.split(' ').next())
        .collect();
    if known.len() == relays {
        Ok(())
    } else {
        Err(format!(
            "the authority has descriptors of {} of {relays} relays",
            known.len()
        ))
    }
}

/// Whether the authority in `folder` has a consensus in which `relays` relays have every flag. The error says what it has.
pub(super) fn is_complete(folder: &Path, relays: usize) -> Result<(), String> {
    // The flavor that clients use. `tor` replaces the file atomically.
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
