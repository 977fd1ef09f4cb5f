//! Clients of the network: a configuration for arti, and [`SocksClient`], C tor with a SOCKS port.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use toml::{Table, Value, toml};

use super::Error;
use super::cleanup::CleanupShell;
use super::identity::Authority;
use super::process::{self, Tor};

pub(super) fn arti_config(authorities: &[&Authority]) -> Table {
    let mut config = toml! {
        [path_rules]
        // All relays have one address.
        ipv4_subnet_family_prefix = 33
        ipv6_subnet_family_prefix = 129

        [address_filter]
        allow_local_addrs = true
    };
    let addresses = |port: fn(&Authority) -> u16| -> Value {
        authorities
            .iter()
            .map(|it| vec![format!("127.0.0.1:{}", port(it))])
            .collect::<Vec<_>>()
            .into()
    };
    let mut known = Table::new();
    known.insert(
        "v3idents".into(),
        authorities
            .iter()
            .map(|it| it.v3_identity.clone())
            .collect::<Vec<_>>()
            .into(),
    );
    for role in ["uploads", "downloads", "votes"] {
        known.insert(role.into(), addresses(|it| it.dir_port));
    }
    let caches = authorities.iter().map(|it| fallback(it)).collect::<Vec<_>>();
    let mut network = Table::new();
    network.insert("authorities".into(), known.into());
    network.insert("fallback_caches".into(), caches.into());
    config.insert("tor_network".into(), network.into());
    config
}

fn fallback(authority: &Authority) -> Table {
    let mut table = Table::new();
    table.insert("rsa_identity".into(), authority.relay.rsa_identity.clone().into());
    table.insert("ed_identity".into(), authority.relay.ed_identity.clone().into());
    table.insert(
        "orports".into(),
        vec![format!("127.0.0.1:{}", authority.or_port)].into(),
    );
    table
}

/// C tor as a client. Through its SOCKS 5 port a program reaches the onion addresses of the network.
#[derive(Debug, Clone, Copy)]
pub struct SocksClient {
    address: SocketAddr,
}

impl SocksClient {
    /// The address of the SOCKS port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn wait_for(tor: &mut Tor, cleanup: &mut CleanupShell, patience: Duration) -> Result<Self, Error> {
        let start = Instant::now();
        loop {
            tor.check(cleanup)?;
            let log = tor.log();
            if let (Some(port), true) = (listening_port(&log), log.contains("Bootstrapped 100%")) {
                return Ok(Self {
                    address: (Ipv4Addr::LOCALHOST, port).into(),
                });
            }
            if start.elapsed() > patience {
                let state = log.lines().last().unwrap_or("the client has no log").to_owned();
                return Err(Error::Timeout {
                    waited: start.elapsed(),
                    state,
                });
            }
            process::pause();
        }
    }
}

fn listening_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("Opened Socks listener connection (ready) on 127.0.0.1:")?;
    rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}
