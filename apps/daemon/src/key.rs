//! The [`StoreKey`]: random bytes in a file, or Argon2id over a passphrase. A secret is never an argument, never an
//! environment variable and never in the configuration; what is remembered is the path of a file.
//!
//! Sources, in order: a passphrase that this process has asked for, what the command line names, what the configuration names, a systemd credential, the terminal.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use sotto_api::{Error, Kind};
use sotto_io_sqlcipher::{Store, StoreError, StoreKey, read_salt};
use zeroize::Zeroizing;

use super::api_error;
use super::authority::OwnerSecret;
use super::config::Config;
use super::harden::close_memory;
use super::prompt::ask;
use sotto_client::Profile;
use sotto_client::private::{create_file, open_secret};

/// Argon2id's cost: memory in KiB, passes, lanes. RFC 9106, section 4, second recommended option, on one lane because
/// the daemon has one thread.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

const KEY_BYTES: usize = 32;
const LONGEST_PASSPHRASE: usize = 1024;
const ONE_LINE: &str = "a passphrase is one line of UTF-8, of 1 to 1024 bytes";

/// Where the command line says that the key is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeySource {
    /// The passphrase itself, which a surface in this process has asked for. It is written nowhere.
    pub passphrase: Option<Zeroizing<String>>,
    /// A file with a random key.
    pub key_file: Option<PathBuf>,
    /// A file with the passphrase in its first line.
    pub passphrase_file: Option<PathBuf>,
    /// An open file descriptor to read the passphrase from, up to a line's end.
    pub passphrase_fd: Option<u32>,
    /// Never ask a person.
    pub no_input: bool,
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource")
            .field("key_file", &self.key_file)
            .field("passphrase_file", &self.passphrase_file)
            .field("passphrase_fd", &self.passphrase_fd)
            .field("no_input", &self.no_input)
            .finish_non_exhaustive()
    }
}

/// Where the secret is.
enum Source {
    Given(Zeroizing<String>),
    Key(SecretFile),
    Passphrase(SecretFile),
    Terminal,
}

/// A file with a secret.
enum SecretFile {
    /// The user named it. It must be the user's alone.
    Named(PathBuf),
    /// The process that started this one opened it, or made it for this one: a descriptor, a systemd credential. Its owner
    /// and mode are that one's affair.
    Handed(PathBuf),
}

impl SecretFile {
    fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Handed(path) => path,
        }
    }

    fn open(&self) -> Result<File, Error> {
        match self {
            Self::Named(path) => open_secret(path),
            Self::Handed(path) => File::open(path).map_err(|error| Error::unreadable_secret(path, &error)),
        }
    }
}

enum Secret {
    Key(Zeroizing<[u8; KEY_BYTES]>),
    Passphrase(Zeroizing<String>),
}

/// Opens an existing store, `by` [`Store::open`] or [`Store::open_part`]; if it opens with a passphrase, says by what that is recognised. Reading the passphrase comes before the long derivation, which comes before the store.
pub(crate) fn open(
    source: &KeySource,
    config: &Config,
    database: &Path,
    by: impl Fn(&Path, &StoreKey) -> Result<Store, StoreError>,
) -> Result<(Store, Option<OwnerSecret>), Error> {
    let salt = read_salt(database)
        .map_err(|error| api_error::store(&error))?
        .ok_or_else(|| {
            Error::new(
                Kind::NotInitialised,
                format!("there is no store at {}", database.display()),
            )
        })?;
    let secret = match find(source, config)? {
        Source::Given(passphrase) => Secret::Passphrase(one_line(&passphrase)?),
        Source::Key(file) => Secret::Key(read_key(&file)?),
        Source::Passphrase(file) => Secret::Passphrase(read_passphrase(&file)?),
        Source::Terminal => Secret::Passphrase(checked(&ask("Passphrase: ")?)?),
    };
    let passphrase = match secret {
        Secret::Key(key) => {
            let opened = by(database, &StoreKey::new(*key, salt));
            return opened
                .map(|store| (store, None))
                .map_err(|error| api_error::store(&error));
        }
        Secret::Passphrase(passphrase) => passphrase,
    };
    let earlier = earlier_forms(&passphrase);
    let mut key = stretch(&normal_form(&passphrase), &salt)?;
    let mut opened = by(database, &StoreKey::new(*key, salt));
    for form in earlier {
        if !matches!(opened, Err(StoreError::WrongKey { .. })) {
            break;
        }
        key = stretch(&form, &salt)?;
        opened = by(database, &StoreKey::new(*key, salt));
    }
    let store = opened.map_err(|error| api_error::store(&error))?;
    Ok((store, Some(OwnerSecret::of_store(&key, salt))))
}

