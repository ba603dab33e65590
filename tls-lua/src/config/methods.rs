//! The methods of `libtls.config`.

use mlua::{MetaMethod, String as LuaString, UserData, UserDataMethods, Variadic};
use polytls::{RevocationLists, Roots, SuiteOrder, keywords};
use zeroize::Zeroizing;

use super::compile::NOTHING;
use super::files::{read, session_file};
use super::{Asks, Config, MAX_DEPTH, Pair, Settings, versions};
use crate::constants::{MAX_SESSION_ID, TICKET_KEY};
use crate::reply;

type Told = Result<(), String>;

impl Config {
    /// Sets something; what was compiled before is none of it.
    fn set(&mut self, set: impl FnOnce(&mut Settings) -> Told) -> Told {
        self.compiled.take();
        set(&mut self.settings)
    }
}

impl UserData for Config {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        add_identities(methods);
        add_parameters(methods);
        add_sessions(methods);
        add_trust(methods);
        methods.add_meta_method(MetaMethod::ToString, |_, this, (): ()| {
            Ok(format!("libtls.config: {this:p}"))
        });
    }
}

fn add_trust<M: UserDataMethods<Config>>(methods: &mut M) {
    setter(methods, "set_ca_file", |set, file: String| {
        set.ca = Some(roots(&read("CA", &file)?)?);
        Ok(())
    });
    setter(methods, "set_ca_path", |set, path: String| {
        let roots = Roots::empty().with_pem_dir(path).map_err(|e| reply::told(&e))?;
        set.ca_path = Some(roots);
        Ok(())
    });
    setter(methods, "set_ca", |set, text: LuaString| {
        set.ca = Some(roots(&text.as_bytes())?);
        Ok(())
    });
    setter(methods, "set_crl_file", |set, file: String| {
        set.revocation = Some(lists(&read("CRL", &file)?)?);
        Ok(())
    });
    setter(methods, "set_crl", |set, text: LuaString| {
        set.revocation = Some(lists(&text.as_bytes())?);
        Ok(())
    });
    setter(methods, "set_verify_depth", |set, depth: i64| match usize::try_from(depth) {
        Ok(depth) if depth <= MAX_DEPTH => {
            set.depth = depth;
            Ok(())
        }
        _ => Err(format!("a chain may have 0 to {MAX_DEPTH} intermediate certificates")),
    });
    switch(methods, "insecure_noverifycert", |set| set.skip = set.skip.chain());
    switch(methods, "insecure_noverifyname", |set| set.skip = set.skip.name());
    switch(methods, "insecure_noverifytime", |set| set.skip = set.skip.time());
    switch(methods, "verify", |set| set.skip = NOTHING);
    switch(methods, "verify_client", |set| set.client_auth = Asks::Everybody);
    switch(methods, "verify_client_optional", |set| set.client_auth = Asks::Optionally);
    switch(methods, "ocsp_require_stapling", |set| set.needs_staple = true);
}

fn add_identities<M: UserDataMethods<Config>>(methods: &mut M) {
    setter(methods, "set_cert_file", |set, file: String| {
        set.own.cert = Some(read("certificate", &file)?.to_vec());
        Ok(())
    });
    setter(methods, "set_cert", |set, text: LuaString| {
        set.own.cert = Some(text.as_bytes().to_vec());
        Ok(())
    });
    setter(methods, "set_key_file", |set, file: String| {
        set.own.key = Some(read("key", &file)?);
        Ok(())
    });
    setter(methods, "set_key", |set, text: LuaString| {
        set.own.key = Some(Zeroizing::new(text.as_bytes().to_vec()));
        Ok(())
    });
    setter(methods, "set_ocsp_staple_file", |set, file: String| {
        set.own.staple = Some(read("ocsp", &file)?.to_vec());
        Ok(())
    });
    setter(methods, "set_ocsp_staple", |set, der: LuaString| {
        set.own.staple = Some(der.as_bytes().to_vec());
        Ok(())
    });
    setter(methods, "set_keypair_file", |set, files: (String, String, Option<String>)| {
        set.own = Pair::read(files)?;
        Ok(())
    });
    setter(methods, "set_keypair", |set, texts: Texts| {
        set.own = Pair::take(texts);
        Ok(())
    });
    setter(methods, "add_keypair_file", |set, files: (String, String, Option<String>)| {
        set.more.push(Pair::read(files)?);
        Ok(())
    });
    setter(methods, "add_keypair", |set, texts: Texts| {
        set.more.push(Pair::take(texts));
        Ok(())
    });
    // Contexts that were made before go on: they have what their library has made of the key.
    methods.add_method_mut("clear_keys", |_, this, (): ()| {
        this.compiled.take();
        let Settings { own, more, ticket_keys, .. } = &mut this.settings;
        own.key = None;
        more.iter_mut().for_each(|pair| pair.key = None);
        ticket_keys.clear();
        Ok(())
    });
}

