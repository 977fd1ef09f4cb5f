//! Bytes in place of the configuration file. A file that parses has the same meaning when the program's own template writes it out.
//! An error is one sentence, and it names an unknown key.

use std::path::Path;

use sotto_daemon::{Config, Reads, template};
use toml::{Table, Value};

const FOLDER: &str = "/folder";

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text, Path::new(FOLDER)) {
        Ok(config) => written_out(config),
        Err(why) => {
            assert!(!why.is_empty());
            if let Ok(table) = text.parse::<Table>() {
                let named = table
                    .keys()
                    .any(|key| why.starts_with(key.as_str()) || why.contains(&format!("{key:?}")));
                assert!(named || why.contains("exclude each other"), "{why} names no key");
            } else {
                assert!(why.starts_with("line ") || !text.contains('\n'), "{why} names no line");
            }
        }
    }
}

fn written_out(config: Config) {
    // arti's part has a form of its own.
    let config = Config {
        tor: Table::new(),
        ..config
    };
    let text = |text: String| Value::String(text).to_string();
    let file = |path: &Path| path.to_str().map(|path| text(path.to_owned()));
    let availability = config.availability.map(|availability| {
        let Ok(Value::String(word)) = Value::try_from(availability) else {
            panic!("not a word");
        };
        text(word)
    });
    let mut set = vec![
        ("network", text(config.network.to_string())),
        ("read_receipts", config.read_receipts.to_string()),
        ("typing", config.typing.to_string()),
        ("outbox_hours", config.outbox_hours.to_string()),
        ("events_kept", config.events_kept.to_string()),
        ("log_level", text(config.log_level.clone())),
    ];
    if config.reads == Reads::Token {
        set.push(("agents", String::from("{ reads = \"token\" }")));
    }
    set.extend(availability.map(|word| ("availability", word)));
    set.extend(config.key_file.as_deref().and_then(file).map(|path| ("key_file", path)));
    set.extend(
        config
            .passphrase_file
            .as_deref()
            .and_then(file)
            .map(|path| ("passphrase_file", path)),
    );
    let again = Config::parse(&template(&set), Path::new(FOLDER));
    assert_eq!(again, Ok(config));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let set = [
        ("network", String::from("\"local:/tmp/net\"")),
        ("key_file", String::from("\"my.key\"")),
    ];
    [
        template(&[]),
        template(&set),
        String::from("availability = \"away\"\noutbox_hours = 1\nlog_level = \"debug\""),
        String::from("netwrok = \"tor\""),
        String::from("network = \"tor\"\nnetwork = \"tor\""),
        String::from("key_file = \"a\"\npassphrase_file = 'b'"),
        String::from("events_kept = 1_000\n[tor]\nstorage = 1"),
        String::from("[tor.bridges]\nenabled = \"auto\"\nbridges = \"\"\"\n192.0.2.1:80 $0123456789ABCDEF0123456789ABCDEF01234567\n\"\"\""),
        String::from("outbox_hours = -9223372036854775808"),
        String::from("agents = { reads = \"token\" }"),
        String::from("[agents]\nreads = \"open\""),
        String::from("a.b.c = [{}, 1979-05-27T07:32:00Z, nan]"),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect()
}
