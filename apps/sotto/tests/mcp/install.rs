//! `sotto mcp install`: what it writes starts a server, and a token that no agent has is refused.

use std::fs;

use serde_json::{Value, json};
use sotto_api::{AddAgent, AgentOnly, Kind, all};

use super::agent::{agent, owner};
use super::client::McpClient;
use super::world::{Person, Ran, World, path, program, run};

fn install(person: &Person, home: &std::path::Path, arguments: &[&str]) -> Ran {
    let mut command = person.command(&[&["mcp", "install"], arguments].concat());
    command.env("HOME", home);
    run(command, b"")
}

#[test]
fn an_installed_server_starts_and_the_difference_comes_first() {
    let world = World::new();
    let mut alice = world.person("alice");
    let home = world.path().join("home");
    fs::create_dir(&home).expect("made");
    let (claude, codex) = (home.join(".claude.json"), home.join(".codex").join("config.toml"));
    fs::write(&claude, "{\n  \"theme\": \"dark\"\n}\n").expect("written");
    let ran = install(&alice, &home, &["--client", "claude", "--dry-run"]);
    assert!(
        ran.status.success() && ran.stdout.contains("+   \"mcpServers\""),
        "{ran:?}"
    );
    // What the agent may do then is a part of what is decided.
    let without_token = "without a token, what the agent sends waits for: sotto approvals allow";
    assert!(
        ran.stderr.contains(without_token) && ran.stderr.ends_with("nothing was written\n"),
        "{ran:?}"
    );
    assert_eq!(
        fs::read_to_string(&claude).expect("there"),
        "{\n  \"theme\": \"dark\"\n}\n"
    );
    for client in ["claude", "codex"] {
        let ran = install(&alice, &home, &["--client", client]);
        assert!(ran.status.success() && ran.stdout.contains("+ "), "{ran:?}");
        assert!(ran.stderr.contains(without_token), "{ran:?}");
    }
    let written: Value = serde_json::from_str(&fs::read_to_string(&claude).expect("there")).expect("JSON");
    assert_eq!(written["theme"], "dark");
    let toml: toml::Table = fs::read_to_string(&codex).expect("there").parse().expect("TOML");
    assert_eq!(toml["mcp_servers"]["sotto"]["tool_timeout_sec"].as_integer(), Some(120));

    // The entry is a command line that serves this profile.
    alice.start();
    let entry = &written["mcpServers"]["sotto"];
    let arguments = entry["args"]
        .as_array()
        .expect("arguments")
        .iter()
        .map(|one| one.as_str().expect("text"));
    let mut command = program(entry["command"].as_str().expect("a program"));
    command.args(arguments);
    let mut client = McpClient::started(command);
    client.initialize();
    assert_eq!(client.ok("get_identity", &json!({}))["onion"], alice.onion.as_str());

    // There is no agent whose approvals could reach no one: the owner has a passphrase first.
    let add = AddAgent {
        name: String::from("writer"),
        allow: vec![String::from("send:*")],
        ..AddAgent::default()
    };
    let refused = alice.client().call::<all::AgentsAdd>(&add).expect_err("no passphrase");
    assert_eq!(refused.kind(), Kind::OwnerRequired, "{refused}");
    let token = agent(&alice, "writer", &["read:*", "send:*"], false);
    for more in [&["--dry-run"][..], &[]] {
        let arguments = [&["--client", "codex", "--token-file", path(&token)], more].concat();
        let ran = install(&alice, &home, &arguments);
        assert!(ran.status.success(), "the owner has a passphrase: {ran:?}");
        assert!(!ran.stderr.contains("without a token"), "{ran:?}");
    }
    assert!(fs::read_to_string(&codex).expect("there").contains("writer.token"));
    let revoked = agent(&alice, "revoked", &["send:*"], false);
    let by_name = AgentOnly {
        name: String::from("revoked"),
    };
    owner(&alice).call::<all::AgentsRevoke>(&by_name).expect("revoked");
    let ran = install(&alice, &home, &["--client", "claude", "--token-file", path(&revoked)]);
    assert_eq!(ran.status.code(), Some(11), "no agent has it: {ran:?}");
    assert!(!fs::read_to_string(&claude).expect("there").contains("revoked.token"));
    alice.kill();
    let ran = install(&alice, &home, &["--client", "claude", "--token-file", path(&token)]);
    assert_eq!(ran.status.code(), Some(7), "without a daemon nothing is known: {ran:?}");
    assert!(!fs::read_to_string(&claude).expect("there").contains("writer.token"));
}
