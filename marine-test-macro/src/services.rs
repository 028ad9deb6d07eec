//! The services of one attribute, built. What one compiler process built already is taken again while its sources are the same: a test
//! crate has one attribute per test.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use marine_test_build::{TestRequest, TestService, service_ident};
use proc_macro2::{Span, TokenStream};
use syn::Error;

use crate::arguments::{Settings, Wanted};

/// A service under the name that tests call it by.
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) service: Arc<TestService>,
    real_dirs: bool,
}

/// Builds what is `wanted`.
pub(crate) fn build(wanted: &[Wanted]) -> Result<Vec<Bound>, Error> {
    wanted.iter().map(bind).collect()
}

/// The module `marine_test_env` for `services`.
pub(crate) fn bindings(services: &[Bound]) -> Result<TokenStream, Error> {
    let listed: Vec<_> = services.iter().map(|bound| (bound.name.clone(), bound.real_dirs, &*bound.service)).collect();
    marine_test_build::bindings(&listed).map_err(|error| Error::new(Span::call_site(), error))
}

fn bind(wanted: &Wanted) -> Result<Bound, Error> {
    let span = match (&wanted.settings.manifest, &wanted.name) {
        (Some(text), _) => text.span(),
        (None, Some(name)) => name.span(),
        (None, None) => Span::call_site(),
    };
    let failed = |error: marine_test_build::TestBuildError| Error::new(span, error);
    let request = request(&wanted.settings).map_err(failed)?;
    let service = built(&request).map_err(failed)?;
    let name = wanted.name.as_ref().map_or_else(|| service_ident(&service.name), ToString::to_string);
    Ok(Bound { name, service, real_dirs: wanted.settings.real_dirs })
}

/// Finds the manifest: relative to the source file, else to the package.
fn request(settings: &Settings) -> Result<TestRequest, marine_test_build::TestBuildError> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let beside = source_dir().unwrap_or_else(|| package.clone());
    let Some(text) = &settings.manifest else {
        return TestRequest::nearest(&beside).or_else(|error| TestRequest::nearest(&package).map_err(|_| error));
    };
    let path = text.value();
    TestRequest::of(&beside.join(&path)).or_else(|error| TestRequest::of(&package.join(&path)).map_err(|_| error))
}

/// The directory of the file in which the attribute stands; unknown in some editors.
fn source_dir() -> Option<PathBuf> {
    // Outside of a macro's expansion, in unit tests for example, there is no such file.
    let file = proc_macro::is_available().then(|| proc_macro::Span::call_site().local_file()).flatten()?;
    Some(env::current_dir().ok()?.join(file.parent()?))
}

/// How a file looked when it was read.
type Look = (PathBuf, Option<(u64, SystemTime)>);

fn built(request: &TestRequest) -> Result<Arc<TestService>, marine_test_build::TestBuildError> {
    type Known = Mutex<HashMap<TestRequest, (Arc<TestService>, Vec<Look>)>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Known::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((service, looks)) = known.get(request)
        && looks.iter().all(|(path, before)| look(path) == *before)
    {
        return Ok(service.clone());
    }
    let service = Arc::new(TestService::build(request, &mut announce)?);
    let looks = service.inputs.iter().map(|path| (path.clone(), look(path))).collect();
    known.insert(request.clone(), (service.clone(), looks));
    Ok(service)
}

fn look(path: &Path) -> Option<(u64, SystemTime)> {
    let about = fs::metadata(path).ok()?;
    Some((about.len(), about.modified().ok()?))
}

#[expect(clippy::print_stderr, reason = "the only way to tell the user what is about to be installed, through cargo")]
fn announce(step: &str) {
    eprintln!("marine-test: {step}");
}
