//! A `tls_config`: what is set, its last error, and the ticket keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::{Fault, Outcome, Slot, set_homeless};
use super::settings::Settings;
use super::tickets::KeyRing;
use crate::boundary::{Handle, caught};
use crate::handles::Table;

static CONFIGS: Table<Config> = Table::new();

/// A `tls_config`. Contexts hold it too: C may free it at any time.
pub(super) struct Config {
    pub(super) error: Slot,
    pub(super) ring: KeyRing,
    settings: Mutex<Settings>,
    /// Counts changes, so that what was compiled of the settings is known to be out of date.
    changes: AtomicU64,
}

impl Config {
    /// The defaults, with a session id of its own.
    pub(super) fn new() -> Outcome<Self> {
        let mut session_id = vec![0; 32];
        getrandom::fill(&mut session_id)
            .map_err(|e| Fault::memory(format!("failed to generate session ID: {e}")))?;
        Ok(Self {
            error: Slot::default(),
            ring: KeyRing::default(),
            settings: Mutex::new(Settings { session_id, ..Settings::default() }),
            changes: AtomicU64::new(0),
        })
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}

/// `tls_config_new`.
pub(super) fn new() -> Handle {
    match Config::new() {
        Ok(config) => CONFIGS.insert(|_| config),
        Err(fault) => {
            set_homeless(fault);
            Handle::NULL
        }
    }
}

/// `tls_config_free`.
pub(super) fn free(handle: Handle) {
    CONFIGS.remove(handle);
}

/// The config of this handle.
pub(super) fn find(handle: Handle) -> Outcome<Arc<Config>> {
    CONFIGS.get(handle).ok_or_else(|| {
        let fault = Fault::argument("not a TLS configuration");
        set_homeless(fault.clone());
        fault
    })
}

/// Changes the settings; the status for C.
pub(super) fn change(
    handle: Handle,
    change: impl FnOnce(&mut Settings) -> Outcome<()>,
) -> std::ffi::c_int {
    on(handle, |config| {
        let result = change(&mut config.settings());
        config.changes.fetch_add(1, Ordering::Relaxed);
        result
    })
}

/// Does something with a config; the status for C.
pub(super) fn on(handle: Handle, body: impl FnOnce(&Config) -> Outcome<()>) -> std::ffi::c_int {
    let Ok(config) = find(handle) else { return -1 };
    let outcome = caught(|| body(&config));
    config.error.status(outcome.unwrap_or_else(|| Err(Fault::new("internal error"))))
}
