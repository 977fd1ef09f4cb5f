//! The identities of relays and authorities: relay keys made by `tor`, voting keys made by `tor-gencert`. Every configuration names
//! the authorities, and the authorities state the bandwidth of each relay, so the keys come first.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;
use super::process::{self, ProcessError, Running};

/// A relay with its keys, ready to start.
#[derive(Debug)]
pub(super) struct Relay {
    pub nickname: String,
    pub folder: PathBuf,
    /// The fingerprint of its RSA key, in hexadecimal.
    pub rsa_identity: String,
    /// Its ed25519 key, in base64.
    pub ed_identity: String,
}

/// A relay that is a directory authority as well.
#[derive(Debug)]
pub(super) struct Authority {
    pub relay: Relay,
    pub or_port: u16,
    pub dir_port: u16,
    /// The fingerprint of its voting identity key, in hexadecimal.
    pub v3_identity: String,
}

/// Makes an authority for every two ports, and this many relays. All run in parallel, because finding primes takes most of the
/// time.
pub(super) fn create(folder: &Path, ports: &[u16], relays: usize) -> Result<(Vec<Authority>, Vec<Relay>), Error> {
    let mut votes = Vec::new();
    for (index, ports) in ports.chunks_exact(2).enumerate() {
        let keys = RelayKeys::begin(folder, format!("authority{}", index + 1))?;
        votes.push((ports, VoteKeys::begin(&keys.folder)?, keys));
    }
    let mut keys = Vec::new();
    for index in 0..relays {
        keys.push(RelayKeys::begin(folder, format!("relay{}", index + 1))?);
    }
    let authority = |(ports, vote, keys): (&[u16], VoteKeys, RelayKeys)| {
        let relay = keys.finish()?;
        let v3_identity = vote.finish()?;
        Ok(Authority {
            relay,
            or_port: ports[0],
            dir_port: ports[1],
            v3_identity,
        })
    };
    let authorities = votes.into_iter().map(authority).collect::<Result<_, Error>>()?;
    let relays = keys.into_iter().map(RelayKeys::finish).collect::<Result<_, Error>>()?;
    Ok((authorities, relays))
}

/// A `tor` that makes the keys of a relay.
struct RelayKeys {
    nickname: String,
    folder: PathBuf,
    work: Running,
}

impl RelayKeys {
    fn begin(parent: &Path, nickname: String) -> Result<Self, Error> {
        let folder = parent.join(&nickname);
        process::create_private(&folder).map_err(Error::io("make a folder for a relay"))?;
        let mut command = Command::new("tor");
        command.args([
            "--ignore-missing-torrc",
            "-f",
            "/nonexistent",
            "--defaults-torrc",
            "/nonexistent",
        ]);
        command
            .arg("--DataDirectory")
            .arg(&folder)
            .args(["--Nickname", &nickname, "--ORPort", "127.0.0.1:1"]);
        command.arg("--list-fingerprint").stdin(Stdio::null());
        let work = Running::start("tor", command, &folder.join("keys.log"))?;
        Ok(Self { nickname, folder, work })
    }

    fn finish(mut self) -> Result<Relay, Error> {
        self.work.wait_for_success()?;
        let rsa_identity = word_after(&self.nickname, &self.folder.join("fingerprint"))?;
        let ed_identity = word_after(&self.nickname, &self.folder.join("fingerprint-ed25519"))?;
        Ok(Relay {
            nickname: self.nickname,
            folder: self.folder,
            rsa_identity,
            ed_identity,
        })
    }
}

/// A `tor-gencert` that makes the keys of an authority.
struct VoteKeys {
    certificate: PathBuf,
    work: Running,
}

impl VoteKeys {
    fn begin(folder: &Path) -> Result<Self, Error> {
        let keys = folder.join("keys");
        process::create_private(&keys).map_err(Error::io("make a folder for an authority's keys"))?;
        let certificate = keys.join("authority_certificate");
        let mut command = Command::new("tor-gencert");
        command.args(["--create-identity-key", "-m", "3", "--passphrase-fd", "0"]);
        command.arg("-i").arg(keys.join("authority_identity_key"));
        command.arg("-s").arg(keys.join("authority_signing_key"));
        command.arg("-c").arg(&certificate).stdin(Stdio::piped());
        let mut work = Running::start("tor-gencert", command, &folder.join("gencert.log"))?;
        // The identity key is not used again and is removed with the folder: its passphrase protects nothing.
        let passphrase = work.stdin().write_all(b"unused\n");
        passphrase.map_err(Error::io("give tor-gencert a passphrase"))?;
        Ok(Self { certificate, work })
    }

    fn finish(mut self) -> Result<String, Error> {
        self.work.wait_for_success()?;
        word_after("fingerprint", &self.certificate)
    }
}

/// The second word of the line whose first is `key`.
fn word_after(key: &str, file: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(file).map_err(Error::io("read the fingerprint of a key"))?;
    let mut lines = text.lines().map(str::split_whitespace);
    let found = lines.find_map(|mut words| if words.next() == Some(key) { words.next() } else { None });
    found
        .map(str::to_owned)
        .ok_or_else(|| ProcessError::unreadable(file, &text).into())
}
