//! How a test says which services it wants.

use std::error::Error;

use marine_test::marine_test;

/// The service and its modules are one running copy.
#[marine_test(manifest = "probes.toml")]
fn a_function_gets_services_and_modules(
    probes: marine_test_env::probes::ServiceInterface,
    right: marine_test_env::right::ModuleInterface,
    mut another: marine_test_env::probes::ServiceInterface,
) {
    probes.write("/data/kept".to_owned(), "yes".to_owned()).unwrap();
    assert_eq!(right.read("/data/kept".to_owned()), Ok("yes".to_owned()));
    assert_eq!(probes.modules.right.read("/data/kept".to_owned()), Ok("yes".to_owned()));
    assert!(another.read("/data/kept".to_owned()).is_err(), "another copy has volumes of its own");
    another = probes;
    assert!(another.read("/data/kept".to_owned()).is_ok());
}

/// A module alone is that of a fresh copy; the long path means the same as the short one.
#[marine_test(manifest = "probes.toml")]
fn modules_alone(
    left: marine_test_env::left::ModuleInterface,
    right: marine_test_env::probes::modules::right::ModuleInterface,
) {
    left.write("/data/kept".to_owned(), "yes".to_owned()).unwrap();
    assert_eq!(right.read("/data/kept".to_owned()), Ok("yes".to_owned()));
}

/// What the predecessor's tests wrote; a path from the package works too, and tests may return errors.
#[marine_test(config_path = "tests/services/probes.toml")]
fn returns_a_result(probes: marine_test_env::probes::ServiceInterface) -> Result<(), Box<dyn Error>> {
    assert_eq!(probes.try_read("/shelf/note".to_owned())??, "hello");
    Ok(())
}

#[marine_test(manifest = "probes.toml")]
#[should_panic(expected = "the tea is cold")]
fn attributes_stay(probes: marine_test_env::probes::ServiceInterface) {
    probes.fail("the tea is cold".to_owned());
}

#[marine_test(first(manifest = "probes.toml"), second(manifest = "types.toml"))]
fn several_by_name(
    first: marine_test_env::first::ServiceInterface,
    second: marine_test_env::second::ServiceInterface,
    echo: marine_test_env::echo::ModuleInterface,
) {
    assert_eq!(first.list("/shelf".to_owned()), Ok(vec!["note".to_owned()]));
    assert_eq!(second.echo_u8(7), echo.echo_u8(7));
}

#[marine_test(probes(manifest = "probes.toml"), every_type(manifest = "types.toml"))]
mod on_a_module {
    use super::*;

    #[test]
    fn ordinary_tests_start_services() {
        let probes = marine_test_env::probes::ServiceInterface::new();
        let other = marine_test_env::probes::ServiceInterface::new();
        probes.write("/data/kept".to_owned(), "yes".to_owned()).unwrap();
        assert!(other.read("/data/kept".to_owned()).is_err());
        assert_eq!(marine_test_env::every_type::ServiceInterface::new().echo_u8(1), 1);
    }

    #[test]
    fn and_may_have_parameters(left: marine_test_env::left::ModuleInterface) -> Result<(), Box<dyn Error>> {
        assert_eq!(left.read("/shelf/note".to_owned())?, "hello");
        Ok(())
    }
}
