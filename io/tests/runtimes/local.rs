//! The local transport: who may listen where, what is left behind, and what crosses the socket.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net as blocking;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, Mutex};

use futures::future::{join, join_all};
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use sotto_core::row::IdentityRow;
use sotto_core::{OnionAddress, Wall};
use sotto_io::{ListenError, Listener, Stream, Transport, Wiretap};

use crate::support::{Host, on_each_runtime};

on_each_runtime![
    two_nodes_meet_and_a_wiretap_sees_both_directions,
    folder_and_socket_are_the_owners_alone_and_the_socket_goes_with_its_listener,
    nobody_there_is_an_error,
    a_live_socket_is_left_alone,
    a_live_socket_that_does_not_get_to_accept_is_alive,
    a_dead_socket_is_replaced,
    of_many_that_find_a_dead_socket_one_wins,
    what_is_not_a_socket_is_not_touched,
    a_socket_that_is_no_longer_ours_stays,
    a_long_path_works,
    a_directory_that_cannot_be_is_named,
];

fn identity(seed: u8) -> IdentityRow {
    IdentityRow {
        onion_seed: [seed; 32],
        signal_identity: Vec::new(),
        registration_id: 1,
        name: String::new(),
        created_at: Wall(0),
    }
}

fn address(seed: u8) -> OnionAddress {
    identity(seed).address()
}

fn socket(directory: &Path, seed: u8) -> PathBuf {
    directory.join(address(seed).to_string())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

async fn accept(listener: &mut dyn Listener) -> Stream {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

/// What a process that was killed leaves: a socket that nobody listens on.
fn abandon(path: &Path) {
    drop(blocking::UnixListener::bind(path).expect("bound"));
    assert!(path.exists());
}

async fn talk(near: &mut Stream, far: &mut Stream) {
    let mut heard = [0; 4];
    for (from, to) in [(&mut near.writer, &mut far.reader), (&mut far.writer, &mut near.reader)] {
        from.write_all(b"ping").await.expect("written");
        to.read_exact(&mut heard).await.expect("read");
        assert_eq!(&heard, b"ping");
    }
}

async fn two_nodes_meet_and_a_wiretap_sees_both_directions<H: Host>() {
    let folder = folder();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let wiretap = Wiretap::new({
        let seen = seen.clone();
        move |bytes| seen.lock().expect("seen").extend_from_slice(bytes)
    });
    let tapped = H::local(folder.path()).with_wiretap(wiretap);
    let mut listener = tapped.listen(&identity(1)).expect("listens");
    let dialler = H::local(folder.path());
    let (mut near, mut far) = join(
        async { dialler.dial(address(1)).await.expect("reached") },
        accept(&mut *listener),
    )
    .await;
    talk(&mut near, &mut far).await;
    assert_eq!(*seen.lock().expect("seen"), b"pingping");

    drop(far);
    assert_eq!(
        near.reader.read(&mut [0]).await.expect("read"),
        0,
        "dropping a stream closes it"
    );
}

async fn folder_and_socket_are_the_owners_alone_and_the_socket_goes_with_its_listener<H: Host>() {
    let folder = folder();
    let directory = folder.path().join("made").join("here");
    let listener = H::local(&directory).listen(&identity(1)).expect("listens");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&socket(&directory, 1)), 0o600);
    drop(listener);
    assert_eq!(fs::read_dir(&directory).expect("directory").count(), 0);
}

async fn nobody_there_is_an_error<H: Host>() {
    let folder = folder();
    let local = H::local(folder.path());
    assert_eq!(
        local.dial(address(1)).await.expect_err("nobody").kind(),
        io::ErrorKind::NotFound
    );
    abandon(&socket(folder.path(), 1));
    assert_eq!(
        local.dial(address(1)).await.expect_err("dead").kind(),
        io::ErrorKind::ConnectionRefused
    );
    let nowhere = H::local(folder.path().join("none"));
    assert_eq!(
        nowhere.dial(address(1)).await.expect_err("none").kind(),
        io::ErrorKind::NotFound
    );
}

