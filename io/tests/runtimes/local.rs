//! The [`Local`](sotto_io::Local) transport: which node may listen, what happens to dead sockets, and what a wiretap sees.

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
use sotto_core::{Availability, OnionAddress, Wall};
use sotto_io::{ListenError, Listener, Stream, Transport, Wiretap};

use crate::test_runtime::{TestRuntime, on_each_runtime};

on_each_runtime![
    two_nodes_meet_and_a_wiretap_sees_both_directions,
    only_the_owner_can_access_directory_and_socket_and_the_listener_removes_its_socket,
    a_dial_without_a_listener_fails,
    a_live_socket_is_left_alone,
    a_socket_whose_backlog_is_full_is_alive,
    a_dead_socket_is_replaced,
    of_many_nodes_that_find_a_dead_socket_one_replaces_it,
    a_file_that_is_not_a_socket_is_left_alone,
    a_listener_does_not_remove_the_socket_of_another_node,
    a_long_path_works,
    an_unusable_directory_is_named_in_the_error,
];

fn identity(seed: u8) -> IdentityRow {
    IdentityRow {
        onion_seed: [seed; 32],
        signal_identity: Vec::new(),
        registration_id: 1,
        name: String::new(),
        created_at: Wall(0),
        availability: Availability::default(),
        default_timer: 0,
    }
}

fn address(seed: u8) -> OnionAddress {
    identity(seed).address()
}

fn socket(directory: &Path, seed: u8) -> PathBuf {
    directory.join(address(seed).to_string())
}

/// With a short name, since that of a socket in it has at most 107 bytes. The machine's own may be long.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/tmp").expect("a folder")
}

async fn accept(listener: &mut dyn Listener) -> Stream {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

/// Leaves what a killed process leaves: the file of a socket that is closed.
fn abandon(path: &Path) {
    drop(blocking::UnixListener::bind(path).expect("bound"));
    assert!(path.exists());
}

async fn exchange(near: &mut Stream, far: &mut Stream) {
    let mut received = [0; 4];
    for (from, to) in [(&mut near.writer, &mut far.reader), (&mut far.writer, &mut near.reader)] {
        from.write_all(b"ping").await.expect("written");
        to.read_exact(&mut received).await.expect("read");
        assert_eq!(&received, b"ping");
    }
}

async fn two_nodes_meet_and_a_wiretap_sees_both_directions<R: TestRuntime>() {
    let folder = folder();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let wiretap = Wiretap::new({
        let seen = seen.clone();
        move |bytes| seen.lock().expect("seen").extend_from_slice(bytes)
    });
    let tapped = R::local(folder.path()).with_wiretap(wiretap);
    let mut listener = tapped.listen(&identity(1)).expect("listens");
    let dialer = R::local(folder.path());
    let (mut near, mut far) = join(
        async { dialer.dial(address(1)).await.expect("reached") },
        accept(&mut *listener),
    )
    .await;
    exchange(&mut near, &mut far).await;
    assert_eq!(*seen.lock().expect("seen"), b"pingping");

    drop(far);
    assert_eq!(
        near.reader.read(&mut [0]).await.expect("read"),
        0,
        "dropping a stream closes it"
    );
}

async fn only_the_owner_can_access_directory_and_socket_and_the_listener_removes_its_socket<R: TestRuntime>() {
    let folder = folder();
    let directory = folder.path().join("new").join("nested");
    let listener = R::local(&directory).listen(&identity(1)).expect("listens");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&socket(&directory, 1)), 0o600);
    drop(listener);
    assert_eq!(fs::read_dir(&directory).expect("directory").count(), 0);
}

async fn a_dial_without_a_listener_fails<R: TestRuntime>() {
    let folder = folder();
    let local = R::local(folder.path());
    assert_eq!(
        local.dial(address(1)).await.expect_err("no socket").kind(),
        io::ErrorKind::NotFound
    );
    abandon(&socket(folder.path(), 1));
    assert_eq!(
        local.dial(address(1)).await.expect_err("a dead socket").kind(),
        io::ErrorKind::ConnectionRefused
    );
    let nowhere = R::local(folder.path().join("none"));
    assert_eq!(
        nowhere.dial(address(1)).await.expect_err("no directory").kind(),
        io::ErrorKind::NotFound
    );
}

