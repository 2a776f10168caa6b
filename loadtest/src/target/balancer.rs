//! What stands before several instances, as a network load balancer does: each connection goes to the next one that says that
//! it is ready. Must never look into a connection, and never try a second instance: who is not ready has to say so in time.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::spawn_blocking;
use ureq::Agent;

use super::instance::LOOK;

/// From one look at an instance to the next, and how long it may take to answer.
const CHECK: Duration = Duration::from_millis(100);

/// Of an instance: where it is asked, and where it says whether it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) api: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// A balancer; gone with its owner.
#[derive(Debug)]
pub(super) struct Balancer {
    address: SocketAddr,
    instances: Arc<Mutex<Instances>>,
    _runtime: Runtime,
}

#[derive(Debug)]
struct Instances {
    all: Vec<Place>,
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    addresses: Addresses,
    is_ready: bool,
}

impl Balancer {
    /// Listens on loopback; returns when all of them are ready.
    pub(super) fn before(instances: Vec<Addresses>) -> io::Result<Self> {
        let all: Vec<_> =
            instances.into_iter().map(|addresses| Place { addresses, is_ready: false }).collect();
        let places = all.len();
        let instances = Arc::new(Mutex::new(Instances { all, next: 0 }));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(accept(listener, Arc::clone(&instances)));
        for place in 0..places {
            runtime.spawn(watch(place, Arc::clone(&instances)));
        }
        let balancer = Self { address, instances, _runtime: runtime };
        (0..places).for_each(|place| balancer.wait_for(place));
        Ok(balancer)
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts another instance into that place; returns when it is ready.
    pub(super) fn replace(&self, place: usize, addresses: Addresses) {
        if let Some(old) = lock(&self.instances).all.get_mut(place) {
            *old = Place { addresses, is_ready: false };
        }
        self.wait_for(place);
    }

    fn wait_for(&self, place: usize) {
        while lock(&self.instances).all.get(place).is_some_and(|place| !place.is_ready) {
            std::thread::sleep(LOOK);
        }
    }
}

impl Instances {
    /// The next that is ready.
    fn next(&mut self) -> Option<SocketAddr> {
        let ready: Vec<_> = self.all.iter().filter(|place| place.is_ready).collect();
        let chosen = ready.get(self.next.checked_rem(ready.len())?)?.addresses.api;
        self.next = self.next.wrapping_add(1);
        Some(chosen)
    }
}

fn lock(instances: &Mutex<Instances>) -> MutexGuard<'_, Instances> {
    instances.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, instances: Arc<Mutex<Instances>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let chosen = lock(&instances).next();
        tokio::spawn(async move {
            // Without an instance the connection is closed, and its client sees it.
            let Some(chosen) = chosen else { return };
            let Ok(mut instance) = TcpStream::connect(chosen).await else { return };
            let _no_delay = (client.set_nodelay(true), instance.set_nodelay(true));
            let _ended = copy_bidirectional(&mut client, &mut instance).await;
        });
    }
}

/// Asks the instance in that place again and again whether it is ready.
async fn watch(place: usize, instances: Arc<Mutex<Instances>>) {
    let agent: Agent = Agent::config_builder().timeout_global(Some(CHECK)).build().into();
    loop {
        let Some(asked) = lock(&instances).all.get(place).map(|place| place.addresses) else { return };
        let (agent, url) = (agent.clone(), format!("http://{}/readyz", asked.admin));
        let is_ready = spawn_blocking(move || agent.get(url).call().is_ok()).await.unwrap_or_default();
        if let Some(place) = lock(&instances).all.get_mut(place).filter(|place| place.addresses == asked) {
            place.is_ready = is_ready;
        }
        tokio::time::sleep(CHECK).await;
    }
}
