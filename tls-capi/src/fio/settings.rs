//! What a `fio_tls_s` stands for.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polytls::{
    AlpnMismatch, AlpnPreference, Checks, Client, ClientAuth, ClientConfig, Error, ErrorKind,
    Identity, Result, RevocationLists, Roots, Server, ServerConfig, ServerName, danger,
};

use super::facil::{OnCleanup, OnSelected};
use crate::boundary::Argument;
use crate::library;

/// What a program has set so far. What cannot be used is remembered, and then no connection is made: a
/// program that was never told would go on without a certificate, or without verification.
#[derive(Default)]
pub(super) struct Settings(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    identities: Vec<Given>,
    protocols: Vec<Arc<Protocol>>,
    roots: Option<Roots>,
    revocation: Option<RevocationLists>,
    /// What could not be used.
    fault: Option<Error>,
    /// Why the last connection failed that did.
    failure: Option<String>,
    server: Option<Server>,
    client: Option<Client>,
}

/// A certificate, or the name to make one for.
enum Given {
    Identity(Option<String>, Identity),
    Name(String),
}

/// An application protocol, and who wants to know of it.
pub(super) struct Protocol {
    name: Vec<u8>,
    on_selected: Option<OnSelected>,
    udata: Argument,
    on_cleanup: Option<OnCleanup>,
}

impl Protocol {
    pub(super) fn new(
        name: Vec<u8>,
        on_selected: Option<OnSelected>,
        udata: Argument,
        on_cleanup: Option<OnCleanup>,
    ) -> Self {
        Self { name, on_selected, udata, on_cleanup }
    }

    /// Tells the program that this one is spoken on the socket, or that none will be (-1).
    pub(super) fn selected(&self, uuid: isize, udata: Argument) {
        match self.on_selected {
            Some(OnSelected::Released(call)) => call(uuid, udata, self.udata),
            Some(OnSelected::Early(call)) => call(uuid, udata),
            None => {}
        }
    }
}

impl Drop for Protocol {
    fn drop(&mut self) {
        if let Some(call) = self.on_cleanup {
            call(self.udata);
        }
    }
}

impl Settings {
    /// Adds a certificate for a name: of files, or one made on the spot where there are none.
    pub(super) fn add_certificate(
        &self,
        name: Option<&str>,
        files: Option<(&Path, &Path)>,
        password: Option<&str>,
    ) {
        self.change(|inner| {
            let given = match (files, name) {
                (Some((chain, key)), _) => {
                    let identity = match password {
                        Some(password) => Identity::from_pem_files_encrypted(chain, key, password)?,
                        None => Identity::from_pem_files(chain, key)?,
                    };
                    Given::Identity(name.map(str::to_owned), identity)
                }
                (None, Some(name)) => Given::Name(name.to_owned()),
                (None, None) => return Ok(None),
            };
            inner.identities.push(given);
            Ok(None)
        });
    }

    /// Adds a protocol, or puts it in the place of the one with its name.
    pub(super) fn add_protocol(&self, protocol: Protocol) {
        if !(1..=255).contains(&protocol.name.len()) {
            let why = "the name of an ALPN protocol has 1 to 255 bytes";
            return self.refuse(Error::new(ErrorKind::Config).because(why));
        }
        self.change(|inner| {
            let protocol = Arc::new(protocol);
            match inner.protocols.iter_mut().find(|known| known.name == protocol.name) {
                Some(known) => Ok(Some(std::mem::replace(known, protocol))),
                None => {
                    inner.protocols.push(protocol);
                    Ok(None)
                }
            }
        });
    }

    /// Trusts the certificates in a file, and nobody else; lists of revoked ones may be in there too.
    pub(super) fn trust(&self, file: &Path) {
        self.change(|inner| {
            let roots = inner.roots.take().unwrap_or_else(Roots::empty);
            // Kept in any case: what cannot be read does not make everybody trusted.
            inner.roots = Some(roots.clone());
            inner.roots = Some(roots.with_pem_file(file)?);
            let text = std::fs::read(file).unwrap_or_default();
            if text.windows(CRL.len()).any(|window| window == CRL) {
                let lists = inner.revocation.take().unwrap_or_default();
                inner.revocation = Some(lists.with_pem(&text)?);
            }
            Ok(None)
        });
    }

    /// Remembers what could not be used.
    pub(super) fn refuse(&self, fault: Error) {
        self.change(|_| Err(fault));
    }

