//! What is watched: the service in production mode, with TLS, a revocation list and a key set, so that every objective
//! has something to say; the prober that asks it; the collector that its traces go to.
//!
//! Keys and certificates are made for this run and thrown away with it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use tempfile::TempDir;

use super::clients::{Callee, Calls, Clients};
use super::collector::{CONFIGURATION, Collector};
use super::http::Http;
use super::part::Part;
use super::ports::Ports;
use super::restarted::restarted;
use super::{clock, memory};
use crate::development::Development;
use crate::service::Service;
use crate::tls_client::TlsClient;
use crate::workspace::Workspace;
use crate::{golden, wait};

/// For the prober to have an answer.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// Where the model is in the repository, and where it is delivered to.
const MODEL: &str = "services/inference/model";
const DELIVERED: &str = "model";

/// Where the service is told another time, and how much memory it gets.
const CLOCK: &str = "clock";
const MEMORY: &str = "memory";

/// Somebody with a quota, whom the dashboards show being refused.
const QUOTA_CLASSES: &str = "everybody\nguests rate=1/s burst=1 sub=guest\n";

/// What is to be started, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// Where.
    pub(crate) ports: Ports,
    /// Features of the service that are compiled in.
    pub(crate) features: &'static [&'static str],
    /// By how much time is compressed.
    pub(crate) compression: u32,
    /// How often the prober asks.
    pub(crate) probe_interval: Duration,
    /// How old a connection of a client gets.
    pub(crate) connection_age: Duration,
    /// Whether files tell the service its time and its memory, it is started again when it ends, and Prometheus has a small
    /// disk; needs `faketime`, and of the machine that it lets people have namespaces.
    pub(crate) can_be_broken: bool,
}

impl Setup {
    /// As it runs anywhere.
    pub(crate) const fn real_time(ports: Ports) -> Self {
        Self {
            ports,
            features: &[],
            compression: 1,
            probe_interval: Duration::from_secs(5),
            connection_age: Duration::from_secs(300),
            can_be_broken: false,
        }
    }
}

/// Where everything is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// The API listener of the service.
    pub(crate) api: SocketAddr,
    /// Its admin listener.
    pub(crate) admin: SocketAddr,
    /// The prober's metrics.
    pub(crate) probe: SocketAddr,
    /// Prometheus.
    pub(crate) prometheus: SocketAddr,
    /// Alertmanager.
    pub(crate) alertmanager: SocketAddr,
    /// The collector's own metrics.
    pub(crate) telemetry: SocketAddr,
}

/// What is watched.
#[derive(Debug)]
pub(crate) struct Serving {
    development: Development,
    service: Option<Service>,
    prober: Option<Part>,
    collector: Option<Collector>,
    /// Stands for a trace store: it prints what the collector passes on.
    pub(crate) traces: Collector,
    /// Where everything is.
    pub(crate) addresses: Addresses,
    setup: Setup,
    /// A token that works.
    pub(crate) token: String,
    /// When the prober began, in seconds since 1970.
    pub(crate) prober_begun: f64,
    /// Everything that is written is below this.
    folder: TempDir,
}

impl Addresses {
    fn choose(ports: Ports) -> anyhow::Result<Self> {
        Ok(Self {
            api: ports.address(8080)?,
            admin: ports.address(9090)?,
            probe: ports.address(9099)?,
            prometheus: ports.address(9091)?,
            alertmanager: ports.address(9093)?,
            telemetry: ports.address(8888)?,
        })
    }
}

impl Serving {
    /// Starts all of it and waits until the prober has asked.
    pub(crate) fn start(workspace: &Workspace, setup: Setup) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let development = Development::with_features(workspace, setup.features)?;
        make_keys(&development)?;
        deliver_model(workspace, &development)?;
        let token = development.token("es256.key.pem", &["--expires-in", "1day"])?;
        let token_file = development.write("token", &token)?;

