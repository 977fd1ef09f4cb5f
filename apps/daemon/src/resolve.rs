//! Whom a text means. One resolver serves every surface, at the moment when a person or program has named somebody.
//!
//! In this order: a friend code or a whole onion address; our petname, exactly, then without regard to case; the
//! beginning of an onion address; and last a name that a contact claims, if we gave that contact no petname. What we
//! chose goes before what peers claim, so nobody can take a message by taking a name. Two that fit are an error that
//! lists them.

use sotto_api::{Error, Kind};
use sotto_core::row::Standing;
use sotto_core::{FriendCode, OnionAddress};

/// Letters of an onion address that may stand for it.
const SHORTEST_BEGINNING: usize = 6;

const ONION_LETTERS: usize = 56;

/// Somebody who may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub address: OnionAddress,
    /// Our name for them; empty if none.
    pub petname: String,
    /// Their name for themselves; empty if none. Untrusted, already cleaned.
    pub claimed_name: String,
    /// Where we stand with them.
    pub standing: Standing,
}

/// Whom the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Somebody to talk to or about. A stranger's claimed name means nobody.
    Known,
    /// Somebody who asks to be a contact.
    Asking,
}

/// Whom `text` means.
pub fn resolve(text: &str, scope: Scope, candidates: &[Candidate]) -> Result<OnionAddress, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("contact must not be empty"));
    }
    if let Some(address) = identifier(text)? {
        let known = candidates.iter().any(|candidate| candidate.address == address);
        return if known {
            Ok(address)
        } else {
            Err(unknown(text, candidates))
        };
    }
    let named = |candidate: &&Candidate| !candidate.petname.is_empty();
    let claims = |candidate: &&Candidate| {
        candidate.petname.is_empty() && !candidate.claimed_name.is_empty() && listens_to(scope, candidate.standing)
    };
    let folded = text.to_lowercase();
    let tiers: [Vec<&Candidate>; 4] = [
        candidates
            .iter()
            .filter(named)
            .filter(|one| one.petname == text)
            .collect(),
        candidates
            .iter()
            .filter(named)
            .filter(|one| one.petname.to_lowercase() == folded)
            .collect(),
        beginning(&folded, candidates),
        candidates
            .iter()
            .filter(claims)
            .filter(|one| one.claimed_name.to_lowercase() == folded)
            .collect(),
    ];
    match tiers.iter().find(|tier| !tier.is_empty()).map(Vec::as_slice) {
        Some([one]) => Ok(one.address),
        Some(several) => Err(ambiguous(text, several)),
        None => Err(unknown(text, candidates)),
    }
}

/// A friend code or a whole onion address; one with a typing error is an error rather than a name.
fn identifier(text: &str) -> Result<Option<OnionAddress>, Error> {
    let starts = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let ends = text.len() > 6 && text.as_bytes()[text.len() - 6..].eq_ignore_ascii_case(b".onion");
    let whole = text.len() == ONION_LETTERS && text.bytes().all(is_base32);
    if !(starts("sotto1") || ends || whole) {
        return Ok(None);
    }
    let code: FriendCode = text
        .parse()
        .map_err(|error| Error::invalid(format!("contact {text:?}: {error}")))?;
    Ok(Some(code.address))
}

fn beginning<'a>(folded: &str, candidates: &'a [Candidate]) -> Vec<&'a Candidate> {
    if folded.len() < SHORTEST_BEGINNING || !folded.bytes().all(is_base32) {
        return Vec::new();
    }
    candidates
        .iter()
        .filter(|candidate| candidate.address.to_string().starts_with(folded))
        .collect()
}

fn is_base32(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (b'2'..=b'7').contains(&byte)
}

/// Whether a claimed name counts.
fn listens_to(scope: Scope, standing: Standing) -> bool {
    match standing {
        Standing::Friend | Standing::Requested | Standing::RequestDelivered | Standing::RequestDeclined => {
            scope == Scope::Known
        }
        Standing::Asking => scope == Scope::Asking,
        Standing::Stranger | Standing::Declined => false,
    }
}

fn ambiguous(text: &str, several: &[&Candidate]) -> Error {
    let names: Vec<String> = several.iter().map(|one| described(one)).collect();
    Error::new(
        Kind::AmbiguousContact,
        format!("{text:?} may be any of {}: {}", names.len(), names.join(", ")),
    )
    .candidates(names)
}

fn unknown(text: &str, candidates: &[Candidate]) -> Error {
    let folded = text.to_lowercase();
    let length = folded.chars().count();
    let near = candidates
        .iter()
        .filter(|candidate| !candidate.petname.is_empty())
        .map(|candidate| {
            let petname = candidate.petname.to_lowercase();
            (petname.chars().count(), petname, candidate)
        })
        // The distance takes memory for every pair of letters, and a text may be a line long.
        .filter(|(letters, ..)| letters.abs_diff(length) <= 1 + letters / 4)
        .map(|(letters, petname, candidate)| (strsim::damerau_levenshtein(&petname, &folded), letters, candidate))
        .filter(|(distance, letters, _)| *distance <= 1 + letters / 4)
        .min_by_key(|(distance, ..)| *distance);
    let error = Error::new(Kind::UnknownContact, format!("{text:?} is not a contact"));
    match near {
        Some((.., candidate)) => error.hint(format!("did you mean {}?", candidate.petname)),
        None => error,
    }
}

