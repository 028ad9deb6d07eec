//! Peers that break the rules: they are refused, and others are served as before.

use std::time::{SystemTime, UNIX_EPOCH};

use marine_node::{
    Client, Keypair, Node,
    frame::{Code, Frame},
};
use marine_particle::Particle;
use serde_json::json;

use crate::{
    raw::Raw,
    support::{client, key, node},
};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A polite client is served.
async fn check_served(client: &Client, node: &Node) {
    assert_eq!(client.call(node.peer_id(), "op", "identity", vec![json!(1)]).await.unwrap(), json!(1));
}

fn message(seq: u64, particle: &Particle, data: Vec<u8>) -> Frame {
    Frame::Particle { seq, cid: particle.cid(), env: Some(particle.encode()), data, total: None }
}

async fn refusal(raw: &mut Raw) -> Code {
    match raw.receive().await {
        Some(Frame::Err(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_frames() {
    let node = node(1).await;
    let polite = client(2, &node).await;
    let cases: &[(&str, &[u8], Code)] = &[
        ("oversized announcement", &[0xff, 0xff, 0xff, 0xff, 0x0f], Code::Malformed),
        ("no CBOR", &[3, 0xff, 0xff, 0xff], Code::Malformed),
        ("an empty frame", &[0], Code::Malformed),
        ("not canonical", &[8, 0xb8, 1, 0x61, b't', 0x62, b'z', b'z', 0], Code::Malformed),
        ("unknown kind", &[6, 0xa1, 0x61, b't', 0x62, b'z', b'z'], Code::Unsupported),
    ];
    for (n, (name, bytes, code)) in cases.iter().enumerate() {
        let mut raw = Raw::greeted(&key(50 + n as u8), &node).await;
        raw.send_bytes(bytes).await;
        assert_eq!(refusal(&mut raw).await, *code, "{name}");
        assert!(raw.receive().await.is_none(), "{name}: closed");
        check_served(&polite, &node).await;
    }
    // Without hello, and noise of all kinds.
    for seed in 0..20_u8 {
        let mut raw = Raw::connect(&key(100 + seed), &node).await;
        let noise: Vec<u8> = (0..4000_u32).map(|n| ((n * n * u32::from(seed + 3)) >> 3) as u8).collect();
        raw.send_bytes(&noise).await;
    }
    check_served(&polite, &node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envelopes_that_do_not_pass() {
    let node = node(1).await;
    let polite = client(2, &node).await;
    let key = key(3);
    let mut raw = Raw::greeted(&key, &node).await;
    let particle = |ts, ttl| Particle::sign_new(&key, "x", ts, ttl, "(null)").unwrap();
    let forged = {
        let mut bytes = particle(now(), 10_000).encode();
        let at = bytes.windows(6).position(|window| window == b"(null)").unwrap();
        bytes[at..at + 6].copy_from_slice(b"(nulx)");
        bytes
    };
    let cases = [
        ("forged", forged.clone(), marine_particle::dag_cbor_cid(&forged), Code::BadSignature),
        ("expired", particle(now() - 2000, 1000).encode(), particle(now() - 2000, 1000).cid(), Code::Expired),
        ("future", particle(now() + 120_000, 1000).encode(), particle(1, 1).cid(), Code::Future),
        ("too long", particle(now(), 10_000_000).encode(), particle(1, 1).cid(), Code::TtlTooLong),
        ("other cid", particle(now(), 10_000).encode(), particle(1, 1).cid(), Code::Malformed),
        ("garbage", vec![1, 2, 3], particle(1, 1).cid(), Code::Malformed),
    ];
    for (seq, (name, env, cid, code)) in cases.into_iter().enumerate() {
        raw.send(Frame::Particle { seq: seq as u64 + 1, cid, env: Some(env), data: Vec::new(), total: None }).await;
        assert_eq!(refusal(&mut raw).await, code, "{name}");
    }
    let unknown = Frame::Particle { seq: 50, cid: particle(1, 1).cid(), env: None, data: Vec::new(), total: None };
    raw.send(unknown).await;
    assert_eq!(refusal(&mut raw).await, Code::UnknownParticle);
    let huge = particle(now(), 10_000);
    raw.send(Frame::Particle {
        seq: 51,
        cid: huge.cid(),
        env: Some(huge.encode()),
        data: vec![],
        total: Some(1 << 40),
    })
    .await;
    assert_eq!(refusal(&mut raw).await, Code::TooLarge);
    check_served(&polite, &node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_does_not_verify() {
    let node = node(1).await;
    let polite = client(2, &node).await;
    let mut raw = Raw::greeted(&key(3), &node).await;
    let particle = Particle::sign_new(&key(3), "x", now(), 10_000, "(null)").unwrap();
    raw.send(message(1, &particle, b"garbage".to_vec())).await;
    assert_eq!(refusal(&mut raw).await, Code::BadData);
    let broken = Particle::sign_new(&key(3), "y", now(), 10_000, "(seq").unwrap();
    raw.send(message(2, &broken, Vec::new())).await;
    assert_eq!(refusal(&mut raw).await, Code::BadData);
    check_served(&polite, &node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_read() {
    let node = node(1).await;
    let polite = client(2, &node).await;
    let mut raw = Raw::greeted(&key(3), &node).await;
    // Far beyond its credit, and answers are never read: writing stalls, the rest of the node does not.
    let flood = async {
        for seq in 1..100_000 {
            let particle = Particle::sign_new(&key(3), "x", 1, 1, "(null)").unwrap();
            raw.send(message(seq, &particle, vec![0; 100_000])).await;
        }
    };
    tokio::select! {
        () = flood => panic!("nobody stopped the flood"),
        () = async { for _ in 0..20 { check_served(&polite, &node).await } } => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_particles_is_limited() {
    let node = node(1).await;
    let flooder: Keypair = key(3);
    let mut raw = Raw::greeted(&flooder, &node).await;
    let mut limited = 0;
    for seq in 1..=600_u64 {
        let particle = Particle::sign_new(&flooder, seq.to_string(), now(), 10_000, "(null)").unwrap();
        let data = marine_air::Data::empty(marine_air::ContentId::from_cid(&particle.cid()).unwrap()).encode();
        raw.send(message(seq, &particle, data)).await;
        match raw.receive().await {
            Some(Frame::Ack { .. }) => {}
            Some(Frame::Err(refusal)) => {
                assert_eq!((refusal.code, refusal.retry.is_some()), (Code::RateLimited, true));
                limited += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(limited > 0, "the burst is 400");
    check_served(&client(2, &node).await, &node).await;
}