async fn a_live_socket_is_left_alone<R: TestRuntime>() {
    let folder = folder();
    let local = R::local(folder.path());
    let mut listener = local.listen(&identity(1)).expect("listens");
    match local.listen(&identity(1)).map(drop) {
        Err(error @ ListenError::AddressInUse(found)) => {
            assert_eq!(found, address(1));
            assert!(error.to_string().contains("is running"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let _other_address = local.listen(&identity(2)).expect("another address is free");

    // The second `listen` connected to see whether the socket is alive: a stream that ended at once.
    let mut check = accept(&mut *listener).await;
    assert_eq!(check.reader.read(&mut [0]).await.expect("read"), 0);
    let (near, mut far) = join(local.dial(address(1)), accept(&mut *listener)).await;
    exchange(&mut near.expect("reached"), &mut far).await;
}

async fn a_socket_whose_backlog_is_full_is_alive<R: TestRuntime>() {
    let folder = folder();
    let path = socket(folder.path(), 1);
    let stuck = blocking::UnixListener::bind(&path).expect("bound");
    rustix::net::listen(&stuck, 0).expect("a backlog of one");
    let _waiting = blocking::UnixStream::connect(&path).expect("it fits into the backlog");
    let taken = R::local(folder.path()).listen(&identity(1)).map(drop);
    assert!(matches!(taken, Err(ListenError::AddressInUse(_))), "{taken:?}");
}

async fn a_dead_socket_is_replaced<R: TestRuntime>() {
    let folder = folder();
    abandon(&socket(folder.path(), 1));
    let local = R::local(folder.path());
    let mut listener = local.listen(&identity(1)).expect("replaced");
    let (near, mut far) = join(local.dial(address(1)), accept(&mut *listener)).await;
    exchange(&mut near.expect("reached"), &mut far).await;
}

async fn of_many_nodes_that_find_a_dead_socket_one_replaces_it<R: TestRuntime>() {
    const NODES: usize = 8;
    let folder = folder();
    for _ in 0..20 {
        abandon(&socket(folder.path(), 1));
        let start = Arc::new(Barrier::new(NODES));
        let attempts = (0..NODES).map(|_| {
            let (start, local) = (start.clone(), R::local(folder.path()));
            R::unblock(move || {
                start.wait();
                local.listen(&identity(1))
            })
        });
        let mut listeners = Vec::new();
        for outcome in join_all(attempts).await {
            match outcome {
                Ok(listener) => listeners.push(listener),
                Err(error) => assert!(matches!(error, ListenError::AddressInUse(_)), "{error}"),
            }
        }
        assert_eq!(listeners.len(), 1);
    }
}

async fn a_file_that_is_not_a_socket_is_left_alone<R: TestRuntime>() {
    let folder = folder();
    let path = socket(folder.path(), 1);
    fs::write(&path, "precious").expect("written");
    match R::local(folder.path()).listen(&identity(1)).map(drop) {
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

async fn a_listener_does_not_remove_the_socket_of_another_node<R: TestRuntime>() {
    let folder = folder();
    let local = R::local(folder.path());
    let old = local.listen(&identity(1)).expect("listens");
    fs::remove_file(socket(folder.path(), 1)).expect("removed");
    let mut new = local.listen(&identity(1)).expect("free again");
    drop(old);
    let (near, mut far) = join(local.dial(address(1)), accept(&mut *new)).await;
    exchange(&mut near.expect("reached"), &mut far).await;
}

#[cfg(target_os = "linux")]
async fn a_long_path_works<R: TestRuntime>() {
    let folder = folder();
    let directory = folder.path().join("d".repeat(200)).join("e".repeat(200));
    let local = R::local(&directory);
    for _ in 0..2 {
        let mut listener = local.listen(&identity(1)).expect("listens");
        let (near, mut far) = join(local.dial(address(1)), accept(&mut *listener)).await;
        exchange(&mut near.expect("reached"), &mut far).await;
        let taken = local.listen(&identity(1)).map(drop);
        assert!(matches!(taken, Err(ListenError::AddressInUse(_))), "{taken:?}");
        drop(listener);
        assert_eq!(fs::read_dir(&directory).expect("directory").count(), 0);
        abandon_long(&directory);
    }
}

/// [`abandon`] for a path that is too long for the standard library.
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

async fn an_unusable_directory_is_named_in_the_error<R: TestRuntime>() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let error = R::local(&file)
        .listen(&identity(1))
        .map(drop)
        .expect_err("not a directory");
    assert!(error.to_string().contains(file.to_str().expect("utf-8")), "{error}");
}
