//! arti's runtimes, with the TLS provider that they need.

use std::io;

/// arti on the tokio runtime that this is called in.
#[cfg(feature = "tokio")]
pub fn tokio() -> io::Result<tor_rtcompat::tokio::TokioRustlsRuntime> {
    provide_tls();
    tor_rtcompat::tokio::TokioRustlsRuntime::current()
}

/// arti on smol, with an executor of its own. The executor runs while a thread is in its
/// [`block_on`](tor_rtcompat::ToplevelBlockOn::block_on).
#[cfg(feature = "smol")]
pub fn smol() -> io::Result<tor_rtcompat::smol::SmolRustlsRuntime> {
    provide_tls();
    tor_rtcompat::smol::SmolRustlsRuntime::create()
}

/// rustls needs a cryptography provider, set once per process. One that the program has already set stays.
fn provide_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
