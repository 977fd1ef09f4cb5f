//! What depends on the user's terminal and environment.

use crate::world::{World, path, program, run, string};

#[test]
fn times_are_shown_in_the_users_zone_and_a_zone_that_is_not_known_is_said() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    let sent = alice.json(&["send", "bob", "hello"]);
    let history = alice.json(&["history", "bob"]);
    let message = &history["messages"][0];
    assert_eq!(message["id"], sent["id"]);
    // 2026-03-05T12:34:56.789Z
    let at = string(&message["sent_at"]);
    let (hour, minute): (u32, u32) = (
        at[11..13].parse().expect("a number"),
        at[14..16].parse().expect("a number"),
    );
    let shown_in = |zone: &str| {
        let mut command = alice.command(&["history", "bob"]);
        command.env("TZ", zone);
        run(command, b"")
    };
    // Neither has summer time.
    for (zone, offset) in [
        ("Asia/Kathmandu", 5 * 60 + 45),
        ("America/Phoenix", 17 * 60),
        ("UTC", 0),
        ("JST-9", 9 * 60),
    ] {
        let there = (hour * 60 + minute + offset) % (24 * 60);
        let expected = format!("{:02}:{:02}", there / 60, there % 60);
        let ran = shown_in(zone);
        assert!(ran.stdout.contains(&expected), "{zone}: {expected} {ran:#?}");
        assert!(!ran.stderr.contains("warning"), "{ran:#?}");
    }
    let ran = shown_in("Europe/Belrin");
    assert!(ran.status.success(), "{ran:#?}");
    assert!(ran.stdout.contains(&format!("{hour:02}:{minute:02}")), "{ran:#?}");
    assert!(
        ran.stderr.contains("warning: TZ=Europe/Belrin") && ran.stderr.contains("UTC"),
        "{ran:#?}"
    );
}

/// Runs a program on a new terminal, waits until it asks, does what is asked, and prints how it ended and whether the
/// terminal shows what is typed: before, while it asks, and after.
const ON_A_TERMINAL: &str = r#"
import os, pty, resource, select, signal, sys, termios, time

act, arguments = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    os.execv(arguments[0], arguments)

def echo():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

def until(done, what):
    deadline = time.monotonic() + 60
    while not done():
        if time.monotonic() > deadline:
            sys.exit("waited in vain for " + what)
        time.sleep(0.005)

said = b""
while b"assphrase: " not in said:
    ready, _, _ = select.select([terminal], [], [], 60)
    if not ready:
        sys.exit("it does not ask")
    said += os.read(terminal, 4096)
until(lambda: not echo(), "the end of the echo")
if os.path.exists("/proc/self/limits"):
    with open(f"/proc/{child}/limits") as limits:
        cores = next(line.split()[4:6] for line in limits if line.startswith("Max core file size"))
    if cores != ["0", "0"]:
        sys.exit(f"it may dump its memory: {cores}")
if act == "interrupt":
    os.write(terminal, b"\x03")
else:
    os.kill(child, signal.SIGTERM)
status = None

def ended():
    global status
    found, status = os.waitpid(child, os.WNOHANG)
    return found == child

# The terminal stays open here, so its settings outlive the program.
until(ended, "the end of the program")
print("signal", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else print("exit", os.WEXITSTATUS(status))
print("echo", echo())
"#;

#[test]
fn at_the_passphrase_prompt_no_memory_is_dumped_and_a_signal_gives_the_terminal_its_echo_back() {
    let world = World::new();
    let mut alice = world.person("alice");
    // Without a key in the configuration.
    let asked = world.path().join("asked");
    alice.folder = asked.clone();
    let made = alice.run_with(&["init", "--passphrase-fd", "0"], b"correct horse\n");
    assert!(made.status.success(), "{made:#?}");
    let new = world.path().join("new");
    for (act, code) in [("interrupt", 130), ("terminate", 143)] {
        for (folder, command) in [
            (&new, &["init"][..]),
            (&asked, &["daemon", "run"]),
            (&asked, &["daemon", "start"]),
        ] {
            let mut python = program("python3");
            python.args(["-c", ON_A_TERMINAL, act, env!("CARGO_BIN_EXE_sotto")]);
            python.args(["--data-dir", path(folder)]);
            python.arg("--network").arg(format!("local:{}", path(&alice.network)));
            python.args(command);
            let ran = run(python, b"");
            assert_eq!(
                ran.stdout,
                format!("exit {code}\necho True\n"),
                "{act} {command:?} {ran:#?}"
            );
        }
    }
    assert!(!new.join("sotto.db").exists(), "no identity is made");
}
