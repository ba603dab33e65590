//! How many intermediates a chain may go through.

use tls_core::{
    Backend, CertificateError, Checks, ClientConfig, ErrorKind, Identity, Result, ServerConfig,
};

use super::{Trial, below, of_servers, on_both_sides, root, stranger};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, with_chain};
use crate::pair::{NAME, configs};

cases! { "depth";
    Pair no_intermediate_is_allowed [LimitChain CertificateReasons] []
        "At a depth of none a leaf of the root itself is accepted, and one below an intermediate refused.";
    Pair one_intermediate_is_allowed [LimitChain CertificateReasons] []
        "At a depth of one a chain through one intermediate is accepted, and through two refused.";
    Pair five_intermediates_are_allowed [LimitChain CertificateReasons] []
        "At a depth of five a chain through five intermediates is accepted, and through six refused.";
    Pair what_is_sent_along_does_not_count [LimitChain CertificateReasons] []
        "Certificates that are no part of the path do not count for its depth, nor does the root.";
    Pair the_depth_does_not_replace_the_chain [LimitChain CertificateReasons] []
        "A short chain of an unknown issuer is refused for its issuer.";
    Pair the_depth_comes_before_the_name [LimitChain CertificateReasons] []
        "A chain that is too long for another name is refused for its length, a short one for its name.";
    Pair no_intermediate_of_a_client_is_allowed
        [ClientIdentity] [LimitChain CertificateReasons RequestClientCertificate]
        "At a depth of none a client below an intermediate is refused.";
    Pair one_intermediate_of_a_client_is_allowed
        [ClientIdentity] [LimitChain CertificateReasons RequestClientCertificate]
        "At a depth of one a client below one intermediate is accepted, below two refused.";
    Pair too_long_a_chain_of_a_client_is_refused
        [ClientIdentity] [LimitChain RequestClientCertificate]
        "Whatever it is called, a client below more intermediates than are allowed is refused.";
    Client more_than_six_intermediates_are_no_configuration [] []
        "A depth beyond six cannot be asked for, and the error says so.";
    Server checks_of_no_client_are_no_configuration [] []
        "Checks of client certificates cannot be asked for where none is verified.";
}

on_both_sides! {
    no_intermediate_is_allowed no_intermediate_of_a_client_is_allowed = none;
    one_intermediate_is_allowed one_intermediate_of_a_client_is_allowed = one;
}

of_servers! {
    five_intermediates_are_allowed = five;
    what_is_sent_along_does_not_count = sent_along;
    the_depth_does_not_replace_the_chain = not_the_chain;
    the_depth_comes_before_the_name = before_the_name;
}

fn depth(most: usize) -> Checks {
    Checks::new().depth(most)
}

/// Exactly `most` intermediates are accepted, one more is not.
fn limit(trial: &Trial<'_>, most: usize) -> Result<()> {
    let (root, trial) = (root(), trial.asking(depth(most)));
    trial.accepts(&root.roots(), &below_or_root(&root, most, trial.leaf()))?;
    let too_many = below(&root, most + 1).issue(trial.leaf());
    trial.refuses(&root.roots(), &too_many, CertificateError::ChainTooLong)
}

/// Issued below exactly so many intermediates.
fn below_or_root(root: &Authority, n: usize, leaf: Leaf) -> Identity {
    match n {
        0 => root.issue(leaf),
        n => below(root, n).issue(leaf),
    }
}

fn none(trial: &Trial<'_>) -> Result<()> {
    limit(trial, 0)
}

fn one(trial: &Trial<'_>) -> Result<()> {
    limit(trial, 1)
}

fn five(trial: &Trial<'_>) -> Result<()> {
    limit(trial, 5)
}

fn sent_along(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.intermediate("Authority that counts").issue(trial.leaf());
    let unrelated = below(&stranger(), 3).issue(trial.leaf());
    let along = unrelated.chain()[1..].iter().cloned().chain([root.certificate()]);
    let identity = with_chain(&identity, identity.chain().iter().cloned().chain(along));
    trial.asking(depth(1)).accepts(&root.roots(), &identity)?;
    let why = CertificateError::ChainTooLong;
    trial.asking(depth(0)).refuses(&root.roots(), &identity, why)
}

fn not_the_chain(trial: &Trial<'_>) -> Result<()> {
    limit(trial, 0)?;
    let why = CertificateError::UnknownIssuer;
    trial.asking(depth(0)).refuses(&root().roots(), &stranger().issue(trial.leaf()), why)
}

fn before_the_name(trial: &Trial<'_>) -> Result<()> {
    let (root, trial) = (root(), trial.asking(depth(0)));
    let other = || Leaf::server(&["other.test"]);
    let identity = root.intermediate("Authority too many").issue(other());
    trial.refuses(&root.roots(), &identity, CertificateError::ChainTooLong)?;
    trial.refuses(&root.roots(), &root.issue(other()), CertificateError::NameMismatch)
}

fn too_long_a_chain_of_a_client_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (root, trial) = (root(), Trial::of_clients(client, server));
    for most in [0, 6] {
        let trial = trial.asking(depth(most));
        trial.accepts(&root.roots(), &below_or_root(&root, most, trial.leaf()))?;
        let too_many = below(&root, most + 1).issue(trial.leaf());
        let (_, server) = trial.pair(&root.roots(), &too_many)?.handshakes();
        let refused = server.map_err(|e| e.kind());
        assert!(matches!(refused, Err(ErrorKind::Certificate(_))), "{refused:?}");
    }
    Ok(())
}

fn more_than_six_intermediates_are_no_configuration(_: &dyn Backend) -> Result<()> {
    ClientConfig::builder().checks(depth(6)).build()?;
    for most in [7, usize::MAX] {
        let e = ClientConfig::builder().checks(depth(most)).build().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config);
        assert!(e.to_string().contains(&most.to_string()), "{e}");
    }
    Ok(())
}

fn checks_of_no_client_are_no_configuration(_: &dyn Backend) -> Result<()> {
    let checked = configs().1.checks(depth(1)).build();
    assert_eq!(checked.unwrap_err().kind(), ErrorKind::Config);
    let identity = Leaf::server(&[NAME]).self_signed();
    let unverified = ServerConfig::builder(identity)
        .client_auth(tls_core::ClientAuth::Unverified)
        .checks(depth(1))
        .build();
    assert_eq!(unverified.unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}
