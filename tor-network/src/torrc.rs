//! The configuration of each process. Options that follow from `TestingTorNetwork 1` are not repeated.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::identity::{Authority, Relay};

/// The lines that name the authorities, for every configuration.
pub(super) fn authority_lines<'a>(authorities: impl IntoIterator<Item = &'a Authority>) -> String {
    authorities.into_iter().fold(String::new(), |mut lines, it| {
        let Authority {
            relay: Relay {
                nickname, rsa_identity, ..
            },
            or_port,
            dir_port,
            v3_identity,
        } = it;
        _ = writeln!(
            lines,
            "DirAuthority {nickname} orport={or_port} v3ident={v3_identity} 127.0.0.1:{dir_port} {rsa_identity}"
        );
        lines
    })
}

/// The bandwidths that authorities state: equal for all relays. Without it a relay without traffic has weight 0, and clients choose
/// among the few others.
pub(super) fn bandwidths<'a>(relays: impl IntoIterator<Item = &'a Relay>) -> String {
    let now = seconds(SystemTime::now());
    relays.into_iter().fold(format!("{now}\n"), |mut file, relay| {
        _ = writeln!(file, "node_id=${} bw=1000", relay.rsa_identity);
        file
    })
}

/// Seconds between two votes. One consensus lasts for the life of the network, so that all processes have the same one: it
/// determines the period of onion descriptors, and without shared randomness a service publishes for that period alone. A period
/// is 24 votes for C tor in a testing network, and `hsdir_interval`, in minutes, for arti.
const VOTES: u64 = 30 * 60;
const PERIOD: u64 = 24 * VOTES / 60;

/// Timeout of a circuit build, in milliseconds. A timeout learnt from circuits on loopback would be too short for a machine that is
/// busy for a moment.
const SLOWEST: u64 = 3000;

/// An authority that votes at this time, and again after each interval.
pub(super) fn authority(authority: &Authority, authorities: &str, bandwidths: &Path, vote: SystemTime) -> String {
    let Authority {
        relay: Relay { nickname, folder, .. },
        or_port,
        dir_port,
        ..
    } = authority;
    member(nickname, folder, &or_port.to_string(), authorities)
        + &format!(
            "AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
DirPort 127.0.0.1:{dir_port}
TestingV3AuthInitialVotingInterval {VOTES}
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
TestingV3AuthVotingStartOffset {offset}
V3AuthVotingInterval {VOTES}
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 2
V3BandwidthsFile {bandwidths}
ConsensusParams cbtmintimeout={SLOWEST} hsdir_interval={PERIOD}
AuthDirSharedRandomness 0
AuthDirMaxServersPerAddr 0
AuthDirFastGuarantee 1
AuthDirVoteStableGuaranteeMinUptime 0
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
",
            offset = seconds(vote) % VOTES,
            bandwidths = bandwidths.display(),
        )
}

/// Of Unix time.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The system chooses a relay's port: other processes learn it from the consensus.
pub(super) fn relay(relay: &Relay, authorities: &str) -> String {
    member(&relay.nickname, &relay.folder, "auto", authorities)
}

pub(super) fn client(folder: &Path, authorities: &str) -> String {
    process(folder, authorities)
        + "SocksPort 127.0.0.1:auto
"
}

fn member(nickname: &str, folder: &Path, port: &str, authorities: &str) -> String {
    process(folder, authorities)
        + &format!(
            "Nickname {nickname}
ContactInfo nobody@localhost
Address 127.0.0.1
ORPort 127.0.0.1:{port}
SocksPort 0
AssumeReachable 1
ExitRelay 0
"
        )
}

/// Each process ends soon after its owner even if the [shell](super::cleanup) is killed, and loads no `GeoIP` file.
fn process(folder: &Path, authorities: &str) -> String {
    format!(
        "TestingTorNetwork 1
DataDirectory {folder}
__OwningControllerProcess {owner}
ShutdownWaitLength 0
Log notice stdout
NumCPUs 1
GeoIPFile /dev/null
GeoIPv6File /dev/null
{authorities}",
        folder = folder.display(),
        owner = std::process::id(),
    )
}
