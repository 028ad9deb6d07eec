//! One hop and back, beside a bare libp2p exchange of the same bytes over the same transport in the same run.
//!
//! The bare exchange is what libp2p's request-response protocol does: a substream per request, one message each way. A second one
//! keeps its substream open, as the particle protocol does. The demand: a client's particle to a node that runs `op.noop` and
//! back costs at most four times the first (medians, node without a disk).
//!
//! `cargo bench -p marine-benches --bench network`; with `--test` every exchange runs a few times only.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops when something fails")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, swarm::SwarmEvent, swarm::dial_opts::DialOpts, tcp,
    yamux,
};
use libp2p_stream::Control;
use marine_node::{Client, ClientConfig, Keypair, Node, NodeConfig, PeerId, Rate};

const ECHO: StreamProtocol = StreamProtocol::new("/echo/1");
const DEMAND: f64 = 4.0;

#[tokio::main]
async fn main() {
    let rounds = if std::env::args().any(|arg| arg == "--test") { 5 } else { 1000 };
    let dir = tempfile::tempdir().unwrap();
    let volatile = Hop::new(1, NodeConfig::new(key(1))).await;
    let durable = Hop::new(3, NodeConfig { data_dir: Some(dir.path().to_owned()), ..NodeConfig::new(key(3)) }).await;
    let bytes = volatile.bytes().await;
    let mut bare = Bare::new(bytes).await;

    // Taken in turns, so that all meet the same machine.
    let mut times: [Vec<Duration>; 4] = Default::default();
    for round in 0..rounds + 20 {
        let taken = [bare.request().await, bare.echo().await, volatile.run().await, durable.run().await];
        if round >= 20 || rounds < 20 {
            times.iter_mut().zip(taken).for_each(|(times, time)| times.push(time));
        }
    }
    let medians = times.map(median);
    let names =
        ["request-response, a substream each", "the same over one substream", "one hop, volatile", "one hop, durable"];
    println!("{bytes} bytes each way, medians of {rounds}");
    for (name, time) in names.iter().zip(medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("{name:36} {:>9.1} us  {ratio:>5.2} x", time.as_secs_f64() * 1e6);
    }
    let ratio = medians[2].as_secs_f64() / medians[0].as_secs_f64();
    let verdict = if ratio <= DEMAND { "met" } else { "missed" };
    println!("demand: one hop, volatile <= {DEMAND} x request-response: {verdict}");
}

fn key(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32])
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A node and a client of it.
struct Hop {
    node: Node,
    client: Client,
    script: String,
}

impl Hop {
    async fn new(seed: u8, mut config: NodeConfig) -> Self {
        config.limits.rate_init = Rate { per_second: 1e6, burst: 1e6 };
        let node = Node::start(config).await.unwrap();
        let client = Client::connect(ClientConfig::new(key(seed + 1), node.addresses())).await.unwrap();
        let script = format!(
            r#"(seq (call "{}" ("op" "noop") []) (call %init_peer_id% ("callbackSrv" "response") [1]))"#,
            node.peer_id()
        );
        Self { node, client, script }
    }

    /// The size of a particle with all its data, which is what comes back.
    async fn bytes(&self) -> usize {
        let outcome = self.client.run(&self.script, BTreeMap::new(), Duration::from_secs(5)).await.unwrap();
        assert_eq!(self.node.connected(), [self.client.peer_id()]);
        outcome.bundle().unwrap().len()
    }

    async fn run(&self) -> Duration {
        let start = Instant::now();
        let outcome = self.client.run(&self.script, BTreeMap::new(), Duration::from_secs(5)).await.unwrap();
        let time = start.elapsed();
        assert_eq!(outcome.result.unwrap().len(), 1);
        time
    }
}

/// Two bare libp2p peers, one of which sends back what it gets.
struct Bare {
    control: Control,
    server: PeerId,
    open: Stream,
    message: Vec<u8>,
}

impl Bare {
    async fn new(bytes: usize) -> Self {
        let mut server = swarm();
        let id = *server.local_peer_id();
        server.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address: Multiaddr = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = server.select_next_some().await {
                break address;
            }
        };
        let mut incoming = server.behaviour().new_control().accept(ECHO).unwrap();
        tokio::spawn(async move {
            while let Some((_, stream)) = incoming.next().await {
                tokio::spawn(echo(stream, bytes));
            }
        });
        drive(server);
        let mut client = swarm();
        let mut control = client.behaviour().new_control();
        client.dial(DialOpts::peer_id(id).addresses(vec![address]).build()).unwrap();
        drive(client);
        let open = control.open_stream(id, ECHO).await.unwrap();
        Self { control, server: id, open, message: vec![7; bytes] }
    }

    /// A request over a substream of its own.
    async fn request(&mut self) -> Duration {
        let start = Instant::now();
        let mut stream = self.control.open_stream(self.server, ECHO).await.unwrap();
        stream.write_all(&self.message).await.unwrap();
        stream.close().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.len(), self.message.len());
        start.elapsed()
    }

    /// A request over the substream that stays open.
    async fn echo(&mut self) -> Duration {
        let start = Instant::now();
        self.open.write_all(&self.message).await.unwrap();
        self.open.flush().await.unwrap();
        let mut answer = vec![0; self.message.len()];
        self.open.read_exact(&mut answer).await.unwrap();
        start.elapsed()
    }
}

fn swarm() -> Swarm<libp2p_stream::Behaviour> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build()
}

fn drive(mut swarm: Swarm<libp2p_stream::Behaviour>) {
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
}

/// Sends back messages of so many bytes until the other side closes.
async fn echo(mut stream: Stream, bytes: usize) {
    let mut message = vec![0; bytes];
    while stream.read_exact(&mut message).await.is_ok() {
        stream.write_all(&message).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.close().await.unwrap();
}
