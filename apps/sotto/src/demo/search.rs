//! Looks for what must not be found: any twelve bytes in a row of a text, any name, any key.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of a text that would be no accident: by chance they turn up once in 2⁹⁶ places.
const WINDOW: usize = 12;

/// Things that must not be found.
#[derive(Clone, Debug)]
pub struct Secrets {
    windows: BTreeSet<Vec<u8>>,
    /// Shorter than a window, so looked for whole.
    words: Vec<Vec<u8>>,
    /// By their first two bytes, whether any secret starts so; spares most look-ups.
    starts: Vec<bool>,
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            windows: BTreeSet::new(),
            words: Vec::new(),
            starts: vec![false; 1 << 16],
        }
    }
}

impl Secrets {
    /// One more. At least four bytes, since fewer turn up anywhere.
    pub fn add(&mut self, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= 4, "too short to be told from chance");
        if secret.len() < WINDOW {
            self.starts[start(secret)] = true;
            self.words.push(secret.to_vec());
        }
        for window in secret.windows(WINDOW) {
            self.starts[start(window)] = true;
            self.windows.insert(window.to_vec());
        }
    }

    /// The first place where one of them stands, if any does.
    pub fn find(&self, bytes: &[u8]) -> Option<usize> {
        (0..bytes.len().saturating_sub(1)).find(|&place| {
            let rest = &bytes[place..];
            self.starts[start(rest)]
                && (rest.get(..WINDOW).is_some_and(|window| self.windows.contains(window))
                    || self.words.iter().any(|word| rest.starts_with(word)))
        })
    }

    /// Looks into every file under `folder`.
    pub fn search_files(&self, folder: &Path) -> io::Result<Searched> {
        let mut searched = Searched::default();
        self.search_into(folder, &mut searched)?;
        Ok(searched)
    }

    fn search_into(&self, folder: &Path, searched: &mut Searched) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name_found = self.find(entry.file_name().as_encoded_bytes()).is_some();
            if kind.is_dir() {
                self.search_into(&path, searched)?;
            } else if kind.is_file() {
                let bytes = match fs::read(&path) {
                    // A journal can go between the listing and the reading.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    bytes => bytes?,
                };
                searched.files += 1;
                searched.bytes += bytes.len();
                if self.find(&bytes).is_some() {
                    searched.found.push(path.clone());
                }
            }
            if name_found {
                searched.found.push(path);
            }
        }
        Ok(())
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: usize,
    /// Files in which, or in whose name, a secret stands.
    pub found: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add("the quick brown fox");
        secrets.add("Ada L");
        secrets
    }

    #[test]
    fn a_piece_of_a_text_is_enough_and_a_shorter_one_is_not() {
        assert_eq!(secrets().find(b"...ick brown fo..."), Some(3));
        assert_eq!(secrets().find(b"...ick brown f..."), None);
        assert_eq!(secrets().find(b"xxAda L"), Some(2));
        assert_eq!(secrets().find(b"xxAda"), None);
        assert_eq!(secrets().find(b""), None);
    }

    #[test]
    fn every_file_and_every_name_is_searched() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("deep")).expect("made");
        fs::write(folder.path().join("clean"), b"nothing").expect("written");
        fs::write(folder.path().join("deep/dirty"), b"\0\0the quick brown\0").expect("written");
        fs::write(folder.path().join("Ada L"), b"").expect("written");
        let searched = secrets().search_files(folder.path()).expect("read");
        assert_eq!((searched.files, searched.bytes, searched.found.len()), (3, 25, 2));
    }
}