fn described(candidate: &Candidate) -> String {
    let Candidate {
        address,
        petname,
        claimed_name,
        ..
    } = candidate;
    match (petname.as_str(), claimed_name.as_str()) {
        ("", "") => address.to_string(),
        ("", claimed) => format!("{address} (calls itself {claimed})"),
        (petname, _) => format!("{address} ({petname})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the seed that is this byte 32 times; its address begins differently for each seed used here.
    fn address(seed: u8) -> OnionAddress {
        sotto_core::row::IdentityRow {
            onion_seed: [seed; 32],
            signal_identity: Vec::new(),
            registration_id: 1,
            name: String::new(),
            created_at: sotto_core::Wall(0),
        }
        .address()
    }

    fn candidate(seed: u8, petname: &str, claimed: &str, standing: Standing) -> Candidate {
        Candidate {
            address: address(seed),
            petname: petname.to_owned(),
            claimed_name: claimed.to_owned(),
            standing,
        }
    }

    fn people() -> Vec<Candidate> {
        use Standing::{Asking, Friend, Stranger};
        vec![
            candidate(1, "Bob", "robert", Friend),
            candidate(2, "bob", "alice", Friend),
            candidate(3, "", "Carol", Friend),
            candidate(4, "", "dave", Friend),
            candidate(5, "", "Dave", Friend),
            candidate(6, "", "carol", Asking),
            candidate(7, "", "erin", Asking),
            candidate(8, "", "frank", Stranger),
            candidate(9, "carol's phone", "", Friend),
            candidate(10, "Zoë", "", Friend),
        ]
    }

    #[test]
    fn each_way_to_name_somebody() {
        let onion = address(3).to_string();
        let code = FriendCode {
            address: address(3),
            invite: None,
        }
        .to_string();
        for (text, scope, expected) in [
            ("Bob", Scope::Known, Ok(1)),
            ("bob", Scope::Known, Ok(2)),
            ("BOB", Scope::Known, Err(Kind::AmbiguousContact)),
            (" Bob ", Scope::Known, Ok(1)),
            ("zoË", Scope::Known, Ok(10)),
            ("carol", Scope::Known, Ok(3)),
            ("carol", Scope::Asking, Ok(6)),
            ("dave", Scope::Known, Err(Kind::AmbiguousContact)),
            ("erin", Scope::Known, Err(Kind::UnknownContact)),
            ("erin", Scope::Asking, Ok(7)),
            ("frank", Scope::Known, Err(Kind::UnknownContact)),
            ("frank", Scope::Asking, Err(Kind::UnknownContact)),
            // A petname of ours takes the place of what they claim.
            ("robert", Scope::Known, Err(Kind::UnknownContact)),
            ("alice", Scope::Known, Err(Kind::UnknownContact)),
            ("", Scope::Known, Err(Kind::InvalidParams)),
            (&onion, Scope::Known, Ok(3)),
            (&onion.to_uppercase(), Scope::Known, Ok(3)),
            (onion.trim_end_matches(".onion"), Scope::Known, Ok(3)),
            (&code, Scope::Known, Ok(3)),
            (&code.to_uppercase(), Scope::Known, Ok(3)),
            (&onion[..6], Scope::Known, Ok(3)),
            (&onion[..20].to_uppercase(), Scope::Known, Ok(3)),
            (&onion[..5], Scope::Known, Err(Kind::UnknownContact)),
            (&address(99).to_string(), Scope::Known, Err(Kind::UnknownContact)),
        ] {
            let found = resolve(text, scope, &people());
            let found = found.map_err(|error| error.kind());
            assert_eq!(found, expected.map(address), "{text:?} {scope:?}");
        }
    }

    #[test]
    fn a_typing_error_in_an_identifier_is_said_and_not_taken_for_a_name() {
        let mut onion = address(3).to_string().into_bytes();
        onion[3] = if onion[3] == b'a' { b'b' } else { b'a' };
        let onion = String::from_utf8(onion).expect("ascii");
        let error = resolve(&onion, Scope::Known, &people()).expect_err("wrong checksum");
        assert_eq!((error.kind(), error.exit_code()), (Kind::InvalidParams, 1));
        assert!(error.message.contains("typing error"), "{error}");
        for text in ["sotto1qqqq", "x.onion", "sotto1", "é.onion"] {
            let error = resolve(text, Scope::Known, &people()).expect_err(text);
            assert_eq!(error.kind(), Kind::InvalidParams, "{text}");
        }
    }

    #[test]
    fn an_ambiguous_name_lists_who_may_be_meant() {
        let error = resolve("dave", Scope::Known, &people()).expect_err("two claim it");
        assert_eq!(error.data.candidates.len(), 2);
        assert!(
            error
                .data
                .candidates
                .iter()
                .any(|one| one.starts_with(&address(4).to_string()))
        );
        assert!(error.message.contains(&address(5).to_string()), "{error}");
    }

    #[test]
    fn a_shared_beginning_is_ambiguous() {
        let mut people = people();
        people.push(Candidate {
            petname: String::from("twin"),
            ..people[2].clone()
        });
        let error = resolve(&address(3).to_string()[..8], Scope::Known, &people).expect_err("two begin so");
        assert_eq!(error.kind(), Kind::AmbiguousContact);
    }

    /// The distance between two texts takes time and memory for every pair of their letters.
    #[test]
    fn a_name_that_is_a_mebibyte_long_is_compared_with_none_of_a_thousand_petnames() {
        let bob = people().remove(0);
        let people: Vec<Candidate> = (0..1000)
            .map(|n| Candidate {
                petname: format!("{n:0>64}"),
                ..bob.clone()
            })
            .collect();
        let begun = std::time::Instant::now();
        let error = resolve(&"x".repeat(1 << 20), Scope::Known, &people).expect_err("nobody");
        assert_eq!(error.kind(), Kind::UnknownContact);
        assert!(!error.data.hint.starts_with("did you mean"), "{error}");
        // Sixty-four thousand million pairs would take minutes.
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let error = resolve("carols phone", Scope::Known, &people()).expect_err("nobody");
        assert_eq!(error.data.hint, "did you mean carol's phone?");
    }
}
