//! Calls: errors as values, call parameters, logs.

use marine_test::{CallError, CallParameters, ParticleParameters, SecurityTetraplet, marine_test};

#[marine_test(manifest = "probes.toml")]
fn errors_are_values(probes: marine_test_env::probes::ServiceInterface) {
    // What the function itself returns as its error is its result, not a failed call.
    assert!(probes.try_read("/nowhere".to_owned()).unwrap().is_err());

    let error = probes.try_fail("the tea is cold".to_owned()).unwrap_err();
    let CallError::Trap(trap) = &error else { panic!("{error}") };
    assert_eq!((error.code(), trap.module.as_str(), trap.function.as_str()), ("M506", "left", "fail"));
    assert!(trap.panic.as_ref().unwrap().contains("the tea is cold"), "{trap}");

    assert_eq!(probes.try_hoard(1 << 20), Ok(1 << 20), "the next call is served");
}

#[marine_test(manifest = "types.toml")]
fn call_parameters_arrive(context: marine_test_env::context::ModuleInterface) {
    use marine_test_env::every_type::modules::context::{CallParameters as Seen, SecurityTetraplet as SeenTetraplet};
    let tetraplet = SecurityTetraplet { peer_pk: "peer-1".to_owned(), lens: ".$.a".to_owned(), ..Default::default() };
    let params = CallParameters {
        particle: ParticleParameters { id: "particle-1".to_owned(), ttl: 7, ..Default::default() },
        tetraplets: vec![vec![tetraplet]],
        ..CallParameters::default()
    };
    let Seen { particle, service_id, tetraplets, .. } = context.caller_cp(params.clone());
    assert_eq!((particle.id.as_str(), particle.ttl), ("particle-1", 7));
    assert_eq!(service_id, "every-type-under-test");
    let expected = SeenTetraplet { peer_pk: "peer-1".to_owned(), lens: ".$.a".to_owned(), ..Default::default() };
    assert_eq!(tetraplets, [[expected.clone()]]);
    assert_eq!(context.try_origin_cp("x".to_owned(), params), Ok(vec![expected]));
    assert_eq!(context.origin("x".to_owned()), []);
}

#[marine_test(manifest = "types.toml")]
fn logs_are_kept(every_type: marine_test_env::every_type::ServiceInterface) {
    every_type.modules.context.speak("tea".to_owned());
    let logs = every_type.logs();
    let messages: Vec<_> = logs.iter().map(|record| (&*record.module, &*record.target, &*record.message)).collect();
    assert!(messages.contains(&("context", "tea", "number 1")), "{messages:?}");
}
