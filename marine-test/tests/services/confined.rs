//! What a service under test may touch, and what of it is real.

use std::fs;
use std::path::Path;

use marine_test::marine_test;

#[marine_test(manifest = "probes.toml")]
fn writable_directories_are_copies(
    probes: marine_test_env::probes::ServiceInterface,
    other: marine_test_env::probes::ServiceInterface,
) {
    assert_eq!(probes.read("/shelf/note".to_owned()), Ok("hello".to_owned()));
    probes.write("/shelf/new".to_owned(), "1".to_owned()).unwrap();
    assert_eq!(probes.modules.right.read("/look/new".to_owned()), Ok("1".to_owned()), "modules share the copy");
    assert!(probes.modules.right.write("/look/new".to_owned(), "2".to_owned()).is_err(), "read-only stays so");
    assert_eq!(other.list("/shelf".to_owned()), Ok(vec!["note".to_owned()]));
    let shelf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/shelf");
    assert_eq!(fs::read_dir(shelf).unwrap().count(), 1, "the real directory is as it was");
}

#[marine_test(manifest = "probes.toml")]
fn variables_and_directories_are_those_of_the_manifest(probes: marine_test_env::probes::ServiceInterface) {
    let variables = probes.variables();
    assert!(variables.contains(&("ROLE".to_owned(), "writer".to_owned())), "{variables:?}");
    assert!(!probes.modules.right.variables().iter().any(|(name, _)| name == "ROLE"));
    assert!(probes.modules.right.list("/shelf".to_owned()).is_err());
}
