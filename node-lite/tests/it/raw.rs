//! A peer that speaks the protocol by hand, right or wrong.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{Stream, StreamProtocol, Swarm, SwarmBuilder, noise, swarm::dial_opts::DialOpts, tcp, yamux};
use marine_node::{
    Keypair, Node,
    frame::{Frame, Hello},
};

/// A connection with one substream of the particle protocol.
pub(crate) struct Raw {
    stream: Stream,
    _driver: tokio::task::JoinHandle<()>,
}

impl Raw {
    /// Connects to `node` and opens a substream, without saying hello.
    pub(crate) async fn connect(key: &Keypair, node: &Node) -> Self {
        let mut swarm: Swarm<libp2p_stream::Behaviour> = SwarmBuilder::with_existing_identity(key.to_libp2p())
            .with_tokio()
            .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .unwrap()
            .build();
        let mut control = swarm.behaviour().new_control();
        swarm.dial(DialOpts::peer_id(node.peer_id()).addresses(node.addresses()).build()).unwrap();
        let driver = tokio::spawn(async move {
            loop {
                swarm.select_next_some().await;
            }
        });
        let protocol = StreamProtocol::new("/marine/particle/1.0.0");
        let stream = control.open_stream(node.peer_id(), protocol).await.unwrap();
        Self { stream, _driver: driver }
    }

    /// Connects and exchanges hello.
    pub(crate) async fn greeted(key: &Keypair, node: &Node) -> Self {
        let mut raw = Self::connect(key, node).await;
        raw.send(Frame::Hello(Hello { version: 1, now: 0, net: "main".to_owned(), frames: 64, bytes: 1 << 20 })).await;
        assert!(matches!(raw.receive().await, Some(Frame::Hello(_))));
        raw
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        let body = frame.encode();
        let mut bytes = Vec::new();
        let mut rest = body.len();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes.extend(body);
        self.send_bytes(&bytes).await;
    }

    /// Sends bytes as they are; that the other side may have closed is no failure of the test.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// The next frame; `None` if the stream ended.
    pub(crate) async fn receive(&mut self) -> Option<Frame> {
        let mut length = 0;
        for shift in [0, 7, 14] {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).await.ok()?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(Frame::decode(&body).unwrap())
    }
}