        let addresses = Addresses::choose(setup.ports)?;
        let traces = Collector::printing(workspace, folder.path())?;
        let Addresses { telemetry, prometheus, .. } = addresses;
        let collector =
            Collector::forwarding(workspace, folder.path(), setup.ports, telemetry, traces.grpc, prometheus)?;
        let service = serve(&development, addresses, setup, collector.grpc)?;
        let prober_begun = seconds_since_1970();
        let prober = probe(&development, addresses, &token_file, setup.probe_interval, folder.path())?;
        Ok(Self {
            development,
            service: Some(service),
            prober: Some(prober),
            collector: Some(collector),
            traces,
            addresses,
            setup,
            token,
            prober_begun,
            folder,
        })
    }

    /// Where what is written may be put.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it takes OTLP over HTTP; none once it was killed.
    pub(crate) fn otlp(&self) -> Option<SocketAddr> {
        self.collector.as_ref().map(|collector| collector.http)
    }

    /// The file by which the collector is started.
    pub(crate) fn collector_configuration(&self) -> PathBuf {
        self.folder().join(CONFIGURATION)
    }

    /// The file that says how far the service's clock is from the machine's.
    pub(crate) fn clock(&self) -> anyhow::Result<String> {
        self.development.file(CLOCK)
    }

    /// The file that says how much memory the service gets when it starts.
    pub(crate) fn memory(&self) -> anyhow::Result<String> {
        self.development.file(MEMORY)
    }

    /// The file of the authority that the service's certificate is trusted by.
    pub(crate) fn authority(&self) -> anyhow::Result<String> {
        self.development.file("ca.pem")
    }

    /// The folder of the model that the service reads.
    pub(crate) fn model(&self) -> anyhow::Result<String> {
        self.development.file(DELIVERED)
    }

    /// Where the program is.
    pub(crate) fn binary_folder(&self) -> anyhow::Result<&Path> {
        self.development.binary().parent().context("a program without a folder")
    }

    /// Has the service called.
    pub(crate) fn call(&self, workspace: &Workspace, calls: &[Calls]) -> anyhow::Result<Clients> {
        let guest_token =
            self.development.token("es256.key.pem", &["--expires-in", "1day", "--subject", "guest"])?;
        let callee = Callee {
            address: self.addresses.api,
            tls: TlsClient::new(Path::new(&self.authority()?), None)?,
            token: self.token.clone(),
            guest_token,
            golden: golden::load(workspace)?,
        };
        Ok(Clients::start(callee, calls))
    }

    /// The service's admin listener, for faults.
    pub(crate) fn admin(&self) -> Http {
        Http::to(self.addresses.admin)
    }

    /// Kills the service as a machine that fails does: at once.
    pub(crate) fn kill_service(&mut self) {
        self.service = None;
    }

    /// Starts the service again, where it was.
    pub(crate) fn start_service(&mut self) -> anyhow::Result<()> {
        let traces = self.collector.as_ref().map_or(self.traces.grpc, |collector| collector.grpc);
        self.service = Some(serve(&self.development, self.addresses, self.setup, traces)?);
        Ok(())
    }

    /// Kills the collector.
    pub(crate) fn kill_collector(&mut self) {
        self.collector = None;
    }

    /// Kills the prober.
    pub(crate) fn kill_prober(&mut self) {
        self.prober = None;
    }

    /// Stops the service as the platform does; an error when it does not end well.
    pub(crate) fn stop_service(&mut self) -> anyhow::Result<()> {
        self.service.take().map_or(Ok(()), |service| service.stop().map(drop))
    }

    /// Stops everything.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.stop_service()?;
        self.prober.map_or(Ok(()), Part::stop)
    }
}

/// Now, as Prometheus counts.
pub(crate) fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn make_keys(development: &Development) -> anyhow::Result<()> {
    development.make_key("ES256", "es256")?;
    development.make_certificates()?;
    development.write("jwks.json", &development.jwks(&["es256"])?)?;
    development.write("quota-classes", QUOTA_CLASSES)?;
    Ok(())
}

fn deliver_model(workspace: &Workspace, development: &Development) -> anyhow::Result<()> {
    let (from, to) = (workspace.path(MODEL), development.file(DELIVERED)?);
    std::fs::create_dir(&to)?;
    for file in ["flights.onnx", "golden.json"] {
        std::fs::copy(from.join(file), Path::new(&to).join(file)).with_context(|| file.to_owned())?;
    }
    Ok(())
}

fn serve(
    development: &Development,
    addresses: Addresses,
    setup: Setup,
    otlp: SocketAddr,
) -> anyhow::Result<Service> {
    let file = |name| development.file(name);
    let age = format!("{}ms", setup.connection_age.as_millis());
    let (listen, admin) = (addresses.api.to_string(), addresses.admin.to_string());
    let otlp = format!("http://{otlp}");
    let command = if setup.can_be_broken {
        let memory = development.write(MEMORY, "unlimited\n")?;
        let mut command = restarted(&Path::new(&memory).with_added_extension("pid"));
        clock::move_by(&mut command, &development.write(CLOCK, "+0\n")?)?;
        memory::limit_by(&mut command, &memory);
        command.arg(development.binary());
        command
    } else {
        Command::new(development.binary())
    };
    Service::start_command(
        command,
        &[
            "--mode=production",
            "--policy=either",
            "--log-format=json",
            "--listen",
            &listen,
            "--admin-listen",
            &admin,
            "--jwks",
            &file("jwks.json")?,
            "--quota-classes",
            &file("quota-classes")?,
            "--model",
            &file(&format!("{DELIVERED}/flights.onnx"))?,
            "--connection-age",
            &age,
            "--tls-certificate",
            &file("server.pem")?,
            "--tls-key",
            &file("server.key.pem")?,
            "--tls-client-ca",
            &file("ca.pem")?,
            "--tls-crl",
            &file("crl.pem")?,
            "--otlp-endpoint",
            &otlp,
        ],
    )
}

fn probe(
    development: &Development,
    addresses: Addresses,
    token_file: &str,
    interval: Duration,
    folder: &Path,
) -> anyhow::Result<Part> {
    let mut command = Command::new(development.binary());
    command
        .arg("probe")
        .arg(format!("--target=https://{}", addresses.api))
        .arg(format!("--ca={}", development.file("ca.pem")?))
        .arg(format!("--token-file={token_file}"))
        .arg(format!("--interval={}ms", interval.as_millis()))
        .arg(format!("--metrics-listen={}", addresses.probe));
    let prober = Part::start("prober", command, folder)?;
    let http = Http::to(addresses.probe);
    wait::until("the prober", PROBE_LIMIT, || Ok(http.is_there("/metrics").then_some(())))
        .with_context(|| prober.written().unwrap_or_default())?;
    Ok(prober)
}
