//! What the tests ask of a program, whichever it is.

use std::path::{Path, PathBuf};

use polytls::Version;

use crate::fixture::{Credentials, Fixture};
use crate::ours::Tls;
use crate::process::Child;

/// What a program is to do in one test.
pub(crate) struct Setup<'a> {
    pub(crate) fixture: &'a Fixture,
    /// A directory of the test's own.
    pub(crate) scratch: PathBuf,
    /// Where a server listens, or a client connects to.
    pub(crate) port: u16,
    pub(crate) version: Version,
    /// The application protocols it offers or knows.
    pub(crate) alpn: &'static [&'static str],
    /// The root it trusts. A server that has one requires client certificates.
    pub(crate) roots: Option<&'a Path>,
    pub(crate) identity: Option<&'a Credentials>,
    /// A server takes no group but secp384r1; a client puts one before it that we do not know. So
    /// the client has to begin again (HelloRetryRequest), if it did not guess the group.
    pub(crate) retry: bool,
    /// The OCSP response (DER) that a server staples.
    pub(crate) staple: Option<PathBuf>,
    /// It will be asked to change its keys.
    pub(crate) updates_keys: bool,
    /// The name that a client expects.
    pub(crate) name: &'static str,
    pub(crate) ending: Ending,
}

/// How a conversation ends, once both sides have what they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The program ends the connection without close_notify.
    Cut,
    /// The client sends close_notify right after its data, and the server sends its own only then.
    HalfClose,
    /// We send close_notify, and the program answers.
    Ours,
    /// The program sends close_notify, and we answer.
    Theirs,
}

/// What a program saw. `None` and empty: it does not tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) version: Option<String>,
    pub(crate) alpn: Option<String>,
    /// Our certificate, in DER.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// What is particular about a program as a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerHabits {
    pub(crate) endings: &'static [Ending],
    /// Whether it answers our close_notify with its own.
    pub(crate) answers_close: bool,
    pub(crate) alpn_mismatch: AlpnHabit,
    pub(crate) missing_certificate: Refusal,
    pub(crate) strange_certificate: Refusal,
    /// Whether it staples an OCSP response that it is given, whatever that says.
    pub(crate) staples: bool,
    /// What it takes on its standard input for the order to change its keys, and to have us change
    /// ours (KeyUpdate).
    pub(crate) update_keys: Option<&'static [u8]>,
}

/// What a server does about a client that offers only protocols it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlpnHabit {
    /// Goes on without a protocol.
    Ignores,
    /// Sends the alert `no_application_protocol`.
    Refuses,
    /// The one or the other, depending on its version.
    Varies,
}

/// How a server refuses a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// With an alert.
    Alert,
    /// By ending the connection without a word, after a handshake that succeeds.
    Cut,
    /// With an HTTP status, after a handshake that succeeds.
    Http,
}

/// What is particular about a program as a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientHabits {
    pub(crate) endings: &'static [Ending],
    pub(crate) framing: Framing,
    /// Whether it answers our close_notify with its own.
    pub(crate) answers_close: bool,
    /// Whether it verifies the server's chain only after the handshake, and then just goes away.
    pub(crate) checks_chain_late: bool,
    /// The same for the server's name.
    pub(crate) checks_name_late: bool,
    /// Whether it takes an end without close_notify for a failure.
    pub(crate) notices_truncation: bool,
    /// Whether it tells the version and the application protocol.
    pub(crate) tells: bool,
    /// What it takes on its standard input for the order to change its keys, and to have us change
    /// ours (KeyUpdate).
    pub(crate) update_keys: Option<&'static [u8]>,
}

/// How a client and our server know where the data ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Both know its length.
    Agreed,
    /// HTTP.
    Http,
}

/// A program as a server.
pub(crate) trait ServerProgram: Sync {
    fn name(&self) -> &'static str;
    fn habits(&self) -> ServerHabits;
    /// Starts it; it may not yet listen.
    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningServer + 'a>;
}

/// A server that serves one client.
pub(crate) trait RunningServer {
    fn child(&mut self) -> &mut Child;

    /// Sends it data over `tls` and gets data back, and checks both. After that it ends the
    /// connection, if it was told to.
    fn exchange(&mut self, tls: &mut Tls);

    /// What it saw, after the connection has ended.
    fn report(&mut self) -> Report;
}

/// A program as a client.
pub(crate) trait ClientProgram: Sync {
    fn name(&self) -> &'static str;
    fn habits(&self) -> ClientHabits;
    /// Starts it; it sends the question, and expects the answer.
    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningClient + 'a>;
}

/// A client that has one conversation.
pub(crate) trait RunningClient {
    fn child(&mut self) -> &mut Child;

    /// The whole answer is on its way: ends the connection, if it was told to.
    fn answered(&mut self) {}

    /// Waits for its end, and says whether it calls its run a success.
    fn succeeded(&mut self) -> bool {
        self.child().wait().success()
    }

    /// What it received, after it has ended.
    fn received(&mut self) -> Vec<u8>;

    /// What it saw, after it has ended.
    fn report(&mut self) -> Report;
}