/// What a key could be derived to from a passphrase: of its one form first, then of those of earlier versions.
pub(crate) fn stretched_forms(passphrase: &str, salt: &[u8; 16]) -> Result<Vec<Zeroizing<[u8; KEY_BYTES]>>, Error> {
    let mut forms = vec![normal_form(passphrase)];
    forms.extend(earlier_forms(passphrase));
    forms.iter().map(|form| stretch(form, salt)).collect()
}

/// The key for a new store, with a random salt. A key file that is not there is made.
pub fn fresh(source: &KeySource, config: &Config) -> Result<StoreKey, Error> {
    let salt = random::<16>()?;
    let secret = match find(source, config)? {
        Source::Given(passphrase) => Secret::Passphrase(one_line(&passphrase)?),
        Source::Key(file) => Secret::Key(make_key(&file)?),
        Source::Passphrase(file) => Secret::Passphrase(read_passphrase(&file)?),
        Source::Terminal => {
            let passphrase = checked(&ask("New passphrase: ")?)?;
            if *normal_form(&passphrase) != *normal_form(&ask("Once more: ")?) {
                return Err(Error::new(Kind::Usage, "the two passphrases differ").hint("type the same one twice"));
            }
            Secret::Passphrase(passphrase)
        }
    };
    derive(&secret, *salt)
}

/// The file that the configuration names for the key, if it is the user's alone and holds what a key file or a passphrase file holds;
/// none if it names none. Whether it is this profile's key, only the store can tell.
pub fn check_file(config: &Config) -> Result<Option<&Path>, Error> {
    let (path, is_key) = match (&config.key_file, &config.passphrase_file) {
        (Some(path), _) => (path, true),
        (None, Some(path)) => (path, false),
        (None, None) => return Ok(None),
    };
    let found = fs::metadata(path).map_err(|error| Error::unreadable_secret(path, &error))?;
    // To open a pipe is to wait for its writer, and to read it is to take what another process is to read.
    if found.is_file() || found.is_dir() {
        close_memory()?;
        let file = SecretFile::Named(path.clone());
        if is_key {
            read_key(&file)?;
        } else {
            read_passphrase(&file)?;
        }
    }
    Ok(Some(path))
}

/// Whether it is known where the key of that profile is, so that a daemon starts without asking for a passphrase.
pub fn is_named(profile: &Profile, given: &KeySource) -> Result<bool, Error> {
    let config = Config::load(&profile.config_file())?;
    Ok(named(given, &config).is_some())
}

/// Where the secret is, if anything says so.
fn named(given: &KeySource, config: &Config) -> Option<Source> {
    if let Some(passphrase) = &given.passphrase {
        return Some(Source::Given(passphrase.clone()));
    }
    if let Some(path) = &given.key_file {
        return Some(Source::Key(SecretFile::Named(path.clone())));
    }
    if let Some(path) = &given.passphrase_file {
        return Some(Source::Passphrase(SecretFile::Named(path.clone())));
    }
    if let Some(number) = given.passphrase_fd {
        let path = PathBuf::from(format!("/dev/fd/{number}"));
        return Some(Source::Passphrase(SecretFile::Handed(path)));
    }
    if let Some(path) = &config.key_file {
        return Some(Source::Key(SecretFile::Named(path.clone())));
    }
    if let Some(path) = &config.passphrase_file {
        return Some(Source::Passphrase(SecretFile::Named(path.clone())));
    }
    env::var_os("CREDENTIALS_DIRECTORY").and_then(|folder| credential(Path::new(&folder)))
}

