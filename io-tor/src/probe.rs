//! The proof of being reachable: a stream from us, over circuits and with a descriptor of its own, to our own address.
//!
//! It asks for a virtual port that was drawn for this one probe and that our listener answers as long as the probe lasts.
//! So that it came home says that it came to this very process, and not to another one that has the same key; strangers
//! learn nothing from the port, and the node is not bothered with a link.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arti_client::{IsolationToken, TorClient};
use sotto_core::OnionAddress;
use tor_rtcompat::{Runtime, SleepProviderExt as _};

use crate::PORT;
use crate::stream::{connect, plain};

/// Where the listener and the probe meet.
#[derive(Debug, Default)]
pub(crate) struct Knock(Mutex<Option<Expected>>);

#[derive(Clone, Copy, Debug)]
struct Expected {
    port: u16,
    came: bool,
}

impl Knock {
    /// Draws a port from `dice`, and expects somebody there.
    fn expect(&self, dice: u64) -> u16 {
        let port = port_drawn(dice);
        *self.lock() = Some(Expected { port, came: false });
        port
    }

    /// Whether a stream to this port is the probe's.
    pub fn came(&self, port: u16) -> bool {
        match &mut *self.lock() {
            Some(expected) if expected.port == port => {
                expected.came = true;
                true
            }
            _ => false,
        }
    }

    /// Expects nobody any more; whether somebody came.
    fn settle(&self) -> bool {
        self.lock().take().is_some_and(|expected| expected.came)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Expected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port from 1 to 65535 that is not the port of links.
fn port_drawn(dice: u64) -> u16 {
    let drawn = u16::try_from(1 + dice % 65_534).expect("at most 65534");
    if drawn >= PORT { drawn + 1 } else { drawn }
}

/// A random number for what needs no secrecy; zero if the machine has none.
pub(crate) fn dice() -> u64 {
    getrandom::u64().unwrap_or(0)
}

/// Tries to reach `address`, behind which somebody answers `knock`.
pub(crate) async fn probe<R: Runtime>(
    client: Arc<TorClient<R>>,
    address: OnionAddress,
    knock: Arc<Knock>,
    wait: Duration,
) -> Result<(), String> {
    let port = knock.expect(dice());
    // Also if this probe is given up.
    let closing = Closing(&knock);
    let client = client.isolated_client();
    let tried = client
        .runtime()
        .timeout(wait, connect(&client, address, port, IsolationToken::new()))
        .await;
    let came = closing.0.settle();
    match tried {
        Ok(Ok(_)) if came => Ok(()),
        Ok(Ok(_)) => Err("somebody else answered".to_owned()),
        Ok(Err(error)) => Err(plain(&error).to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// Expects nobody any more when it goes.
struct Closing<'a>(&'a Knock);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.settle();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_expected_port_counts_and_only_once() {
        let knock = Knock::default();
        assert!(!knock.came(5));
        let port = knock.expect(7);
        assert!(!knock.came(port ^ 1));
        assert!(!knock.settle());
        let port = knock.expect(8);
        assert!(knock.came(port));
        assert!(knock.settle());
        assert!(!knock.came(port));
        assert!(!knock.settle());
    }

    proptest! {
        #[test]
        fn a_probes_port_is_never_the_port_of_links(dice in any::<u64>()) {
            let port = port_drawn(dice);
            prop_assert!(port != 0 && port != PORT);
        }
    }
}
