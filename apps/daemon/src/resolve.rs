//! [`contact`] and [`conversation`]: what a text names. Every surface resolves names here. [`petname`]: a text as a new
//! petname, which must name its contact and nothing else.
//!
//! In this order: a friend code or a whole onion address; the user's petname, exactly, then without regard to case; the
//! first letters of an onion address. Two matches are an error that lists them. A name that a peer claims resolves nothing
//! (PROTOCOL M-13): any peer can claim any name, and a message must not go to the one that claims the right name. The
//! error only suggests such a peer, marked as claimed.
//!
//! Names are compared in one form ([`normal`]), because `é` can be one character or two, and a space at the end is not
//! seen. Stores of earlier versions hold petnames that are in another form or look like an address; they still resolve.

use icu_normalizer::ComposingNormalizerBorrowed;
use sotto_api::{Error, Kind};
use sotto_core::row::Relationship;
use sotto_core::{ConversationId, FriendCode, OnionAddress};
use sotto_io_sqlcipher::visible_name;

use crate::api_error::wrong_code;

/// Letters of an onion address that may stand for it.
const SHORTEST_BEGINNING: usize = 8;

const ONION_LETTERS: usize = 56;

/// The mark before a name that is only claimed, and what looks like it.
const TILDES: [char; 6] = ['~', '\u{2dc}', '\u{223c}', '\u{301c}', '\u{ff5e}', '\u{2053}'];

/// A peer that a text may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address: the identity.
    pub address: OnionAddress,
    /// The user's name for the peer; empty if none.
    pub petname: String,
    /// The peer's name for itself; empty if none. Untrusted, already sanitised.
    pub claimed_name: String,
    /// The relationship with the peer.
    pub relationship: Relationship,
    /// The address as text.
    onion: String,
    /// The petname in the form in which names are compared.
    normal: String,
}

impl Candidate {
    /// A peer with its names; an empty one is none.
    pub fn new(address: OnionAddress, petname: String, claimed_name: String, relationship: Relationship) -> Self {
        Self {
            onion: address.to_string(),
            normal: normal(&petname),
            address,
            petname,
            claimed_name,
            relationship,
        }
    }

    /// The address as text.
    pub fn onion(&self) -> &str {
        &self.onion
    }
}

/// Which contact `text` names.
pub fn contact(text: &str, candidates: &[Candidate]) -> Result<OnionAddress, Error> {
    let text = &normal(text);
    if text.is_empty() {
        return Err(Error::invalid("contact must not be empty"));
    }
    // To check an unknown address takes longer than the rest of a request.
    if let Some(known) = candidates.iter().find(|one| one.onion == *text) {
        return Ok(known.address);
    }
    match identifier(text) {
        Ok(Some(address)) => {
            let known = candidates.iter().any(|candidate| candidate.address == address);
            return if known {
                Ok(address)
            } else {
                Err(unknown(text, candidates))
            };
        }
        // It may be a petname that an earlier version let through.
        Err(error) if named(text, candidates).is_empty() => return Err(error),
        Ok(None) | Err(_) => {}
    }
    let folded = text.to_lowercase();
    let tiers: [Vec<&Candidate>; 3] = [
        named(text, candidates),
        candidates
            .iter()
            .filter(|one| !one.petname.is_empty() && one.normal.to_lowercase() == folded)
            .collect(),
        beginning(&folded, candidates),
    ];
    match tiers.iter().find(|tier| !tier.is_empty()).map(Vec::as_slice) {
        Some([one]) => Ok(one.address),
        Some(several) => Err(ambiguous(text, several)),
        None => Err(unknown(text, candidates)),
    }
}

/// Which conversation `text` names: a direct one by its contact, others by `group:ID` or `channel:ID`.
pub fn conversation(text: &str, candidates: &[Candidate]) -> Result<ConversationId, Error> {
    let text = &normal(text);
    if let Some((kind, id)) = kind_and_id(text)
        && named(text, candidates).is_empty()
    {
        // This node can be in none yet.
        let message = format!("this node is in no {kind} {id:?}");
        return Err(Error::new(Kind::UnknownConversation, message));
    }
    contact(text, candidates).map(ConversationId::Direct)
}