/// Where the secret is that is read next.
fn find(given: &KeySource, config: &Config) -> Result<Source, Error> {
    close_memory()?;
    if let Some(source) = named(given, config) {
        return Ok(source);
    }
    if given.no_input || !io::stdin().is_terminal() {
        return Err(Error::new(
            Kind::Locked,
            "the store is locked, and there is no terminal to ask for its passphrase",
        ));
    }
    Ok(Source::Terminal)
}

/// The credential that systemd's `LoadCredential=` gives to the service.
fn credential(folder: &Path) -> Option<Source> {
    let key = folder.join("sotto.key");
    let passphrase = folder.join("sotto.passphrase");
    if key.exists() {
        Some(Source::Key(SecretFile::Handed(key)))
    } else if passphrase.exists() {
        Some(Source::Passphrase(SecretFile::Handed(passphrase)))
    } else {
        None
    }
}

fn derive(secret: &Secret, salt: [u8; 16]) -> Result<StoreKey, Error> {
    match secret {
        Secret::Key(key) => Ok(StoreKey::new(**key, salt)),
        Secret::Passphrase(passphrase) => Ok(StoreKey::new(*stretch(&normal_form(passphrase), &salt)?, salt)),
    }
}

/// An editor may put this before a text, where it is not seen.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Bytes that a text may take, for each byte of it, in either of Unicode's forms (UAX 15, section 9: three at most in UTF-8).
/// A buffer that does not grow leaves no copies behind.
const GROWTH: usize = 3;

/// What a key is derived from: the same for each way to type or to store the same letters (NFC, without a byte order mark).
fn normal_form(passphrase: &str) -> Zeroizing<String> {
    let text = passphrase.strip_prefix(BYTE_ORDER_MARK).unwrap_or(passphrase);
    let mut form = Zeroizing::new(String::with_capacity(GROWTH * text.len()));
    // Writing to a string cannot fail.
    let _ = ComposingNormalizerBorrowed::new_nfc().normalize_to(text, &mut *form);
    form
}

/// What earlier versions derived the key from: the text as it came. A plain passphrase has no other form.
fn earlier_forms(passphrase: &str) -> Vec<Zeroizing<String>> {
    let text = passphrase.strip_prefix(BYTE_ORDER_MARK).unwrap_or(passphrase);
    let mut decomposed = Zeroizing::new(String::with_capacity(GROWTH * text.len()));
    let _ = DecomposingNormalizerBorrowed::new_nfd().normalize_to(text, &mut *decomposed);
    let all = [
        Zeroizing::new(passphrase.to_owned()),
        Zeroizing::new(text.to_owned()),
        decomposed,
    ];
    let mut forms: Vec<Zeroizing<String>> = Vec::new();
    let normal = normal_form(passphrase);
    for form in all {
        if *form != *normal && !forms.iter().any(|known| **known == *form) {
            forms.push(form);
        }
    }
    forms
}

fn stretch(passphrase: &str, salt: &[u8; 16]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Params::new(MEMORY_KIB, PASSES, LANES, Some(KEY_BYTES))
        .and_then(|params| {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        })
        .map_err(|error| Error::internal(format!("the passphrase cannot be turned into a key: {error}")))?;
    Ok(key)
}

fn read_key(from: &SecretFile) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let path = from.path();
    let mut file = from.open()?;
    // One more byte shows a file that is too long.
    let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
    let length = read_up_to(&mut file, &mut *bytes).map_err(|error| Error::unreadable_secret(path, &error))?;
    let key = bytes
        .first_chunk::<KEY_BYTES>()
        .filter(|_| length == KEY_BYTES)
        .ok_or_else(|| {
            Error::new(
                Kind::Locked,
                format!("key file {} does not hold exactly {KEY_BYTES} bytes", path.display()),
            )
            .hint("name the file that sotto init has made for this profile")
        })?;
    Ok(Zeroizing::new(*key))
}

