//! A Tor network of one's own, to try nodes on by hand: prints the `[tor]` table that a profile's `config.toml` needs to be on
//! it, and keeps it up until standard input ends.
//!
//! ```sh
//! cargo run -p sotto-tor-network --example tor_network > tor.toml      # in one terminal; Ctrl-D ends the network
//! cat tor.toml >> ~/ada/config.toml && sotto daemon start          # in another
//! ```

use std::io::{self, Write as _, read_to_string};

use sotto_tor_network::TorNetwork;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    eprintln!("starting; this takes some fifteen seconds");
    let network = TorNetwork::start()?;
    let table = toml::Table::from_iter([("tor".to_owned(), network.arti_config().into())]);
    print!("{table}");
    io::stdout().flush()?;
    eprintln!("up, in {}", network.folder().display());
    read_to_string(io::stdin())?;
    Ok(())
}
