//! Where a link leads, and how that is shown: a text cannot look like another address than the one that it opens.

use std::fmt::Write;
use std::ops::Range;

use crate::text::{is_hidden, names};

/// The addresses of a text: `http` and `https`, without the punctuation of the sentence around them.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (start, _) in lower.match_indices("http") {
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| lower[start..].starts_with(scheme));
        let Some(scheme) = scheme else { continue };
        let inside = found.last().is_some_and(|last| start < last.end);
        if inside || text[..start].chars().next_back().is_some_and(char::is_alphanumeric) {
            continue;
        }
        let begin = start + scheme.len();
        let length = text[begin..].find(|c| !is_of_address(c)).unwrap_or(text.len() - begin);
        let end = begin + trimmed(&text[begin..begin + length]).len();
        if text[begin..end].starts_with(|c: char| c.is_alphanumeric()) {
            found.push(start..end);
        }
    }
    found
}

fn is_of_address(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^' | '[' | ']')
}

/// Without punctuation at the end, and without a bracket that was opened before the address.
fn trimmed(rest: &str) -> &str {
    let count = |bracket: char| rest.chars().filter(|c| *c == bracket).count();
    let (opened, mut closed) = (count('('), count(')'));
    let mut end = rest.len();
    for (at, c) in rest.char_indices().rev() {
        let ends = match c {
            ')' if closed > opened => {
                closed -= 1;
                true
            }
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '。' | '、' | '，' | '！' | '？' | '”'
            | '’' | '»' => true,
            _ => false,
        };
        if !ends {
            break;
        }
        end = at;
    }
    &rest[..end]
}

/// An address as it is opened and shown: what cannot be seen in it is encoded, as a browser does it.
pub(super) fn visible(url: &str) -> String {
    let mut shown = String::with_capacity(url.len());
    for c in url.chars() {
        if is_hidden(c) || c.is_whitespace() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(shown, "%{byte:02X}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The host of an address, or the address of a mail.
pub(super) fn host(url: &str) -> Option<&str> {
    if let Some(mail) = url.strip_prefix("mailto:") {
        return mail.split('?').next().filter(|mail| !mail.is_empty());
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    // A browser takes a backslash for a slash, and what stands before the last `@` for a name.
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host).filter(|host| !host.is_empty())
}

/// What stands in brackets after the text of a link. `None`: the text is the address. The host suffices, unless the text looks
/// like an address itself.
pub(super) fn destination<'u>(text: &str, url: &'u str) -> Option<&'u str> {
    if bare(text) == bare(url) {
        return None;
    }
    Some(host(url).filter(|_| !looks_like_address(text)).unwrap_or(url))
}

/// What warns of the host of an address that can be taken for another one.
pub(super) fn warning(url: &str) -> Option<String> {
    let host = host(url)?;
    let decoded = decoded(host);
    let punycode = |label: &str| label.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("xn--"));
    if let Some(like) = names::looks_like_ascii(&decoded) {
        Some(format!("! looks like {like}, and is another address"))
    } else if names::mixes_scripts(&decoded) {
        Some(String::from("! mixes scripts, as addresses do that imitate others"))
    } else if decoded.split('.').any(punycode) {
        Some(String::from("! written as punycode: a browser shows other letters"))
    } else {
        None
    }
}

/// A host, with what is encoded in it as a browser reads it.
fn decoded(host: &str) -> String {
    let mut bytes = Vec::with_capacity(host.len());
    let mut rest = host.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| host.to_owned())
}

fn bare(url: &str) -> &str {
    let url = url.trim();
    let rest = ["https://", "http://", "mailto:"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .unwrap_or(url);
    rest.strip_suffix('/').unwrap_or(rest)
}

/// Whether a reader could take a text for an address: it has a scheme, an `@`, or a dot between letters, in any script.
fn looks_like_address(text: &str) -> bool {
    let dotted: String = text
        .chars()
        .map(|c| match c {
            '。' | '．' | '｡' | '․' | '·' | '﹒' => '.',
            '＠' | '﹫' => '@',
            '：' | '∶' | '﹕' => ':',
            '／' | '∕' | '⁄' => '/',
            other => other,
        })
        .collect();
    dotted.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let between = word.split('.').collect::<Vec<_>>();
        let domain = between.len() > 1
            && between.iter().all(|label| !label.is_empty())
            && between
                .last()
                .is_some_and(|label| label.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2);
        domain || word.contains("://") || word.contains('@') || word.contains('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_before_the_punctuation_of_the_sentence() {
        let table: [(&str, &[&str]); 10] = [
            ("see https://a.example/b.", &["https://a.example/b"]),
            ("(https://a.example/x_(y))", &["https://a.example/x_(y)"]),
            (
                "HTTPS://A.example, http://b.example!",
                &["HTTPS://A.example", "http://b.example"],
            ),
            ("xhttps://a.example", &[]),
            ("https://", &[]),
            (
                "https://a.example/?q=https://b.example",
                &["https://a.example/?q=https://b.example"],
            ),
            ("https://a.example/日本。", &["https://a.example/日本"]),
            ("<https://a.example>", &["https://a.example"]),
            ("httphttps://x", &[]),
            ("https://a.example)))", &["https://a.example"]),
        ];
        for (text, expected) in table {
            let found: Vec<&str> = find(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_host_is_the_one_that_a_browser_opens() {
        let table = [
            ("https://a.example/b", Some("a.example")),
            ("https://bank.example@evil.example/", Some("evil.example")),
            ("https://evil.example\\@bank.example", Some("evil.example")),
            ("https://evil.example#@bank.example", Some("evil.example")),
            ("mailto:ada@a.example?subject=x", Some("ada@a.example")),
            ("javascript:alert(1)", None),
            ("https:///x", None),
        ];
        for (url, expected) in table {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    #[test]
    fn a_host_that_imitates_another_is_warned_of() {
        for (url, word) in [
            ("https://аррӏе.com/login", "looks like apple.com"),
            ("https://%D0%B0%D1%80%D1%80%D3%8F%D0%B5.com", "looks like apple.com"),
            ("https://раypal.example", "looks like paypal.example"),
            ("https://ǥαβ.example", "mixes scripts"),
            ("https://bank.xn--80ak6aa92e.com", "punycode"),
        ] {
            let warning = warning(url).unwrap_or_default();
            assert!(warning.contains(word), "{url}: {warning:?}");
        }
        for url in [
            "https://a.example/аррӏе",
            "https://日本.example",
            "https://münchen.example",
            "https://пример.example",
            "https://a.example/%ff",
            "mailto:ada@a.example",
            "javascript:x",
        ] {
            assert_eq!(warning(url), None, "{url}");
        }
    }

    #[test]
    fn a_text_that_looks_like_an_address_is_followed_by_the_true_one() {
        let table = [
            ("click here", "https://a.example/b", Some("a.example")),
            ("https://a.example", "https://a.example/", None),
            ("a.example", "https://a.example", None),
            ("bank.example", "https://evil.example/x", Some("https://evil.example/x")),
            (
                "bank。example",
                "https://evil.example/x",
                Some("https://evil.example/x"),
            ),
            (
                "go to https://bank.example now",
                "https://evil.example",
                Some("https://evil.example"),
            ),
            ("ada@bank.example", "https://evil.example", Some("https://evil.example")),
            ("v1.2, e.g. this", "https://a.example/b", Some("a.example")),
            ("run", "javascript:alert(1)", Some("javascript:alert(1)")),
        ];
        for (text, url, expected) in table {
            assert_eq!(destination(text, url), expected, "{text} of {url}");
        }
    }
}
