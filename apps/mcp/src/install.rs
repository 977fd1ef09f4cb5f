//! [`Installation`]: the entry of this server in the configuration of an MCP client. The rest of the file stays as it is, to the
//! letter.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use sotto_api::{Error, Kind};
use sotto_client::blocking::Client;
use sotto_client::{Profile, read_token};

/// The name of the entry.
const NAME: &str = "sotto";

/// Longer than the longest wait of a tool, in seconds.
const TIMEOUT: u32 = 120;

/// A program that is an MCP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientProgram {
    /// Claude Code: `~/.claude.json`.
    Claude,
    /// Codex: `~/.codex/config.toml`.
    Codex,
}

/// A change of a client's configuration.
#[derive(Debug)]
pub struct Installation {
    /// The file.
    pub file: PathBuf,
    before: String,
    after: String,
}

impl ClientProgram {
    /// Its configuration file.
    pub fn file(self, home: &Path) -> PathBuf {
        let folder = |variable: &str| {
            std::env::var_os(variable)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        match self {
            Self::Claude => folder("CLAUDE_CONFIG_DIR")
                .unwrap_or_else(|| home.to_owned())
                .join(".claude.json"),
            Self::Codex => folder("CODEX_HOME")
                .unwrap_or_else(|| home.join(".codex"))
                .join("config.toml"),
        }
    }
}

impl Installation {
    /// The change by which that client starts `command`.
    pub fn of(client: ClientProgram, file: PathBuf, command: &str, arguments: &[String]) -> Result<Self, Error> {
        let before = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io(file.display(), &error)),
        };
        let after = match client {
            ClientProgram::Claude => in_json(&before, command, arguments),
            ClientProgram::Codex => in_toml(&before, command, arguments),
        };
        let after = after.map_err(|why| {
            Error::new(Kind::Config, format!("{}: {why}", file.display())).hint("correct that file, or move it away")
        })?;
        Ok(Self { file, before, after })
    }

    /// The lines that go and those that come.
    pub fn difference(&self) -> String {
        let (before, after): (Vec<_>, Vec<_>) = (self.before.lines().collect(), self.after.lines().collect());
        let same = before
            .iter()
            .zip(&after)
            .take_while(|(one, other)| one == other)
            .count();
        let rest = before.len().min(after.len()) - same;
        let tail = before.iter().rev().zip(after.iter().rev()).take(rest);
        let tail = tail.take_while(|(one, other)| one == other).count();
        let mut text = format!("{}\n", self.file.display());
        for line in &before[same..before.len() - tail] {
            let _ = writeln!(text, "- {line}");
        }
        for line in &after[same..after.len() - tail] {
            let _ = writeln!(text, "+ {line}");
        }
        text
    }

    /// Writes the file anew, whole or not at all.
    pub fn write(&self) -> Result<(), Error> {
        let failed = |error: io::Error| Error::io(self.file.display(), &error);
        // A file that is a link stays one.
        let file = fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let folder = file.parent().ok_or_else(|| Error::invalid("the file has no folder"))?;
        fs::create_dir_all(folder).map_err(failed)?;
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".sotto-new");
        let fresh = folder.join(name);
        fs::write(&fresh, &self.after).map_err(failed)?;
        if let Ok(known) = fs::metadata(&file) {
            fs::set_permissions(&fresh, known.permissions()).map_err(failed)?;
        }
        fs::rename(&fresh, &file).map_err(failed)
    }
}

/// An error if no agent of this profile has the token in that file. Whatever goes beyond a token reaches a person: agents exist only
/// where the owner has a passphrase, which `sotto approvals allow` asks for.
pub fn check_token(profile: &Profile, token_file: &Path) -> Result<(), Error> {
    Client::connect(&profile.socket())?
        .open_session("mcp", Some(read_token(token_file)?))
        .map(drop)
}

/// The text of Claude Code's configuration with the entry.
fn in_json(text: &str, command: &str, arguments: &[String]) -> Result<String, String> {
    let entry = json!({ "type": "stdio", "command": command, "args": arguments });
    let shown = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(shown(&json!({ "mcpServers": { NAME: entry } })) + "\n");
    }
    serde_json::from_str::<serde_json::Map<String, Value>>(text).map_err(|error| error.to_string())?;
    let root = text.find('{').ok_or("it has no object")?;
    let Some((start, _)) = member(text, root, "mcpServers") else {
        return Ok(inserted(
            text,
            root,
            "mcpServers",
            &indented(&shown(&json!({ NAME: entry })), "  "),
            "  ",
        ));
    };
    if !text[start..].starts_with('{') {
        return Err(String::from("mcpServers is no object"));
    }
    let entry = indented(&shown(&entry), "    ");
    Ok(match member(text, start, NAME) {
        Some((from, to)) => format!("{}{entry}{}", &text[..from], &text[to..]),
        None => inserted(text, start, NAME, &entry, "    "),
    })
}

/// A member more, the first of the object that begins at `object`.
fn inserted(text: &str, object: usize, key: &str, value: &str, indent: &str) -> String {
    let (before, after) = text.split_at(object + 1);
    let last = after.trim_start().starts_with('}');
    let comma = if last { "\n" } else { "," };
    format!("{before}\n{indent}{key:?}: {value}{comma}{after}")
}

