//! The functions of `fio_tls.h`.

use std::cell::RefCell;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use polytls::{Error, ErrorKind};

use super::connection::begin;
use super::facil::{OnCleanup, OnSelected, fio_close};
use super::settings::{Protocol, Settings};
use crate::boundary::{Argument, Handle, OutText, Returned, Text};
use crate::handles::Table;

/// A number of things.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Count(usize);

impl Returned for Count {
    const FAILURE: Self = Self(0);
}

exports! {
    fn fio_tls_new(name: Text, cert: Text, key: Text, password: Text) -> Handle {
        new(name, cert, key, password)
    }

    fn fio_tls_new_key_first(name: Text, key: Text, cert: Text) -> Handle {
        new(name, cert, key, Text::NULL)
    }

    fn fio_tls_cert_add(tls: Handle, name: Text, cert: Text, key: Text, password: Text) {
        add(tls, name, cert, key, password);
    }

    fn fio_tls_cert_add_key_first(tls: Handle, name: Text, key: Text, cert: Text) {
        add(tls, name, cert, key, Text::NULL);
    }

    fn fio_tls_alpn_add(
        tls: Handle,
        name: Text,
        on_selected: Option<extern "C" fn(isize, Argument, Argument)>,
        udata: Argument,
        on_cleanup: Option<OnCleanup>,
    ) {
        add_protocol(tls, name, on_selected.map(OnSelected::Released), udata, on_cleanup);
    }

    fn fio_tls_proto_add(
        tls: Handle,
        name: Text,
        callback: Option<extern "C" fn(isize, Argument)>,
    ) {
        add_protocol(tls, name, callback.map(OnSelected::Early), Argument::NULL, None);
    }

    fn fio_tls_alpn_count(tls: Handle) -> Count {
        Count(find(tls).map_or(0, |settings| settings.protocols()))
    }

    fn fio_tls_trust(tls: Handle, file: Text) {
        if let (Some(settings), Some(file)) = (find(tls), file.get()) {
            settings.trust(path(file));
        }
    }

    fn fio_tls_accept(uuid: isize, tls: Handle, udata: Argument) {
        match find(tls) {
            Some(settings) => begin(uuid, &settings, true, udata),
            // Never in clear.
            None => fio_close(uuid),
        }
    }

    fn fio_tls_connect(uuid: isize, tls: Handle, udata: Argument) {
        match find(tls) {
            Some(settings) => begin(uuid, &settings, false, udata),
            None => fio_close(uuid),
        }
    }

    fn fio_tls_dup(tls: Handle) {
        if let Some(object) = OBJECTS.get(tls) {
            object.references.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn fio_tls_destroy(tls: Handle) {
        if let Some(object) = OBJECTS.get(tls) {
            if object.references.fetch_sub(1, Ordering::SeqCst) == 1 {
                OBJECTS.remove(tls);
            }
        }
    }

    fn fio_tls_error(tls: Handle) -> OutText {
        thread_local! {
            static LAST: RefCell<CString> = RefCell::default();
        }
        let Some(error) = find(tls).and_then(|settings| settings.error()) else {
            return OutText::of(None);
        };
        let text = CString::new(error.replace('\0', "\u{fffd}")).unwrap_or_default();
        LAST.with(|last| {
            let mut last = last.borrow_mut();
            *last = text;
            OutText::of(Some(&last))
        })
    }
}

/// What a handle stands for. Connections keep the settings after it is gone.
struct Object {
    settings: Arc<Settings>,
    references: AtomicUsize,
}

static OBJECTS: Table<Object> = Table::new();

fn find(tls: Handle) -> Option<Arc<Settings>> {
    OBJECTS.get(tls).map(|object| object.settings.clone())
}

/// Never NULL: what facil.io is given in place of settings it takes for a wish to speak in clear.
fn new(name: Text, cert: Text, key: Text, password: Text) -> Handle {
    let (settings, references) = (Arc::default(), AtomicUsize::new(1));
    let handle = OBJECTS.insert(|_| Object { settings, references });
    add(handle, name, cert, key, password);
    handle
}

fn add(tls: Handle, name: Text, cert: Text, key: Text, password: Text) {
    let Some(settings) = find(tls) else { return };
    let (name, password) = match (text(&name), text(&password)) {
        (Ok(name), Ok(password)) => (name, password),
        (Err(fault), _) | (_, Err(fault)) => return settings.refuse(fault),
    };
    let files = cert.get().zip(key.get()).map(|(cert, key)| (path(cert), path(key)));
    if files.is_none() && (cert.get().is_some() || key.get().is_some()) {
        let why = "a certificate without its key, or a key without its certificate";
        return settings.refuse(Error::new(ErrorKind::Config).because(why));
    }
    settings.add_certificate(name, files, password);
}

fn add_protocol(
    tls: Handle,
    name: Text,
    on_selected: Option<OnSelected>,
    udata: Argument,
    on_cleanup: Option<OnCleanup>,
) {
    if let (Some(settings), Some(name)) = (find(tls), name.get()) {
        settings.add_protocol(Protocol::new(name.to_vec(), on_selected, udata, on_cleanup));
    }
}

fn text(text: &Text) -> Result<Option<&str>, Error> {
    text.get()
        .map(std::str::from_utf8)
        .transpose()
        .map_err(|e| Error::new(ErrorKind::Config).because("not UTF-8").with_source(e))
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
