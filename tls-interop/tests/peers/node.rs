//! Node's `tls`.

use crate::peer::{AlpnHabit, Refusal};
use crate::process::Program;
use crate::script::Script;

pub(crate) static NODE: Script = Script {
    program: Program { name: "node", package: "nodejs" },
    name: "node",
    flags: &["-e"],
    text: include_str!("node.js"),
    // It refuses since version 19.
    alpn_mismatch: AlpnHabit::Varies,
    // It verifies after the handshake, in JavaScript.
    strange_certificate: Refusal::Cut,
    verifies_late: true,
    notices_truncation: false,
};