/// An existing file is used: the key may have been made elsewhere.
fn make_key(from: &SecretFile) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let path = from.path();
    match create_file(path) {
        Ok(mut file) => {
            let key = random::<KEY_BYTES>()?;
            file.write_all(&*key)
                .and_then(|()| file.sync_all())
                .map_err(|error| Error::io(path.display(), &error))?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(from),
        Err(error) => Err(Error::io(path.display(), &error)),
    }
}

/// The first line.
fn read_passphrase(from: &SecretFile) -> Result<Zeroizing<String>, Error> {
    let path = from.path();
    let mut file = from.open()?;
    // A buffer that does not grow leaves no copies behind.
    let mut bytes = Zeroizing::new([0; LONGEST_PASSPHRASE + 2]);
    let length = read_line(&mut file, &mut *bytes).map_err(|error| Error::unreadable_secret(path, &error))?;
    if length == bytes.len() {
        // Its last character may be cut in two.
        return Err(too_long());
    }
    let line = std::str::from_utf8(&bytes[..length]).map_err(|_| {
        Error::new(
            Kind::Locked,
            format!("the passphrase in {} is not UTF-8", path.display()),
        )
        .hint(ONE_LINE)
    })?;
    checked(line.strip_suffix('\r').unwrap_or(line))
}

/// A passphrase of one line, as a file or a descriptor could hold it too.
fn one_line(passphrase: &str) -> Result<Zeroizing<String>, Error> {
    if passphrase.contains(['\n', '\r']) {
        return Err(Error::new(Kind::Locked, "the passphrase has more than one line").hint(ONE_LINE));
    }
    checked(passphrase)
}

fn checked(passphrase: &str) -> Result<Zeroizing<String>, Error> {
    if normal_form(passphrase).is_empty() {
        return Err(Error::new(Kind::Locked, "the passphrase is empty").hint(ONE_LINE));
    }
    if passphrase.len() > LONGEST_PASSPHRASE {
        return Err(too_long());
    }
    Ok(Zeroizing::new(passphrase.to_owned()))
}

