//! `watch`: building in the background whenever a source changes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use marine_runtime::Interface;

use super::views;
use crate::exit::Outcome;
use crate::project;
use crate::ui::{Ui, failure_text};
use crate::watch::Watcher;

/// How often the background looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(500);

/// Builds in the background until it is dropped.
pub(super) struct Rebuilder(Arc<Shared>);

struct Shared {
    /// There is something new that nobody took yet.
    rebuilt: AtomicBool,
    ended: AtomicBool,
    /// What the service that is in use offers.
    interfaces: Mutex<Vec<(String, Interface)>>,
    /// Where messages go that must not disturb the line being edited.
    printer: Mutex<Option<SyncSender<String>>>,
    ui: Ui,
}

impl Rebuilder {
    /// Watches the project of `manifest`, whose service offers `interfaces` now.
    pub(super) fn start(manifest: PathBuf, interfaces: Vec<(String, Interface)>, ui: Ui) -> Outcome<Self> {
        let dir = manifest.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        let made = project::made_files(&manifest);
        let mut watcher = Watcher::new(vec![dir], move |path| !made.iter().any(|made| made == path))?;
        let shared = Arc::new(Shared {
            rebuilt: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            interfaces: Mutex::new(interfaces),
            printer: Mutex::new(None),
            ui,
        });
        let worker = shared.clone();
        std::thread::spawn(move || {
            while !worker.ended.load(Ordering::Acquire) {
                match watcher.wait(Some(LOOK)) {
                    Ok(Some(_)) => worker.rebuild(&manifest),
                    Ok(None) => {}
                    Err(failure) => {
                        worker.say(failure_text(&failure));
                        return;
                    }
                }
            }
        });
        Ok(Self(shared))
    }

    /// Messages go to `printer` from now on, above the line being edited.
    pub(super) fn print_through(&self, printer: &SyncSender<String>) {
        *lock(&self.0.printer) = Some(printer.clone());
    }

    /// Whether something was built since this was asked last.
    pub(super) fn was_rebuilt(&self) -> bool {
        self.0.rebuilt.swap(false, Ordering::AcqRel)
    }

    /// The new service is in use and offers this.
    pub(super) fn taken(&self, interfaces: &[(String, Interface)]) {
        *lock(&self.0.interfaces) = interfaces.to_vec();
    }
}

impl Drop for Rebuilder {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

impl Shared {
    fn rebuild(&self, manifest: &Path) {
        match project::build_silently(manifest) {
            Ok(built) => {
                let interfaces = built.interfaces();
                self.say(format!("rebuilt: {}", views::changes(&lock(&self.interfaces), &interfaces)));
                self.rebuilt.store(true, Ordering::Release);
            }
            Err((said, failure)) => self.say(format!("{said}{}", failure_text(&failure))),
        }
    }

    fn say(&self, text: String) {
        match &*lock(&self.printer) {
            // The editor is gone if this fails, and with it whoever would read.
            Some(printer) => drop(printer.send(text)),
            None => self.ui.note(text),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is inside is replaced as a whole, so it is sound even if somebody panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