async fn a_live_socket_is_left_alone<H: Host>() {
    let folder = folder();
    let local = H::local(folder.path());
    let mut listener = local.listen(&identity(1)).expect("listens");
    match local.listen(&identity(1)).map(drop) {
        Err(error @ ListenError::AddressInUse(found)) => {
            assert_eq!(found, address(1));
            assert!(error.to_string().contains("is running"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let _other_address = local.listen(&identity(2)).expect("another address is free");

    // The question whether it is alive has been a stream that ended at once; after it, it still serves.
    let mut question = accept(&mut *listener).await;
    assert_eq!(question.reader.read(&mut [0]).await.expect("read"), 0);
    let (near, mut far) = join(local.dial(address(1)), accept(&mut *listener)).await;
    talk(&mut near.expect("reached"), &mut far).await;
}

async fn a_live_socket_that_does_not_get_to_accept_is_alive<H: Host>() {
    let folder = folder();
    let path = socket(folder.path(), 1);
    let stuck = blocking::UnixListener::bind(&path).expect("bound");
    rustix::net::listen(&stuck, 0).expect("no backlog");
    let _waiting = blocking::UnixStream::connect(&path).expect("the one that fits");
    let taken = H::local(folder.path()).listen(&identity(1)).map(drop);
    assert!(matches!(taken, Err(ListenError::AddressInUse(_))), "{taken:?}");
}

async fn a_dead_socket_is_replaced<H: Host>() {
    let folder = folder();
    abandon(&socket(folder.path(), 1));
    let local = H::local(folder.path());
    let mut listener = local.listen(&identity(1)).expect("replaced");
    let (near, mut far) = join(local.dial(address(1)), accept(&mut *listener)).await;
    talk(&mut near.expect("reached"), &mut far).await;
}

async fn of_many_that_find_a_dead_socket_one_wins<H: Host>() {
    const RIVALS: usize = 8;
    let folder = folder();
    for _ in 0..20 {
        abandon(&socket(folder.path(), 1));
        let start = Arc::new(Barrier::new(RIVALS));
        let rivals = (0..RIVALS).map(|_| {
            let (start, local) = (start.clone(), H::local(folder.path()));
            H::unblock(move || {
                start.wait();
                local.listen(&identity(1))
            })
        });
        let mut winners = Vec::new();
        for outcome in join_all(rivals).await {
            match outcome {
                Ok(listener) => winners.push(listener),
                Err(error) => assert!(matches!(error, ListenError::AddressInUse(_)), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1);
    }
}

async fn what_is_not_a_socket_is_not_touched<H: Host>() {
    let folder = folder();
    let path = socket(folder.path(), 1);
    fs::write(&path, "precious").expect("written");
    match H::local(folder.path()).listen(&identity(1)).map(drop) {
        Err(ListenError::Io { directory, source }) => {
            assert_eq!(
                (&*directory, source.kind()),
                (folder.path(), io::ErrorKind::AlreadyExists)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).expect("still there"), b"precious");
}

async fn a_socket_that_is_no_longer_ours_stays<H: Host>() {
    let folder = folder();
    let local = H::local(folder.path());
    let old = local.listen(&identity(1)).expect("listens");
    fs::remove_file(socket(folder.path(), 1)).expect("somebody cleans up");
    let mut new = local.listen(&identity(1)).expect("free again");
    drop(old);
    let (near, mut far) = join(local.dial(address(1)), accept(&mut *new)).await;
    talk(&mut near.expect("reached"), &mut far).await;
}

#[cfg(target_os = "linux")]
async fn a_long_path_works<H: Host>() {
    let folder = folder();
    let directory = folder.path().join("d".repeat(200)).join("e".repeat(200));
    let local = H::local(&directory);
    for _ in 0..2 {
        let mut listener = local.listen(&identity(1)).expect("listens");
        let (near, mut far) = join(local.dial(address(1)), accept(&mut *listener)).await;
        talk(&mut near.expect("reached"), &mut far).await;
        let taken = local.listen(&identity(1)).map(drop);
        assert!(matches!(taken, Err(ListenError::AddressInUse(_))), "{taken:?}");
        drop(listener);
        assert_eq!(fs::read_dir(&directory).expect("directory").count(), 0);
        abandon_long(&directory);
    }
}

/// `abandon` where the path is too long for the standard library.
#[cfg(target_os = "linux")]
fn abandon_long(directory: &Path) {
    use std::os::fd::AsRawFd as _;
    let opened = fs::File::open(directory).expect("directory");
    abandon(
        &Path::new("/proc/self/fd")
            .join(opened.as_raw_fd().to_string())
            .join(address(1).to_string()),
    );
}

async fn a_directory_that_cannot_be_is_named<H: Host>() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let error = H::local(&file)
        .listen(&identity(1))
        .map(drop)
        .expect_err("not a directory");
    assert!(error.to_string().contains(file.to_str().expect("utf-8")), "{error}");
}
