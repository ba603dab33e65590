//! Options that give protection up. Reviewers look for this path.

use crate::{Capabilities, Capability};

pub use crate::early::ReplayableEarlyData;
pub use crate::secrets::KeyLog;

/// Which parts of the verification of a server's certificate to leave out.
///
/// Three separate switches: leaving one part out never leaves out another. Whatever is left out,
/// the peer still proves that it holds the key of the certificate it presents.
///
/// Leaving everything out is an option of its own: a library may be able to do that
/// ([`SkipAllVerification`](crate::Capability::SkipAllVerification)) and unable to leave out one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Skip {
    chain: bool,
    name: bool,
    time: bool,
}

impl Skip {
    /// Leaves nothing out.
    pub const fn nothing() -> Self {
        Self { chain: false, name: false, time: false }
    }

    /// Leaves everything out: anyone on the path can pretend to be the server.
    pub const fn everything() -> Self {
        Self { chain: true, name: true, time: true }
    }

    /// Leaves out the chain: no root has to vouch for the certificate, its purpose does not matter,
    /// and nothing above it is looked at. Its name and its own dates still are.
    #[must_use]
    pub const fn chain(mut self) -> Self {
        self.chain = true;
        self
    }

    /// Leaves out the name: a certificate for any other server will do.
    #[must_use]
    pub const fn name(mut self) -> Self {
        self.name = true;
        self
    }

    /// Leaves out the dates: certificates may be expired or not yet valid.
    #[must_use]
    pub const fn time(mut self) -> Self {
        self.time = true;
        self
    }

    /// Whether nothing at all is checked.
    pub const fn skips_everything(self) -> bool {
        self.chain && self.name && self.time
    }

    /// The capabilities that a backend needs to leave out exactly this.
    pub(crate) fn required(self) -> Capabilities {
        if self.skips_everything() {
            return Capabilities::of(&[Capability::SkipAllVerification]);
        }
        let Self { chain, name, time } = self;
        let needed = [
            (chain, Capability::SkipChainVerification),
            (name, Capability::SkipNameVerification),
            (time, Capability::SkipTimeVerification),
        ];
        needed.into_iter().filter(|(on, _)| *on).map(|(_, what)| what).collect()
    }

    /// Whether the chain is left out.
    pub const fn skips_chain(self) -> bool {
        self.chain
    }

    /// Whether the name is left out.
    pub const fn skips_name(self) -> bool {
        self.name
    }

    /// Whether the dates are left out.
    pub const fn skips_time(self) -> bool {
        self.time
    }
}
