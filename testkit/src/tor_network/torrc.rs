//! What each process is told. Options that follow from `TestingTorNetwork 1` are not repeated.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::identity::{Authority, Relay};

/// The lines that name the authorities, for everybody.
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

/// What authorities are to believe about the speed of relays: that all are alike. Without it, who has carried nothing yet
/// weighs nothing, and clients choose among the few that have.
pub(super) fn bandwidths<'a>(relays: impl IntoIterator<Item = &'a Relay>) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    relays.into_iter().fold(format!("{now}\n"), |mut file, relay| {
        _ = writeln!(file, "node_id=${} bw=1000", relay.rsa_identity);
        file
    })
}

/// The first voting interval is the shortest that `tor` allows, so that the first consensus comes soon. A consensus
/// stays valid for ten minutes, so that clients need not fetch one every few seconds. `hsdir_interval`, in minutes, is
/// what arti goes by for the periods of onion descriptors, and 24 voting intervals are what C tor in a testing network
/// goes by: they must be one, and arti takes no less than five minutes.
pub(super) fn authority(authority: &Authority, authorities: &str, bandwidths: &Path) -> String {
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
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 15
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 40
V3BandwidthsFile {bandwidths}
ConsensusParams hsdir_interval=6
AuthDirSharedRandomness 0
AuthDirMaxServersPerAddr 0
AuthDirFastGuarantee 1
AuthDirVoteStableGuaranteeMinUptime 0
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
",
            bandwidths = bandwidths.display(),
        )
}

/// A relay's own port is chosen by the system, for nobody needs to know it before the consensus tells.
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

/// Each process ends soon after us even if the [guard](super::guard) is killed, and spends no time on a map of the world.
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
