//! Small changes to an input, the same ones in every run, for machines without a fuzzer.

use sotto_core::Entropy;

/// This many changed forms of an input. Another `salt` gives others.
pub fn mutations(bytes: &[u8], salt: u64, count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut seed = *b"sotto fuzz mutations............";
    seed[24..].copy_from_slice(&salt.to_le_bytes());
    let mut entropy = Entropy::from_seed(seed);
    (0..count).map(move |_| {
        let mut bytes = bytes.to_vec();
        for _ in 0..=entropy.below(3) {
            change(&mut bytes, &mut entropy);
        }
        bytes
    })
}

fn change(bytes: &mut Vec<u8>, entropy: &mut Entropy) {
    let mut below = |bound: usize| usize::try_from(entropy.below(bound as u64)).expect("below a usize");
    let (from, to) = (below(bytes.len()), below(bytes.len() + 1));
    let span = from.min(to)..from.max(to);
    let value = u8::try_from(below(256)).expect("a byte");
    match below(7) {
        0 if !bytes.is_empty() => bytes[from] ^= 1 << (value % 8),
        1 if !bytes.is_empty() => bytes[from] = value,
        2 if !bytes.is_empty() => bytes[from] = [0, 1, 0x7f, 0x80, 0xff][usize::from(value) % 5],
        3 => drop(bytes.drain(span.start..span.end.min(span.start + 8))),
        4 => bytes.truncate(to),
        5 => {
            let copied = bytes[span.start..span.end.min(span.start + 64)].to_vec();
            bytes.splice(from..from, copied);
        }
        _ => bytes.insert(from, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_salt_gives_the_same_changes_and_most_of_them_differ() {
        let forms = |salt| mutations(b"a word or two", salt, 200).collect::<Vec<_>>();
        assert_eq!(forms(1), forms(1));
        assert_ne!(forms(1), forms(2));
        let mut distinct = forms(1);
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 180, "{}", distinct.len());
        assert!(mutations(b"", 1, 100).any(|form| !form.is_empty()));
    }
}