fn too_long() -> Error {
    let message = format!("the passphrase is longer than {LONGEST_PASSPHRASE} bytes");
    Error::new(Kind::Locked, message).hint(ONE_LINE)
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Up to the end of a line, byte by byte: another reader may need what follows in the pipe.
fn read_line(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let room = buffer.len();
    for (length, place) in buffer.iter_mut().enumerate() {
        let mut byte = Zeroizing::new([0]);
        if read_up_to(file, &mut *byte)? == 0 || byte[0] == b'\n' {
            return Ok(length);
        }
        *place = byte[0];
    }
    Ok(room)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| Error::new(Kind::Io, format!("the operating system has no random numbers: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key_file(path: &Path) -> KeySource {
        KeySource {
            key_file: Some(path.to_owned()),
            no_input: true,
            ..KeySource::default()
        }
    }

    #[test]
    fn a_key_file_is_made_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my.key");
        let file = SecretFile::Named(path.clone());
        let first = make_key(&file).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(*make_key(&file).expect("used again"), *first);
        assert_ne!(*first, [0; 32]);
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my.key");
        make_key(&SecretFile::Named(path.clone())).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        let error = fresh(&key_file(&path), &Config::default()).expect_err("readable by the group");
        assert_eq!((error.kind(), error.exit_code()), (Kind::Locked, 9));
        assert!(error.message.contains("can be read by other users"), "{error}");
    }

    #[test]
    fn a_key_file_has_exactly_32_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        for length in [0, 31, 33, 5000] {
            let path = folder.path().join(length.to_string());
            create_file(&path)
                .expect("new")
                .write_all(&vec![7; length])
                .expect("room");
            let error = fresh(&key_file(&path), &Config::default()).expect_err("wrong length");
            assert!(error.message.contains("exactly 32 bytes"), "{error}");
        }
    }

    #[test]
    fn a_passphrase_is_the_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pass");
        drop(create_file(&path).expect("new"));
        let read_passphrase = |path: &PathBuf| read_passphrase(&SecretFile::Named(path.clone()));
        for (content, expected) in [
            ("correct horse", true),
            ("correct horse\nmore", true),
            ("correct horse\r\n", true),
            ("\n", false),
            ("", false),
        ] {
            fs::write(&path, content).expect("writable");
            match read_passphrase(&path) {
                Ok(line) => assert_eq!((line.as_str(), expected), ("correct horse", true)),
                Err(error) => assert_eq!((error.kind(), expected), (Kind::Locked, false)),
            }
        }
        for long in ["x".repeat(LONGEST_PASSPHRASE + 1), "漢".repeat(LONGEST_PASSPHRASE)] {
            fs::write(&path, long).expect("writable");
            let error = read_passphrase(&path).expect_err("too long");
            assert!(error.message.contains("longer than"), "{error}");
        }
    }

    #[test]
    fn a_passphrase_is_the_same_in_each_form_of_its_letters() {
        let (composed, decomposed) = ("Zo\u{eb}", "Zoe\u{308}");
        for text in [composed, decomposed, "\u{feff}Zo\u{eb}", "\u{feff}Zoe\u{308}"] {
            assert_eq!(normal_form(text).as_str(), composed, "{text:?}");
        }
        let earlier = |text| -> Vec<String> { earlier_forms(text).iter().map(|form| form.to_string()).collect() };
        assert_eq!(earlier("plain"), [""; 0]);
        assert_eq!(earlier("\u{feff}plain"), ["\u{feff}plain"]);
        assert_eq!(earlier(decomposed), [decomposed]);
        assert_eq!(earlier(composed), [decomposed]);
        assert!(checked("\u{feff}").is_err(), "nothing follows the mark");
    }

    /// Earlier versions derived the key from the text as it came.
    #[test]
    fn a_store_made_with_another_form_of_the_passphrase_opens_with_the_same_file() {
        for text in [
            "Zoe\u{308}",
            "\u{feff}Zo\u{eb}",
            "\u{feff}Zoe\u{308}",
            "\u{feff}plain",
            "Zo\u{eb}",
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let (database, file) = (folder.path().join("sotto.db"), folder.path().join("pass"));
            let salt = [5; 16];
            let key = StoreKey::new(*stretch(text, &salt).expect("derivable"), salt);
            drop(Store::create(&database, &key).expect("made"));
            create_file(&file)
                .expect("new")
                .write_all(text.as_bytes())
                .expect("room");
            let source = KeySource {
                passphrase_file: Some(file.clone()),
                no_input: true,
                ..KeySource::default()
            };
            drop(
                open(&source, &Config::default(), &database, Store::open)
                    .unwrap_or_else(|error| panic!("{text:?}: {error}")),
            );
            fs::write(&file, "Zoé").expect("writable");
            let error = open(&source, &Config::default(), &database, Store::open).expect_err("another passphrase");
            assert_eq!(error.kind(), Kind::WrongKey, "{text:?}");
        }
    }

    #[test]
    fn the_derivation_is_that_of_another_implementation() {
        // Python's `cryptography` (OpenSSL 3): Argon2id(salt=b"\x01" * 16, length=32, iterations=3, lanes=1,
        // memory_cost=65536).derive(b"correct horse")
        let expected = [
            0xdcc3_ec3c_e090_1fcc_u64,
            0x6f65_123e_4abe_2793,
            0xa463_8f8c_4688_d557,
            0xfac2_9554_b038_ced3,
        ];
        let key = stretch("correct horse", &[1; 16]).expect("derivable");
        assert_eq!(*key, *expected.map(u64::to_be_bytes).as_flattened());
    }

    #[test]
    fn without_input_a_missing_key_is_an_error_and_no_question() {
        let source = KeySource {
            no_input: true,
            ..KeySource::default()
        };
        let error = fresh(&source, &Config::default()).expect_err("no source");
        assert_eq!((error.kind(), error.exit_code()), (Kind::Locked, 9));
    }
}