/// `text` as the petname of `peer`, in the form in which it is stored. An error if another contact or conversation, or this node
/// (`us`), could be meant by it, or if it looks as a claimed name is shown.
pub fn petname(text: &str, peer: OnionAddress, us: OnionAddress, candidates: &[Candidate]) -> Result<String, Error> {
    let name = normal(text);
    let lowercase = name.to_ascii_lowercase();
    let begins = |onion: &str| onion.starts_with(&lowercase);
    let known = candidates.iter().any(|candidate| begins(&candidate.onion))
        || begins(&peer.to_string())
        || begins(&us.to_string());
    let is_beginning = is_beginning(&lowercase) && (known || lowercase.bytes().any(|byte| byte.is_ascii_digit()));
    let folded = name.to_lowercase();
    let taken = candidates
        .iter()
        .find(|one| one.address != peer && !one.petname.is_empty() && one.normal.to_lowercase() == folded);
    if let Some(other) = taken {
        let message = format!("the petname {text:?} is that of another contact, {}", other.onion);
        return Err(Error::invalid(message)
            .hint("a name must say which of the two is meant: choose another one, or rename the other contact first"));
    }
    let why = if name.is_empty() {
        "is blank"
    } else if name.starts_with(TILDES) {
        "looks like a name that a peer only claims"
    } else if kind_and_id(&name).is_some() {
        "looks like the name of a group or channel"
    } else if identifier(&name) != Ok(None) {
        "looks like a friend code or an onion address"
    } else if is_beginning {
        "looks like the beginning of an onion address"
    } else {
        return Ok(name);
    };
    Err(Error::invalid(format!("the petname {text:?} {why}"))
        .hint("choose a name that cannot be taken for an address; without one, the contact goes by its onion address"))
}

/// The one form of a text that is typed, stored and compared: composed (NFC), without what cannot be seen, and without
/// blanks around it.
pub fn normal(text: &str) -> String {
    let visible = visible_name(text.to_owned()).unwrap_or_default();
    ComposingNormalizerBorrowed::new_nfc().normalize(&visible).into_owned()
}

/// The contacts with exactly this petname.
fn named<'a>(text: &str, candidates: &'a [Candidate]) -> Vec<&'a Candidate> {
    let same = |one: &&Candidate| !one.petname.is_empty() && one.normal == text;
    candidates.iter().filter(same).collect()
}

/// The two parts of `group:ID` and `channel:ID`.
fn kind_and_id(text: &str) -> Option<(&str, &str)> {
    text.split_once(':')
        .filter(|(kind, _)| ["group", "channel"].contains(kind))
}

/// A friend code or a whole onion address; one with a typing error is an error rather than a name.
pub(crate) fn identifier(text: &str) -> Result<Option<OnionAddress>, Error> {
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
        .map_err(|error| wrong_code(&format!("contact {text:?}"), error))?;
    Ok(Some(code.address))
}

fn beginning<'a>(folded: &str, candidates: &'a [Candidate]) -> Vec<&'a Candidate> {
    if !is_beginning(folded) {
        return Vec::new();
    }
    candidates
        .iter()
        .filter(|candidate| candidate.onion.starts_with(folded))
        .collect()
}

/// Whether a text can stand for the onion addresses that begin so.
fn is_beginning(text: &str) -> bool {
    text.len() >= SHORTEST_BEGINNING && text.bytes().all(is_base32)
}

fn is_base32(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (b'2'..=b'7').contains(&byte)
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
    let error = Error::new(Kind::UnknownContact, format!("{text:?} is not a contact"));
    let folded = text.to_lowercase();
    let claiming: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| {
            can_be_meant(candidate.relationship) && normal(&candidate.claimed_name).to_lowercase() == folded
        })
        .collect();
    if let Some(first) = claiming.first() {
        return claimed(error, first).candidates(claiming.iter().map(|one| described(one)).collect());
    }
    match near(&folded, candidates) {
        Some(candidate) => error.hint(format!("did you mean {}?", candidate.petname)),
        None => error,
    }
}

/// The user may mean a peer by the name that it claims: says which peer that is, and how to give it a petname.
fn claimed(error: Error, candidate: &Candidate) -> Error {
    let (name, beginning) = (&candidate.claimed_name, &candidate.onion[..12]);
    let command = match candidate.relationship {
        Relationship::Asking => format!("sotto friends accept {beginning} --name NAME"),
        _ => format!("sotto friends rename {beginning} NAME"),
    };
    error.hint(format!(
        "{beginning}… claims to be {name}, as any peer can; if you know it is: {command}"
    ))
}

/// A stranger's claim is not worth a suggestion.
const fn can_be_meant(relationship: Relationship) -> bool {
    match relationship {
        Relationship::Friend
        | Relationship::Requested
        | Relationship::RequestDelivered
        | Relationship::RequestDeclined
        | Relationship::Asking => true,
        Relationship::Stranger | Relationship::Declined => false,
    }
}

