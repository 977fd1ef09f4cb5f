//! Texts in place of an address, a friend code or a message id. A text that parses has one canonical form, which parses to the same
//! value. A code with one wrong letter never parses as another code.

use sotto_core::{FriendCode, InviteToken, MessageId, OnionAddress, OnionSecret};

use crate::input::Input;

pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    as_address(&text);
    as_friend_code(&text);
    if let Ok(id) = text.parse::<MessageId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    as_key(bytes);
    mistyped(bytes);
}

fn as_address(text: &str) {
    match text.parse::<OnionAddress>() {
        Ok(address) => {
            let written = address.to_string();
            assert_eq!(written.parse(), Ok(address));
            let lower = text.trim().to_ascii_lowercase();
            assert_eq!(written.trim_end_matches(".onion"), lower.trim_end_matches(".onion"));
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

fn as_friend_code(text: &str) {
    match text.parse::<FriendCode>() {
        Ok(code) => {
            assert_eq!(code.to_string().parse(), Ok(code));
            let lower = text.trim().to_ascii_lowercase();
            if lower.starts_with("sotto1") {
                assert_eq!(code.to_string(), lower, "a code has one canonical text");
            } else {
                assert_eq!(
                    text.parse(),
                    Ok(code.address),
                    "a text that is no code is a bare address"
                );
                assert_eq!(code.invite, None);
            }
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

/// Thirty-two bytes as a public key.
fn as_key(bytes: &[u8]) {
    let key = Input::new(bytes).array();
    if let Ok(address) = OnionAddress::from_public_key(key) {
        assert_eq!(address.public_key(), &key);
        assert_eq!(address.to_string().parse(), Ok(address));
        assert_ne!(address.montgomery(), [0; 32], "a key of low order was accepted");
    }
}

/// A valid code with one letter changed.
fn mistyped(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (place, letter) = (input.number(), input.byte());
    let address = OnionSecret::from_seed(&input.array()).address();
    let invite = (!input.even()).then(|| InviteToken(input.array()));
    for text in [FriendCode { address, invite }.to_string(), address.to_string()] {
        let mut wrong = text.clone().into_bytes();
        let name = text.trim_end_matches(".onion").len();
        wrong[place % name] = letter.to_ascii_lowercase();
        if let Ok(wrong) = String::from_utf8(wrong)
            && wrong != text
            && let Ok(other) = wrong.parse::<FriendCode>()
        {
            // A checksum of sixteen bits accepts one wrong address in 65 536, which a fuzzer finds.
            assert!(!text.starts_with("sotto1"), "{wrong} was read as {text}: {other:?}");
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let address = OnionSecret::from_seed(&[7; 32]).address();
    let code = |invite| FriendCode { address, invite }.to_string();
    [
        code(None),
        code(Some(InviteToken([3; 16]))),
        code(None).to_uppercase(),
        address.to_string(),
        format!(" {}\n", address.to_string().trim_end_matches(".onion")),
        MessageId([0xab; 16]).to_string(),
        String::from("duckduckgo.com"),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([address.public_key().to_vec()])
    .collect()
}
