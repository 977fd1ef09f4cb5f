//! [`assert_no_key_in`]: searches files for the key of an onion service. The key must be in an encrypted store alone, whatever arti
//! does and however a node ends.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use curve25519_dalek::scalar::{Scalar, clamp_integer};
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha512};

/// Panics if a file in the folder of a node contains the seed of its onion key, or a value derived from it, in a usual encoding. The
/// node may be running.
pub fn assert_no_key_in(folder: &Path, seed: &[u8; 32]) {
    let searched = Forms::of(seed).search(folder);
    let Searched { files, found } = searched.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(found.is_empty(), "a key lies in {found:?}");
    assert!(files > 3, "arti keeps its state and its directory here");
}

/// The encodings of a key.
struct Forms {
    bytes: Vec<[u8; 32]>,
    /// In lower case, without the characters at both ends that depend on the surrounding text.
    texts: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Searched {
    files: usize,
    found: Vec<PathBuf>,
}

impl Forms {
    /// The seed, and the halves of the expanded key (RFC 8032, 5.1.5): the scalar hashed, clamped and as arti writes it, and the
    /// prefix.
    fn of(seed: &[u8; 32]) -> Self {
        let expanded = Sha512::digest(seed);
        let [scalar, prefix]: [[u8; 32]; 2] =
            [0_usize, 32].map(|at| expanded[at..][..32].try_into().expect("half of it"));
        let clamped = clamp_integer(scalar);
        let reduced = Scalar::from_bytes_mod_order(clamped).to_bytes();
        let bytes = vec![*seed, scalar, clamped, reduced, prefix];
        Self {
            texts: bytes.iter().flat_map(texts).collect(),
            bytes,
        }
    }

    /// Searches every file.
    fn search(&self, folder: &Path) -> io::Result<Searched> {
        let mut searched = Searched::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let Some(entries) = unless_gone(fs::read_dir(folder))? else {
                continue;
            };
            for entry in entries {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                if kind.is_dir() {
                    // arti's keystore.
                    if path.ends_with("keystore") {
                        searched.found.push(path.clone());
                    }
                    folders.push(path);
                } else if kind.is_file()
                    && let Some(content) = unless_gone(fs::read(&path))?
                {
                    searched.files += 1;
                    if self.are_in(&content) {
                        searched.found.push(path);
                    }
                }
            }
        }
        Ok(searched)
    }

    fn are_in(&self, content: &[u8]) -> bool {
        // A text may have line breaks.
        let mut text = content.to_ascii_lowercase();
        text.retain(|byte| !byte.is_ascii_whitespace());
        self.bytes.iter().any(|form| holds(content, form)) || self.texts.iter().any(|form| holds(&text, form))
    }
}

/// In hexadecimal, base32 and base64, at any offset in a longer secret.
fn texts(secret: &[u8; 32]) -> Vec<Vec<u8>> {
    // With the bits of a letter, and the number of bytes after which letters and bytes align again.
    let encodings = [
        (HEXLOWER, 4, 1),
        (BASE32_NOPAD, 5, 5),
        (BASE64_NOPAD, 6, 3),
        (BASE64URL_NOPAD, 6, 3),
    ];
    let mut texts = Vec::new();
    for (encoding, bits, period) in encodings {
        for before in 0..period {
            let mut longer = vec![0; before];
            longer.extend_from_slice(secret);
            longer.extend([0; 5]);
            let text = encoding.encode(&longer).to_ascii_lowercase();
            // Letters that depend on the secret alone.
            let (first, end) = ((8 * before).div_ceil(bits), 8 * (before + secret.len()) / bits);
            texts.push(text.as_bytes()[first..end].to_vec());
        }
    }
    texts
}

fn holds(content: &[u8], form: &[u8]) -> bool {
    content.windows(form.len()).any(|window| window == form)
}

/// A temporary file that replaces another one may be gone by now.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE32, BASE64, BASE64_MIME, HEXUPPER};

    use super::*;

    #[test]
    fn a_key_is_found_in_whatever_form_it_lies() {
        let seed: [u8; 32] = Sha512::digest("a seed")[..32].try_into().expect("half of it");
        let expanded = Sha512::digest(seed);
        let contents = [
            seed.to_vec(),
            [&b"== ed25519v1-secret: type0 ==\0\0\0"[..], &expanded[..]].concat(),
            HEXUPPER.encode(&expanded[32..]).into_bytes(),
            BASE32.encode(&[&b"1234"[..], &seed[..]].concat()).into_bytes(),
            BASE64.encode(&[&b"12"[..], &seed[..]].concat()).into_bytes(),
            BASE64_MIME
                .encode(&[&[0_u8; 30][..], &expanded[..]].concat())
                .into_bytes(),
        ];
        for content in contents {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("deep/file");
            fs::create_dir(folder.path().join("deep")).expect("made");
            fs::write(&file, &content).expect("written");
            let searched = Forms::of(&seed).search(folder.path()).expect("read");
            assert_eq!((searched.files, searched.found), (1, vec![file]));
            let searched = Forms::of(&[1; 32]).search(folder.path()).expect("read");
            assert_eq!((searched.files, searched.found), (1, vec![]));
        }
    }
}