    /// Makes a change, after which everything is compiled anew. What it replaces is dropped when nobody else
    /// has to wait: that calls the program.
    fn change(&self, change: impl FnOnce(&mut Inner) -> Result<Option<Arc<Protocol>>>) {
        let mut inner = self.lock();
        (inner.server, inner.client) = (None, None);
        let replaced = match change(&mut inner) {
            Ok(replaced) => replaced,
            Err(fault) => {
                inner.fault.get_or_insert(fault);
                None
            }
        };
        drop(inner);
        drop(replaced);
    }

    pub(super) fn protocols(&self) -> usize {
        self.lock().protocols.len()
    }

    /// The protocol called `name`, or the first one.
    pub(super) fn protocol(&self, name: Option<&[u8]>) -> Option<Arc<Protocol>> {
        let inner = self.lock();
        let named = name.and_then(|name| inner.protocols.iter().find(|known| known.name == name));
        named.or_else(|| inner.protocols.first()).cloned()
    }

    /// Remembers why a connection failed.
    pub(super) fn failed(&self, why: String) {
        self.lock().failure = Some(why);
    }

    /// What is wrong with the settings, or why a connection failed.
    pub(super) fn error(&self) -> Option<String> {
        let inner = self.lock();
        inner.fault.as_ref().map(ToString::to_string).or_else(|| inner.failure.clone())
    }

    pub(super) fn server(&self) -> Result<Server> {
        let mut inner = self.lock();
        inner.check()?;
        if let Some(server) = &inner.server {
            return Ok(server.clone());
        }
        let mut identities = Vec::new();
        for given in &mut inner.identities {
            if let Given::Name(name) = given {
                // Once, for all connections and whatever is changed later.
                let made = Identity::self_signed([name.as_str()])?;
                *given = Given::Identity(Some(std::mem::take(name)), made);
            }
            if let Given::Identity(_, identity) = given {
                identities.push(identity.clone());
            }
        }
        let mut identities = identities.into_iter();
        let first = identities.next().ok_or_else(|| {
            Error::new(ErrorKind::Config).because("a server needs a certificate, or a name")
        })?;
        let config = identities
            .fold(ServerConfig::builder(first), |so_far, identity| so_far.add_identity(identity));
        let client_auth = inner.roots.clone().map_or(ClientAuth::None, ClientAuth::Require);
        let config = config
            .alpn(inner.protocols.iter().map(|protocol| &protocol.name))
            .alpn_preference(AlpnPreference::Client)
            .alpn_mismatch(AlpnMismatch::AssumeFirst)
            .checks(inner.checks())
            .client_auth(client_auth);
        let server = Server::new(&config.build()?, library::backend()?)?;
        Ok(inner.server.insert(server).clone())
    }

    /// The client, and the name of the server it is for, if that was told.
    pub(super) fn client(&self) -> Result<(Client, Option<ServerName>)> {
        let mut inner = self.lock();
        inner.check()?;
        let name = inner.identities.iter().find_map(|given| match given {
            Given::Identity(name, _) => name.clone(),
            Given::Name(name) => Some(name.clone()),
        });
        let name = name.map(|name| ServerName::parse(&name)).transpose()?;
        if let Some(client) = &inner.client {
            return Ok((client.clone(), name));
        }
        // As facil.io's manual has it: what is not trusted explicitly is not verified at all.
        let skip = match (&inner.roots, &name) {
            (None, _) => danger::Skip::everything(),
            (Some(_), None) => danger::Skip::nothing().name(),
            (Some(_), Some(_)) => danger::Skip::nothing(),
        };
        let mut config = ClientConfig::builder()
            .alpn(inner.protocols.iter().map(|protocol| &protocol.name))
            .checks(if inner.roots.is_some() { inner.checks() } else { Checks::new() })
            .danger(skip)
            .roots(inner.roots.clone().unwrap_or_else(Roots::empty));
        let own = inner.identities.iter().find_map(|given| match given {
            Given::Identity(_, identity) => Some(identity.clone()),
            Given::Name(_) => None,
        });
        if let Some(own) = own {
            config = config.identity(own);
        }
        let client = Client::new(&config.build()?, library::backend()?)?;
        Ok((inner.client.insert(client).clone(), name))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn check(&self) -> Result<()> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    fn checks(&self) -> Checks {
        match &self.revocation {
            Some(lists) => Checks::new().revocation(lists.clone()),
            None => Checks::new(),
        }
    }
}

/// How a list of revoked certificates begins.
const CRL: &[u8] = b"-----BEGIN X509 CRL-----";