fn add_parameters<M: UserDataMethods<Config>>(methods: &mut M) {
    setter(methods, "set_alpn", |set, names: String| {
        set.alpn = Vec::new();
        let names: Vec<String> = names.split(',').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err("alpn protocol with zero length".into());
        }
        if names.iter().any(|name| name.len() > 255) {
            return Err("alpn protocol too long".into());
        }
        if names.iter().map(|name| name.len() + 1).sum::<usize>() > 65_535 {
            return Err("alpn too large".into());
        }
        set.alpn = names;
        Ok(())
    });
    setter(methods, "set_ciphers", |set, text: String| {
        let suites = keywords::ciphers(&text);
        set.cipher_suites =
            suites.map_err(|e| format!("no ciphers for '{text}': {}", reply::told(&e)))?;
        Ok(())
    });
    setter(methods, "set_dheparams", |set, text: String| {
        let params = keywords::dh_params(&text);
        set.dh_params = params.map_err(|_| format!("invalid dhe param '{text}'"))?;
        Ok(())
    });
    setter(methods, "set_ecdhecurve", |set, text: String| {
        set.groups = keywords::curve(&text).map_err(|_| format!("invalid ecdhe curve '{text}'"))?;
        Ok(())
    });
    setter(methods, "set_ecdhecurves", |set, text: String| {
        set.groups =
            keywords::curves(&text).map_err(|_| format!("invalid ecdhe curve '{text}'"))?;
        Ok(())
    });
    setter(methods, "set_protocols", |set, bits: Variadic<u32>| {
        // Without any they are the default, as in lua-libtls.
        if !bits.is_empty() {
            set.versions = versions(bits.iter().fold(0, |all, one| all | one))?;
        }
        Ok(())
    });
    switch(methods, "prefer_ciphers_client", |set| set.suite_order = SuiteOrder::Client);
    switch(methods, "prefer_ciphers_server", |set| set.suite_order = SuiteOrder::Server);
}

fn add_sessions<M: UserDataMethods<Config>>(methods: &mut M) {
    setter(methods, "set_session_fd", |set, fd: i32| {
        set.session_file = match fd {
            -1 => None,
            fd => Some(session_file(fd)?),
        };
        Ok(())
    });
    setter(methods, "set_session_id", |set, id: LuaString| {
        if id.as_bytes().len() > MAX_SESSION_ID {
            return Err("session ID too large".into());
        }
        set.session_id = id.as_bytes().to_vec();
        Ok(())
    });
    setter(methods, "set_session_lifetime", |set, seconds: i64| {
        match seconds {
            0 | 4..=86_400 => set.session_lifetime = seconds.unsigned_abs(),
            ..4 => return Err("session lifetime too small".into()),
            _ => return Err("session lifetime too large".into()),
        }
        Ok(())
    });
    setter(methods, "add_ticket_key", |set, (revision, key): (u32, LuaString)| {
        let key = <[u8; TICKET_KEY]>::try_from(&key.as_bytes()[..]);
        let key = Zeroizing::new(key.map_err(|_| "wrong amount of ticket key data")?);
        if let Some(at) = set.ticket_keys.iter().position(|(known, _)| *known == revision) {
            let is_newest = at + 1 == set.ticket_keys.len() && set.ticket_keys[at].1 == key;
            return if is_newest { Ok(()) } else { Err("ticket key already present".into()) };
        }
        set.ticket_keys.push((revision, key));
        Ok(())
    });
}

/// A certificate, its key, and perhaps a staple.
type Texts = (LuaString, LuaString, Option<LuaString>);

impl Pair {
    fn read((cert, key, staple): (String, String, Option<String>)) -> Result<Self, String> {
        let staple = staple.map(|file| read("ocsp", &file)).transpose()?;
        Ok(Self {
            cert: Some(read("certificate", &cert)?.to_vec()),
            key: Some(read("key", &key)?),
            staple: staple.map(|staple| staple.to_vec()),
        })
    }

    fn take((cert, key, staple): Texts) -> Self {
        Self {
            cert: Some(cert.as_bytes().to_vec()),
            key: Some(Zeroizing::new(key.as_bytes().to_vec())),
            staple: staple.map(|staple| staple.as_bytes().to_vec()),
        }
    }
}

/// A method that gives `true`, or `false` and why.
fn setter<M, A>(
    methods: &mut M,
    name: &'static str,
    set: impl Fn(&mut Settings, A) -> Told + Send + 'static,
) where
    M: UserDataMethods<Config>,
    A: mlua::FromLuaMulti,
{
    methods.add_method_mut(name, move |lua, this, arguments: A| {
        let told = this.set(|settings| set(settings, arguments));
        reply::done(lua, told)
    });
}

/// A method that gives nothing.
fn switch<M: UserDataMethods<Config>>(
    methods: &mut M,
    name: &'static str,
    set: impl Fn(&mut Settings) + Send + 'static,
) {
    methods.add_method_mut(name, move |_, this, (): ()| {
        this.compiled.take();
        set(&mut this.settings);
        Ok(())
    });
}

fn roots(text: &[u8]) -> Result<Roots, String> {
    Roots::empty().with_pem(text).map_err(|e| reply::told(&e))
}

fn lists(text: &[u8]) -> Result<RevocationLists, String> {
    RevocationLists::new().with_pem(text).map_err(|e| reply::told(&e))
}
