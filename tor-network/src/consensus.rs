//! When is the network ready: what an authority knows of the relays, and what its consensus says about them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What an onion service and those who visit it need from every relay.
const FLAGS: [&str; 6] = ["Fast", "Guard", "HSDir", "Running", "Stable", "V2Dir"];

/// Whether the authority in `folder` has a descriptor of each of `relays` relays; else of how many it has one.
pub(super) fn is_told(folder: &Path, relays: usize) -> Result<(), String> {
    // The second is where `tor` puts what has come since it last put all in order.
    let files = ["cached-descriptors", "cached-descriptors.new"];
    let texts = files.map(|it| fs::read_to_string(folder.join(it)).unwrap_or_default());
    let lines = texts.iter().flat_map(|it| it.lines());
    let known: BTreeSet<&str> = lines
        .filter_map(|line| line.strip_prefix("router ")?.split(' ').next())
        .collect();
    if known.len() == relays {
        Ok(())
    } else {
        Err(format!("it is told of {} of {relays} relays", known.len()))
    }
}

/// Whether the authority in `folder` has a consensus in which `relays` relays have all they need; else what it has.
pub(super) fn is_complete(folder: &Path, relays: usize) -> Result<(), String> {
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
