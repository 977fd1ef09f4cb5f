//! How strong a passphrase is, in words.

use zxcvbn::{Score, zxcvbn};

/// Bytes that are looked at: what is longer is strong enough, and the estimate takes time.
const ENOUGH: usize = 64;

/// In a few words, for the field that it is typed into; nothing for an empty one.
pub fn strength(passphrase: &str) -> &'static str {
    if passphrase.is_empty() {
        return "";
    }
    let end = passphrase.char_indices().map(|(at, _)| at).find(|at| *at >= ENOUGH);
    let estimate = zxcvbn(&passphrase[..end.unwrap_or(passphrase.len())], &["sotto"]);
    match estimate.score() {
        Score::Zero | Score::One => "weak: guessed within minutes",
        Score::Two => "weak: guessed within days",
        Score::Three => "fair",
        _ => "strong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_many_use_are_weak_and_several_together_are_strong() {
        assert_eq!(strength(""), "");
        assert!(strength("password1").starts_with("weak"));
        assert_eq!(strength("viola correct marzipan stapler"), "strong");
        assert!(!strength(&"漢".repeat(500)).is_empty());
    }
}
