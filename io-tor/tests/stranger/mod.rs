//! An onion service that is none of Sotto's, and sees what Sotto's dials look like from the outside: on which circuit each
//! stream comes. The circuit of the first one is of no use after that: it stays, and whatever else comes on it is refused.

use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use arti_client::config::onion_service::OnionServiceConfigBuilder;
use arti_client::{TorClient, TorClientConfig};
use futures::stream::StreamExt as _;
use sotto_core::row::IdentityRow;
use toml::Table;
use tor_cell::relaycell::msg::{Connected, End};
use tor_config::sources::MustRead;
use tor_config::{ConfigurationSource, ConfigurationSources};
use tor_hscrypto::pk::HsIdKeypair;
use tor_hsservice::{RendRequest, RunningOnionService};
use tor_llcrypto::pk::ed25519;
use tor_rtcompat::{Runtime, SpawnExt as _};

/// It runs until it is dropped.
pub struct Stranger<R: Runtime> {
    _client: Arc<TorClient<R>>,
    _service: Arc<RunningOnionService>,
    seen: Arc<Mutex<Seen>>,
}

/// What has come.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The circuit of each stream that was taken.
    pub circuits: Vec<usize>,
    /// Streams that were not.
    pub refused: usize,
}

impl<R: Runtime> Stranger<R> {
    pub async fn start(runtime: &R, folder: &Path, table: &Table, identity: &IdentityRow) -> Self {
        let client = TorClient::with_runtime(runtime.clone())
            .config(configuration(folder, table))
            .create_bootstrapped()
            .await
            .expect("a client");
        let key = ed25519::Keypair::from_bytes(&identity.onion_seed);
        let key = HsIdKeypair::from(ed25519::ExpandedKeypair::from(&key));
        let mut service = OnionServiceConfigBuilder::default();
        service.nickname("stranger".parse().expect("a nickname"));
        let service = service.build().expect("a configuration");
        let launched = client.launch_onion_service_with_hsid(service, key).expect("a service");
        let (service, requests) = launched.expect("it is enabled");

        let seen = Arc::new(Mutex::new(Seen::default()));
        let (spawner, watched) = (runtime.clone(), Arc::clone(&seen));
        let serving = async move {
            let mut requests = pin!(requests.enumerate());
            while let Some((circuit, request)) = requests.next().await {
                spawner
                    .spawn(serve(request, circuit, Arc::clone(&watched)))
                    .expect("a runtime");
            }
        };
        runtime.spawn(serving).expect("a runtime");
        Self {
            _client: client,
            _service: service,
            seen,
        }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic").clone()
    }
}

impl Seen {
    /// Whether one more stream on this circuit is taken.
    fn takes(&mut self, circuit: usize) -> bool {
        let is_of_use = self.circuits.first() != Some(&circuit);
        if is_of_use {
            self.circuits.push(circuit);
        } else {
            self.refused += 1;
        }
        is_of_use
    }
}

/// One circuit, to its end.
async fn serve(request: RendRequest, circuit: usize, seen: Arc<Mutex<Seen>>) {
    let Ok(mut requests) = request.accept().await else {
        return;
    };
    let mut open = Vec::new();
    while let Some(request) = requests.next().await {
        let is_taken = seen.lock().expect("no panic").takes(circuit);
        if is_taken {
            open.extend(request.accept(Connected::new_empty()).await.ok());
        } else {
            drop(request.reject(End::new_misc()).await);
        }
    }
}

fn configuration(folder: &Path, table: &Table) -> TorClientConfig {
    let place = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let mut storage = toml::toml! { keystore.primary.kind = "ephemeral" };
    storage.insert("state_dir".to_owned(), place("state").into());
    storage.insert("cache_dir".to_owned(), place("cache").into());
    let mut table = table.clone();
    table.insert("storage".to_owned(), storage.into());

    let mut sources = ConfigurationSources::new_empty();
    sources.push_source(
        ConfigurationSource::from_verbatim(table.to_string()),
        MustRead::MustRead,
    );
    tor_config::resolve(&sources.load().expect("TOML")).expect("arti's configuration")
}
