//! What a backend is asked for.

use std::sync::Arc;

use polytls::danger::Skip;
use polytls::{
    Backend, Capability, Checks, Client, ClientAuth, ClientConfig, EndOfStream, Identity, Result,
    Resumption, Roots, Server, ServerConfig, ServerConfigBuilder, Staple, StaplePolicy, TicketKeys,
    Tickets,
};

use super::{Asks, Config, Manner, Pair, Settings};
use crate::reply;

impl Config {
    /// The client of this configuration; the same one until something is set.
    pub(crate) fn client(
        &self,
        manner: Manner,
        backend: &dyn Backend,
    ) -> std::result::Result<Client, String> {
        let mut compiled = self.compiled.borrow_mut();
        compiled.fit(backend);
        if let Some((_, client)) = compiled.clients.iter().find(|(with, _)| *with == manner) {
            return Ok(client.clone());
        }
        let config = self.settings.client(manner, backend)?;
        let client = Client::new(&config, backend).map_err(|e| reply::told(&e))?;
        compiled.clients.push((manner, client.clone()));
        Ok(client)
    }

    /// The server of this configuration; the same one until something is set.
    pub(crate) fn server(
        &self,
        manner: Manner,
        backend: &dyn Backend,
    ) -> std::result::Result<Server, String> {
        let mut compiled = self.compiled.borrow_mut();
        compiled.fit(backend);
        if let Some((with, server)) = &compiled.server {
            if *with == manner {
                return Ok(server.clone());
            }
        }
        let config = self.settings.server(manner, backend)?;
        let server = Server::new(&config, backend).map_err(|e| reply::told(&e))?;
        compiled.server = Some((manner, server.clone()));
        Ok(server)
    }

    /// Whether a client has to be told the server's name.
    pub(crate) fn verifies_name(&self) -> bool {
        !self.settings.skip.skips_name()
    }

    /// Whether a staple is looked at: not where the chain or the time is not, as in libtls.
    pub(crate) fn verifies_staples(&self) -> bool {
        self.settings.verifies_staples()
    }

    /// Whom peers are verified against.
    pub(crate) fn roots(&self) -> Roots {
        self.settings.roots()
    }
}

impl super::Compiled {
    /// Forgets what was made for another backend.
    fn fit(&mut self, backend: &dyn Backend) {
        if self.backend != backend.name() {
            *self = Self { backend: backend.name(), ..Self::default() };
        }
    }
}

impl Settings {
    fn client(
        &self,
        manner: Manner,
        backend: &dyn Backend,
    ) -> std::result::Result<ClientConfig, String> {
        let can = |what| backend.capabilities().contains(what);
        let staple = match self.needs_staple {
            true => StaplePolicy::Require,
            // As libtls, which always asks; where the library cannot, there is no staple to tell of.
            false if can(Capability::RequestStaple) => StaplePolicy::Request,
            false => StaplePolicy::Off,
        };
        let resumption = match &self.session_file {
            // What was settled with one server must not be told to another.
            _ if manner.is_nameless => Resumption::Off,
            Some(file) => Resumption::Store(file.clone()),
            None => Resumption::Auto,
        };
        let mut builder = ClientConfig::builder()
            .alpn(&self.alpn)
            .checks(self.checks(self.common_names(backend)))
            .cipher_suites(self.cipher_suites.iter().copied())
            .danger(self.skip)
            .end_of_stream(end_of_stream(manner))
            .groups(self.groups.iter().copied())
            .resumption(resumption)
            .roots(self.roots())
            .send_server_name(!manner.is_nameless)
            .staple(staple)
            .versions(self.versions);
        if self.own.cert.is_some() || self.own.key.is_some() {
            builder = builder.identity(self.own.identity()?);
        }
        builder.build().map_err(|e| reply::told(&e))
    }

    fn server(
        &self,
        manner: Manner,
        backend: &dyn Backend,
    ) -> std::result::Result<ServerConfig, String> {
        let mut builder = ServerConfig::builder(self.own.identity()?);
        for pair in &self.more {
            builder = builder.add_identity(pair.identity()?);
        }
        builder = match self.client_auth {
            Asks::Nobody => builder,
            Asks::Optionally => builder.client_auth(ClientAuth::Request(self.roots())),
            Asks::Everybody => builder.client_auth(ClientAuth::Require(self.roots())),
        };
        if !matches!(self.client_auth, Asks::Nobody) {
            builder = builder.checks(self.checks(false));
        }
        builder = builder
            .alpn(&self.alpn)
            .cipher_suites(self.cipher_suites.iter().copied())
            .dh_params(self.dh_params)
            .end_of_stream(end_of_stream(manner))
            .groups(self.groups.iter().copied())
            .session_id_context(&self.session_id[..])
            .suite_order(self.suite_order)
            .versions(self.versions);
        self.with_tickets(builder, backend)
            .and_then(ServerConfigBuilder::build)
            .map_err(|e| reply::told(&e))
    }

    /// No lifetime means no tickets, as in libtls.
    fn with_tickets(
        &self,
        builder: ServerConfigBuilder,
        backend: &dyn Backend,
    ) -> Result<ServerConfigBuilder> {
        let lifetime = std::time::Duration::from_secs(self.session_lifetime);
        Ok(match (self.session_lifetime, &self.ticket_keys[..]) {
            (0, _) if backend.capabilities().contains(Capability::TicketsOff) => {
                builder.tickets(Tickets::Off)
            }
            // Its library cannot be kept from giving some.
            (0, _) => builder,
            (_, []) => builder.tickets(Tickets::Keys(TicketKeys::automatic(lifetime)?)),
            (_, given) => {
                let keys = TicketKeys::given(lifetime)?;
                for (revision, key) in given {
                    keys.add(*revision, **key)?;
                }
                builder.tickets(Tickets::Keys(keys))
            }
        })
    }

    fn checks(&self, common_names: bool) -> Checks {
        let mut checks = Checks::new().depth(self.depth);
        if common_names {
            checks = checks.accept_common_name();
        }
        match &self.revocation {
            Some(lists) => checks.revocation(lists.clone()),
            None => checks,
        }
    }

    /// As libtls. Where the backend cannot, such certificates are refused.
    fn common_names(&self, backend: &dyn Backend) -> bool {
        backend.capabilities().contains(Capability::CommonNames) && !self.skip.skips_name()
    }

    fn roots(&self) -> Roots {
        self.ca.as_ref().or(self.ca_path.as_ref()).cloned().unwrap_or_else(Roots::system)
    }

    fn verifies_staples(&self) -> bool {
        !self.skip.skips_chain() && !self.skip.skips_time()
    }
}

impl Pair {
    fn identity(&self) -> std::result::Result<Identity, String> {
        let cert = self.cert.as_ref().ok_or("no certificate is set for the private key")?;
        let key = self.key.as_ref().ok_or("no private key is set for the certificate")?;
        let identity = Identity::from_pem(cert, key).map_err(|e| reply::told(&e))?;
        Ok(match &self.staple {
            Some(staple) => identity.with_staple(Staple::new(Arc::<[u8]>::from(&staple[..]))),
            None => identity,
        })
    }
}

/// Everything is verified.
pub(super) const NOTHING: Skip = Skip::nothing();

fn end_of_stream(manner: Manner) -> EndOfStream {
    match manner.tolerates_cuts {
        true => EndOfStream::TolerateTruncation,
        false => EndOfStream::RequireCloseNotify,
    }
}