/// The petname that a mistyped text is nearest to, if any is near.
fn near<'a>(folded: &str, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
    let length = folded.chars().count();
    candidates
        .iter()
        .filter(|candidate| !candidate.petname.is_empty())
        .map(|candidate| {
            let petname = candidate.petname.to_lowercase();
            (petname.chars().count(), petname, candidate)
        })
        // The distance takes memory for every pair of letters, and a text may be a line long.
        .filter(|(letters, ..)| letters.abs_diff(length) <= 1 + letters / 4)
        .map(|(letters, petname, candidate)| (strsim::damerau_levenshtein(&petname, folded), letters, candidate))
        .filter(|(distance, letters, _)| *distance <= 1 + letters / 4)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., candidate)| candidate)
}

fn described(candidate: &Candidate) -> String {
    let Candidate {
        onion,
        petname,
        claimed_name,
        ..
    } = candidate;
    match (petname.as_str(), claimed_name.as_str()) {
        ("", "") => onion.clone(),
        ("", claimed) => format!("{onion} (claims to be {claimed})"),
        (petname, _) => format!("{onion} ({petname})"),
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
            availability: sotto_core::Availability::default(),
            default_timer: 0,
        }
        .address()
    }

    fn candidate(seed: u8, petname: &str, claimed: &str, relationship: Relationship) -> Candidate {
        Candidate::new(address(seed), petname.to_owned(), claimed.to_owned(), relationship)
    }

    fn people() -> Vec<Candidate> {
        use Relationship::{Asking, Friend, Stranger};
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
    fn each_way_to_name_a_contact() {
        let onion = address(3).to_string();
        let code = FriendCode {
            address: address(3),
            invite: None,
        }
        .to_string();
        for (text, expected) in [
            ("Bob", Ok(1)),
            ("bob", Ok(2)),
            ("BOB", Err(Kind::AmbiguousContact)),
            (" Bob ", Ok(1)),
            ("zoË", Ok(10)),
            ("", Err(Kind::InvalidParams)),
            (&onion, Ok(3)),
            (&onion.to_uppercase(), Ok(3)),
            (onion.trim_end_matches(".onion"), Ok(3)),
            (&code, Ok(3)),
            (&code.to_uppercase(), Ok(3)),
            (&onion[..8], Ok(3)),
            (&onion[..20].to_uppercase(), Ok(3)),
            (&onion[..7], Err(Kind::UnknownContact)),
            (&address(99).to_string(), Err(Kind::UnknownContact)),
        ] {
            let found = contact(text, &people());
            let found = found.map_err(|error| error.kind());
            assert_eq!(found, expected.map(address), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_the_same_in_each_form_that_looks_the_same() {
        let mut people = people();
        people.push(candidate(11, "Jose\u{301} ", "", Relationship::Friend));
        for text in ["José", "Jose\u{301}", " José", "jose\u{301}", "Jos\u{200b}é", "JOSÉ"] {
            assert_eq!(contact(text, &people), Ok(address(11)), "{text:?}");
        }
    }

    #[test]
    fn a_petname_is_stored_in_one_form() {
        for (text, stored) in [
            ("Bert ", "Bert"),
            ("\u{feff}Jose\u{301}\t", "José"),
            // Eight letters are a name, too.
            ("Margaret", "Margaret"),
            ("Jonathan", "Jonathan"),
            ("sotto", "sotto"),
        ] {
            assert_eq!(
                petname(text, address(20), address(30), &people()).as_deref(),
                Ok(stored),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_petname_that_could_mean_another_contact_is_refused() {
        let [known, new, ours] = [3, 20, 30].map(|seed| address(seed).to_string());
        let code = FriendCode {
            address: address(20),
            invite: None,
        };
        for text in [
            "",
            " ",
            "\u{200b}",
            "x.onion",
            "sotto1x",
            "group:family",
            "channel:news",
            "k7q3x2ab",
            &known,
            known.trim_end_matches(".onion"),
            &known[..8],
            &known[..8].to_uppercase(),
            &new[..8],
            &ours[..8],
            &ours[..20].to_uppercase(),
            "~Bob",
            " \u{200b}~ Bob (k7q3x2ab)",
            "\u{ff5e}Bob",
            &code.to_string(),
        ] {
            let error = petname(text, address(20), address(30), &people()).expect_err(text);
            assert_eq!(error.kind(), Kind::InvalidParams, "{text:?}");
            assert!(error.message.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_petname_of_another_contact_is_taken() {
        for text in ["Zoë", "zoe\u{308}", " ZOË ", "carol's PHONE"] {
            let error = petname(text, address(20), address(30), &people()).expect_err(text);
            assert_eq!(error.kind(), Kind::InvalidParams, "{text:?}");
            assert!(error.message.contains("another contact"), "{error}");
        }
        for (text, own) in [("zoë", 10), ("Carol", 20), ("alice", 20)] {
            assert_eq!(petname(text, address(own), address(30), &people()).as_deref(), Ok(text));
        }
    }

    /// Earlier versions stored any petname.
    #[test]
    fn a_petname_that_would_be_refused_today_still_names_its_contact() {
        for stored in [
            "x.onion",
            "sotto1x",
            "group:family",
            "k7q3x2ab",
            "Bob ",
            &address(3).to_string()[..8],
        ] {
            let mut people = people();
            people.remove(0);
            people.push(candidate(20, stored, "", Relationship::Friend));
            assert_eq!(
                conversation(stored, &people),
                Ok(ConversationId::Direct(address(20))),
                "{stored:?}"
            );
        }
    }

    #[test]
    fn a_typing_error_in_an_identifier_is_said_and_not_taken_for_a_name() {
        let mut onion = address(3).to_string().into_bytes();
        onion[3] = if onion[3] == b'a' { b'b' } else { b'a' };
        let onion = String::from_utf8(onion).expect("ascii");
        let error = contact(&onion, &people()).expect_err("wrong checksum");
        assert_eq!((error.kind(), error.exit_code()), (Kind::InvalidParams, 1));
        assert!(error.message.contains("typing error"), "{error}");
        for text in ["sotto1qqqq", "x.onion", "sotto1", "é.onion"] {
            let error = contact(text, &people()).expect_err(text);
            assert_eq!(error.kind(), Kind::InvalidParams, "{text}");
        }
    }

    #[test]
    fn a_claimed_name_resolves_nothing_whatever_the_relationship() {
        for (text, claiming) in [
            ("carol", &[3, 6][..]),
            ("Carol", &[3, 6]),
            ("dave", &[4, 5]),
            ("erin", &[7]),
            ("robert", &[1]),
            ("alice", &[2]),
            // A stranger is not even suggested.
            ("frank", &[]),
        ] {
            let error = contact(text, &people()).expect_err(text);
            assert_eq!(error.kind(), Kind::UnknownContact, "{text}");
            let suggested: Vec<&str> = error.data.candidates.iter().map(|one| &one[..62]).collect();
            let expected: Vec<String> = claiming.iter().map(|seed| address(*seed).to_string()).collect();
            assert_eq!(suggested, expected, "{text}");
        }
        let hint = |text| contact(text, &people()).expect_err(text).data.hint;
        let begins = |seed| address(seed).to_string()[..12].to_owned();
        assert_eq!(
            hint("dave"),
            format!(
                "{0}… claims to be dave, as any peer can; if you know it is: sotto friends rename {0} NAME",
                begins(4)
            )
        );
        assert!(hint("erin").ends_with(&format!("sotto friends accept {} --name NAME", begins(7))));
    }

    #[test]
    fn an_ambiguous_name_lists_who_may_be_meant() {
        let error = contact("BOB", &people()).expect_err("two petnames differ in case alone");
        assert_eq!(error.data.candidates.len(), 2);
        assert!(
            error
                .data
                .candidates
                .iter()
                .any(|one| one.starts_with(&address(1).to_string()))
        );
        assert!(error.message.contains(&address(2).to_string()), "{error}");
    }

    #[test]
    fn a_conversation_is_a_contacts_or_named_by_its_kind() {
        assert_eq!(
            conversation("Bob", &people()).expect("a contact"),
            ConversationId::Direct(address(1))
        );
        let id = "00".repeat(32);
        for text in [format!("group:{id}"), format!("channel:{id}"), String::from("group:")] {
            let error = conversation(&text, &people()).expect_err("there are none");
            assert_eq!(
                (error.kind(), error.exit_code()),
                (Kind::UnknownConversation, 1),
                "{text}"
            );
        }
    }

    #[test]
    fn a_shared_beginning_is_ambiguous() {
        let mut people = people();
        people.push(Candidate {
            petname: String::from("twin"),
            ..people[2].clone()
        });
        let error = contact(&address(3).to_string()[..8], &people).expect_err("two begin so");
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
        let error = contact(&"x".repeat(1 << 20), &people).expect_err("no such contact");
        assert_eq!(error.kind(), Kind::UnknownContact);
        assert!(!error.data.hint.starts_with("did you mean"), "{error}");
        // Sixty-four thousand million pairs would take minutes.
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_near_miss_is_suggested() {
        let error = contact("carols phone", &people()).expect_err("no such contact");
        assert_eq!(error.data.hint, "did you mean carol's phone?");
    }
}
