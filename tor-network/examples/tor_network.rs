//! A private Tor network for experiments. It prints the `[tor]` table with which a profile's `config.toml` uses the network, and
//! runs until the end of standard input.
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
