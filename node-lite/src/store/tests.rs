//! The store alone: what was committed is there again, and damage is an error.

use super::*;

fn cid(n: u8) -> Cid {
    marine_manifest::module_cid(&[n])
}

fn peer() -> PeerId {
    "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5".parse().unwrap()
}

fn some_ops() -> Vec<Op> {
    let service = ServiceRow { blueprint: cid(7), owner: "ann".to_owned() };
    vec![
        Op::Particle { cid: cid(1), envelope: vec![1, 2] },
        Op::Record { cid: cid(1), n: 0, record: vec![3] },
        Op::Record { cid: cid(1), n: 1, record: vec![4] },
        Op::Particle { cid: cid(2), envelope: vec![9] },
        Op::Record { cid: cid(2), n: 0, record: vec![8] },
        Op::Outbox { peer: peer(), cid: cid(1), upto: 2 },
        Op::Outbox { peer: peer(), cid: cid(2), upto: 1 },
        Op::Module { cid: cid(5), row: ModuleRow { name: "m".to_owned(), owner: "ann".to_owned(), size: 1 } },
        Op::Blueprint { cid: cid(7), row: BlueprintRow { owner: "ann".to_owned(), bytes: vec![1] } },
        Op::Service { id: "s".to_owned(), row: service },
        Op::Alias { alias: "a".to_owned(), id: "s".to_owned() },
    ]
}

#[tokio::test]
async fn what_was_committed_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, empty) = Store::open(dir.path(), 5).unwrap();
    assert_eq!((empty.birth, empty.particles.len()), (5, 0));
    store.commit(some_ops()).await.unwrap();
    store.submit(vec![
        // The first line was renewed since, the second was not.
        Op::Delivered { peer: peer(), cid: cid(1), upto: 1 },
        Op::Delivered { peer: peer(), cid: cid(2), upto: 1 },
    ]);
    store.close().await;
    assert!(matches!(store.commit(some_ops()).await, Err(StoreError::Closed)));

    let (store, full) = Store::open(dir.path(), 6).unwrap();
    assert_eq!(full.birth, 5);
    let mut particles = full.particles;
    particles.sort_by_key(|p| p.envelope.clone());
    assert_eq!(particles[0].records, [[3], [4]]);
    assert_eq!(particles[1].records, [[8]]);
    assert_eq!(full.outbox, [(peer(), cid(1), 2)]);
    assert_eq!(full.modules[0].1.name, "m");
    assert_eq!(full.blueprints[0].0, cid(7));
    assert_eq!(full.services[0].1.owner, "ann");
    assert_eq!(full.aliases, [("a".to_owned(), "s".to_owned())]);

    store
        .commit(vec![Op::Sweep { cid: cid(1), peers: vec![peer()] }, Op::RemoveAlias { alias: "a".to_owned() }])
        .await
        .unwrap();
    store.close().await;
    let (_store, swept) = Store::open(dir.path(), 6).unwrap();
    assert_eq!(swept.particles.len(), 1);
    assert_eq!(swept.particles[0].records, [[8]]);
    assert!(swept.outbox.is_empty() && swept.aliases.is_empty());
}

#[tokio::test]
async fn one_holder_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = Store::open(dir.path(), 0).unwrap();
    let Err(StoreError::InUse { holder, .. }) = Store::open(dir.path(), 0) else { panic!("a second holder") };
    assert_eq!(holder, format!("process {}", std::process::id()));
    first.close().await;
    Store::open(dir.path(), 0).unwrap();
}

#[tokio::test]
async fn damage_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    std::fs::write(&path, b"this is no database, it is a text that somebody put here").unwrap();
    assert!(matches!(Store::open(dir.path(), 0), Err(StoreError::Damaged { .. } | StoreError::Io { .. })));

    std::fs::remove_file(&path).unwrap();
    let (store, _) = Store::open(dir.path(), 0).unwrap();
    store.commit(some_ops()).await.unwrap();
    store.close().await;
    let intact = std::fs::read(&path).unwrap();
    for at in [0, 9, 40, 64, 128, 192, 4096, 8192, intact.len() / 2, intact.len() - 1] {
        let mut bytes = intact.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        // Either the damage is found, or it lies where nothing is read; never a panic.
        if let Ok((store, _)) = Store::open(dir.path(), 0) {
            store.close().await;
        }
    }
    std::fs::write(&path, &intact[..intact.len() / 2]).unwrap();
    assert!(Store::open(dir.path(), 0).is_err());
}

#[tokio::test]
async fn a_damaged_row_names_its_table() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), 0).unwrap();
    store.commit(vec![Op::Record { cid: cid(1), n: 3, record: vec![] }]).await.unwrap();
    store.close().await;
    assert!(matches!(Store::open(dir.path(), 0), Err(StoreError::Row { table: "journal", .. })));
}

#[test]
fn blobs_are_kept_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    for blobs in [Blobs::memory(), Blobs::open(dir.path().join("blobs")).unwrap()] {
        let cid = blobs.put(b"bytes").unwrap();
        assert_eq!(blobs.get(&cid).as_deref(), Some(&b"bytes"[..]));
        if let Blobs::Directory(dir) = &blobs {
            let name = cid.to_string();
            std::fs::write(dir.join(&name[name.len() - 2..]).join(&name), b"other").unwrap();
            assert_eq!(blobs.get(&cid), None);
        }
        blobs.remove(&cid);
        assert_eq!(blobs.get(&cid), None);
    }
}