/// Each line but the first, further to the right.
fn indented(text: &str, by: &str) -> String {
    text.replace('\n', &format!("\n{by}"))
}

/// Where the value of a member begins and ends, in the object that begins at `object`. The text is known to be JSON.
fn member(text: &str, object: usize, wanted: &str) -> Option<(usize, usize)> {
    let mut at = object + 1;
    loop {
        at = blank(text, at);
        let (key, end) = value::<String>(text, at)?;
        let start = blank(text, text[end..].find(':')? + end + 1);
        let (_, end) = value::<IgnoredAny>(text, start)?;
        if key == wanted {
            return Some((start, end));
        }
        at = blank(text, end);
        at = if text[at..].starts_with(',') {
            at + 1
        } else {
            return None;
        };
    }
}

/// After the blanks.
fn blank(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// The value that begins there, and where it ends.
fn value<T: DeserializeOwned>(text: &str, at: usize) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, at + values.byte_offset()))
}

/// The text of Codex's configuration with the entry.
fn in_toml(text: &str, command: &str, arguments: &[String]) -> Result<String, String> {
    let known: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    let header = format!("[mcp_servers.{NAME}]");
    // A string of JSON is one of TOML.
    let (command, arguments) = (Value::from(command), Value::from(arguments));
    let entry = format!("{header}\ncommand = {command}\nargs = {arguments}\ntool_timeout_sec = {TIMEOUT}\n");
    let listed = known.get("mcp_servers").and_then(|servers| servers.get(NAME)).is_some();
    let after = if listed {
        let at = text.lines().position(|line| line.trim() == header);
        let at = at.ok_or_else(|| format!("mcp_servers.{NAME} is not a table of its own: remove it first"))?;
        let ours = |line: &&str| !line.trim_start().starts_with('[') || line.contains(&format!("mcp_servers.{NAME}."));
        let mut lines: Vec<&str> = text.lines().collect();
        let end = at + 1 + lines[at + 1..].iter().take_while(|line| ours(line)).count();
        // Blank lines before the next table stay.
        let blanks = lines[at + 1..end]
            .iter()
            .rev()
            .take_while(|line| line.trim().is_empty())
            .count();
        lines.splice(at..end - blanks, entry.lines());
        lines.join("\n") + "\n"
    } else {
        let gap = if text.trim().is_empty() { "" } else { "\n" };
        let end = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        format!("{text}{end}{gap}{entry}")
    };
    after
        .parse::<toml::Table>()
        .map_err(|error| format!("the entry does not fit: {}", error.message()))?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Vec<String> {
        vec![String::from("mcp")]
    }

    #[test]
    fn the_rest_of_a_json_file_stays_to_the_letter() {
        for (before, rest) in [
            ("", json!({})),
            ("{}", json!({})),
            (
                "{ \"z\": 1.50,\n \"a\" : [true, \"}\\\"\"] }\n",
                json!({ "z": 1.5, "a": [true, "}\""] }),
            ),
            ("{\"mcpServers\": {}, \"b\": null}", json!({ "b": null })),
            (
                "{\"b\": {\"mcpServers\": 1}, \"mcpServers\": {\"x\": {\"sotto\": 1}}}",
                json!({ "b": { "mcpServers": 1 } }),
            ),
        ] {
            let once = in_json(before, "/bin/sotto", &arguments()).expect("JSON");
            let twice = in_json(&once, "/opt/sotto", &arguments()).expect("JSON");
            assert_eq!(twice, once.replace("/bin/", "/opt/"), "it is replaced");
            let mut read: Value = serde_json::from_str(&once).expect("JSON");
            assert_eq!(read["mcpServers"]["sotto"]["command"], "/bin/sotto");
            read.as_object_mut().expect("an object").remove("mcpServers");
            assert_eq!(read, rest, "{before}");
        }
        assert!(in_json("{", "x", &[]).is_err() && in_json("{\"mcpServers\": 1}", "x", &[]).is_err());
    }

    #[test]
    fn the_rest_of_a_toml_file_stays_to_the_letter() {
        for before in [
            "",
            "model = \"x\" # kept",
            "# kept\n[mcp_servers.other]\ncommand = \"y\"\n\n[tail]\na = 1\n",
            "[mcp_servers.sotto]\ncommand = \"old\"\n[mcp_servers.sotto.env]\nA = \"1\"\n\n[tail]\n# kept\na = 1\n",
        ] {
            let once = in_toml(before, "/bin/sotto", &arguments()).expect("TOML");
            let twice = in_toml(&once, "/opt/sotto", &arguments()).expect("TOML");
            assert_eq!(twice, once.replace("/bin/", "/opt/"), "it is replaced");
            let read: toml::Table = once.parse().expect("TOML");
            assert_eq!(read["mcp_servers"]["sotto"]["command"].as_str(), Some("/bin/sotto"));
            for kept in before
                .lines()
                .filter(|line| line.contains("kept") || line.contains("tail"))
            {
                assert!(once.contains(kept), "{kept}: {once}");
            }
        }
        assert!(in_toml("mcp_servers = { sotto = { command = \"x\" } }", "x", &[]).is_err());
    }
}
