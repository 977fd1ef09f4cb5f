//! How strong a passphrase is, in words. It is a rule of thumb for the eye of the person who types it: what no attacker's list has
//! cannot be known here, so it judges length and variety alone, and calls nothing strong that is short.

use std::collections::BTreeSet;

/// What many people use, in the beginning of their passphrases.
const USUAL: [&str; 12] = [
    "password",
    "passwort",
    "passphrase",
    "qwert",
    "12345",
    "abc123",
    "letmein",
    "iloveyou",
    "welcome",
    "admin",
    "sotto",
    "secret",
];

/// In a few words, for the field that it is typed into; nothing for an empty one.
pub fn strength(passphrase: &str) -> &'static str {
    if passphrase.is_empty() {
        return "";
    }
    let lower = passphrase.to_lowercase();
    let characters = lower.chars().count();
    let distinct = lower.chars().collect::<BTreeSet<_>>().len();
    let words = lower.split_whitespace().filter(|word| word.chars().count() > 2).count();
    let usual = USUAL.iter().any(|usual| lower.starts_with(usual)) && characters < 20;
    match characters {
        _ if usual => "weak: many people use this",
        0..=11 => "weak: short",
        _ if distinct < 7 => "weak: the same letters again and again",
        12..=19 if words < 4 => "fair; several words together are better",
        _ => "strong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_or_usual_is_weak_and_several_words_are_strong() {
        assert_eq!(strength(""), "");
        for weak in [
            "a",
            "kT9$x!pQ",
            "Password1234",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabc",
        ] {
            assert!(strength(weak).starts_with("weak"), "{weak}");
        }
        assert!(strength("kT9$x!pQ2#mZ").starts_with("fair"));
        for strong in ["viola correct marzipan stapler", "red fox hid two keys"] {
            assert_eq!(strength(strong), "strong", "{strong}");
        }
    }
}
