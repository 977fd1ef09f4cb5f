//! [`ObservingService`]: an onion service without Sotto, which records on which circuit each stream of a Sotto dial arrives.
//! It accepts one stream on the first circuit, keeps that stream open, and rejects every other stream on this circuit.

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

/// Runs until it is dropped.
pub struct ObservingService<R: Runtime> {
    _client: Arc<TorClient<R>>,
    _service: Arc<RunningOnionService>,
    observed: Arc<Mutex<Observed>>,
}

/// The streams that have arrived.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The circuit of each stream that was accepted.
    pub circuits: Vec<usize>,
    /// The number of streams that were rejected.
    pub rejected: usize,
}

impl<R: Runtime> ObservingService<R> {
    pub async fn start(runtime: &R, folder: &Path, table: &Table, identity: &IdentityRow) -> Self {
        let client = TorClient::with_runtime(runtime.clone())
            .config(configuration(folder, table))
            .create_bootstrapped()
            .await
            .expect("a client");
        let key = ed25519::Keypair::from_bytes(&identity.onion_seed);
        let key = HsIdKeypair::from(ed25519::ExpandedKeypair::from(&key));
        let mut service = OnionServiceConfigBuilder::default();
        service.nickname("observer".parse().expect("a nickname"));
        let service = service.build().expect("a configuration");
        let launched = client.launch_onion_service_with_hsid(service, key).expect("a service");
        let (service, requests) = launched.expect("it is enabled");

        let observed = Arc::new(Mutex::new(Observed::default()));
        let (spawner, shared) = (runtime.clone(), Arc::clone(&observed));
        let serving = async move {
            let mut requests = pin!(requests.enumerate());
            while let Some((circuit, request)) = requests.next().await {
                spawner
                    .spawn(serve(request, circuit, Arc::clone(&shared)))
                    .expect("a runtime");
            }
        };
        runtime.spawn(serving).expect("a runtime");
        Self {
            _client: client,
            _service: service,
            observed,
        }
    }

    pub fn observed(&self) -> Observed {
        self.observed.lock().expect("no panic").clone()
    }
}

impl Observed {
    /// Records a stream; returns whether to accept it.
    fn record(&mut self, circuit: usize) -> bool {
        let accepted = self.circuits.first() != Some(&circuit);
        if accepted {
            self.circuits.push(circuit);
        } else {
            self.rejected += 1;
        }
        accepted
    }
}

/// Serves one circuit to its end.
async fn serve(request: RendRequest, circuit: usize, observed: Arc<Mutex<Observed>>) {
    let Ok(mut requests) = request.accept().await else {
        return;
    };
    let mut open = Vec::new();
    while let Some(request) = requests.next().await {
        let accepted = observed.lock().expect("no panic").record(circuit);
        if accepted {
            open.extend(request.accept(Connected::new_empty()).await.ok());
        } else {
            drop(request.reject(End::new_misc()).await);
        }
    }
}

fn configuration(folder: &Path, table: &Table) -> TorClientConfig {
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let mut storage = toml::toml! { keystore.primary.kind = "ephemeral" };
    storage.insert("state_dir".to_owned(), path("state").into());
    storage.insert("cache_dir".to_owned(), path("cache").into());
    let mut table = table.clone();
    table.insert("storage".to_owned(), storage.into());

    let mut sources = ConfigurationSources::new_empty();
    sources.push_source(
        ConfigurationSource::from_verbatim(table.to_string()),
        MustRead::MustRead,
    );
    tor_config::resolve(&sources.load().expect("TOML")).expect("arti's configuration")
}
