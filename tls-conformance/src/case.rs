//! What a case is, and how it is judged.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use tls_core::{Backend, Capabilities, Capability, Error, ErrorKind, Result};

use crate::claim::Claiming;
use crate::fault::{Fault, Told};
use crate::pair::Side;

/// One promise.
#[derive(Debug)]
pub struct Case {
    pub(crate) name: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) client: Capabilities,
    pub(crate) server: Capabilities,
    pub(crate) check: Check,
}

/// The body of a case, by the side it concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// A client against bytes or a peer of the suite's own.
    Client(fn(&dyn Backend) -> Result<()>),
    /// A server against bytes or a peer of the suite's own.
    Server(fn(&dyn Backend) -> Result<()>),
    /// A client against a server.
    Pair(fn(&dyn Backend, &dyn Backend) -> Result<()>),
    /// A fault, which has to be called by its name.
    Fault(Fault),
}

/// The side that a case concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A client alone.
    Client,
    /// A client and a server.
    Pair,
    /// A server alone.
    Server,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The promise was kept.
    Passed,
    /// The backend lacks this, says so, and refuses by its name: the promise was not made.
    Refused(Capability),
    /// The promise was broken, or the capabilities do not tell the truth.
    Failed(String),
}

impl Case {
    /// The name, `group::promise_it_keeps`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The promise in one sentence.
    pub fn promise(&self) -> &'static str {
        self.promise
    }

    /// The side it concerns.
    pub fn role(&self) -> Role {
        match self.check {
            Check::Client(_) => Role::Client,
            Check::Pair(_) => Role::Pair,
            Check::Server(_) => Role::Server,
            Check::Fault(fault) => fault.role(),
        }
    }

    /// What has to be told of the fault, if the case is about one: first what every backend should
    /// say, then what those say that cannot do otherwise.
    pub fn fault(&self) -> Option<&'static [Told]> {
        match self.check {
            Check::Fault(fault) => Some(fault.allowed),
            Check::Client(_) | Check::Pair(_) | Check::Server(_) => None,
        }
    }

    /// What these two make of the fault that the case is about, right or wrong; `None` if it is about
    /// none, or they do not come into the situation.
    pub fn observe(&self, client: &dyn Backend, server: &dyn Backend) -> Option<Told> {
        let Check::Fault(fault) = self.check else { return None };
        let observe = || fault.observe(client, server);
        panic::catch_unwind(AssertUnwindSafe(observe)).ok()?.ok()
    }

    /// The capabilities it needs of the backend on this side.
    pub fn needs(&self, side: Side) -> Capabilities {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// Runs the case with these two backends, and judges what their capabilities say about it.
    pub fn judge(&self, client: &dyn Backend, server: &dyn Backend) -> Outcome {
        let missing = self
            .client
            .without(client.capabilities())
            .union(self.server.without(server.capabilities()));
        let possible = missing.union(missing_in_tls12(client, server));
        let refused = match self.run(client, server) {
            Ok(()) if missing.is_empty() => return Outcome::Passed,
            Ok(()) => {
                return Outcome::Failed(format!("should be refused for {missing}, but it works"));
            }
            Err(why) => match (why.refused_by(), missing.is_empty()) {
                (Some(what), _) if possible.contains(what) => what,
                (_, true) => return Outcome::Failed(why.to_string()),
                (_, false) => {
                    return Outcome::Failed(format!("should be refused for {missing}, but: {why}"));
                }
            },
        };
        // The refusal must be true: with the check out of the way the case must fail.
        match self.run(&Claiming::everything(client), &Claiming::everything(server)) {
            Ok(()) => Outcome::Failed(format!("{refused} is denied, but it works")),
            Err(_) => Outcome::Refused(refused),
        }
    }

    fn run(&self, client: &dyn Backend, server: &dyn Backend) -> Result<(), Failure> {
        let call = || match self.check {
            Check::Client(check) => check(client),
            Check::Pair(check) => check(client, server),
            Check::Server(check) => check(server),
            Check::Fault(fault) => fault.check(client, server),
        };
        match panic::catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(Failure::Error(e)),
            Err(panic) => Err(Failure::Panic(text(&*panic))),
        }
    }
}

/// What a case that leaves the version open may come to lack where two backends meet in TLS 1.2 only.
fn missing_in_tls12(client: &dyn Backend, server: &dyn Backend) -> Capabilities {
    let (client, server) = (client.capabilities(), server.capabilities());
    let newest =
        client.contains(Capability::Tls13Client) && server.contains(Capability::Tls13Server);
    let lacks = |of: Capabilities| Capabilities::of(&[Capability::Tls12HalfClose]).without(of);
    match newest {
        true => Capabilities::NONE,
        false => lacks(client).union(lacks(server)),
    }
}

#[derive(Debug)]
enum Failure {
    Error(Error),
    Panic(String),
}

impl Failure {
    /// The capability by whose name something was refused, if that is what happened.
    fn refused_by(&self) -> Option<Capability> {
        match self {
            Self::Error(e) => match e.kind() {
                ErrorKind::Unsupported(what) => Some(what),
                _ => None,
            },
            Self::Panic(_) => None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(e) => {
                write!(f, "{e} [{:?}]", e.kind())?;
                let mut next = std::error::Error::source(e);
                while let Some(source) = next {
                    write!(f, "\n  because: {source}")?;
                    next = source.source();
                }
                Ok(())
            }
            Self::Panic(text) => f.write_str(text),
        }
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CASES;

    #[test]
    fn a_case_of_one_side_needs_nothing_of_the_other() {
        for case in CASES {
            let other = match case.role() {
                Role::Client => Side::Server,
                Role::Server => Side::Client,
                Role::Pair => continue,
            };
            assert!(case.needs(other).is_empty(), "{}", case.name());
        }
    }

    #[test]
    fn every_capability_is_needed_of_some_side() {
        for &capability in Capability::ALL {
            let needed = Side::BOTH.into_iter().any(|side| side.has_use_for(capability));
            assert!(needed, "no case shows {capability}");
        }
    }
}
