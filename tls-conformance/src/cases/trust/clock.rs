//! What time it is, for the dates of certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tls_core::danger::Skip;
use tls_core::pki_types::UnixTime;
use tls_core::{CertificateError, Checks, Clock, Identity, Result};

use super::{Trial, facts, of_servers, on_both_sides, root, stranger};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, set_days};
use crate::told;

cases! { "clock";
    Pair an_instant_of_the_past_accepts_what_was_valid_then [VerificationTime] []
        "At an instant of its validity a certificate that has expired since is accepted.";
    Pair an_instant_to_come_accepts_what_is_valid_then [VerificationTime] []
        "At an instant of its validity a certificate that is not yet valid is accepted.";
    Pair an_instant_of_the_past_refuses_what_was_not_yet_valid [VerificationTime CertificateReasons] []
        "Before its validity a certificate that is valid now is refused as not yet valid.";
    Pair an_instant_to_come_refuses_what_has_expired_then [VerificationTime CertificateReasons] []
        "After its validity a certificate that is valid now is refused as expired.";
    Pair the_first_and_last_seconds_count [VerificationTime CertificateReasons] []
        "A certificate is valid in the first and in the last second of its validity, and in no other.";
    Pair a_clock_is_asked_for_each_peer [VerificationTime CertificateReasons] []
        "A clock of the program's is asked what time it is for each peer, not once.";
    Pair an_instant_counts_for_the_issuers_too [VerificationTime CertificateReasons] []
        "The dates of intermediates and roots are looked at for the same instant.";
    Pair an_instant_does_not_replace_the_chain [VerificationTime CertificateReasons] []
        "At an instant of its validity a certificate of an unknown issuer is still refused.";
    Pair an_instant_does_not_replace_the_name [VerificationTime CertificateReasons] []
        "At an instant of its validity a certificate for another name is still refused.";
    Pair an_instant_does_not_matter_where_dates_are_left_out
        [VerificationTime SkipTimeVerification CertificateReasons] []
        "Where the dates are left out, they are at any instant.";
    Pair a_client_was_valid_at_an_instant_of_the_past
        [ClientIdentity] [VerificationTime RequestClientCertificate]
        "At an instant of its validity a client's certificate that has expired since is accepted.";
    Pair a_client_is_valid_at_an_instant_to_come
        [ClientIdentity] [VerificationTime RequestClientCertificate]
        "At an instant of its validity a client's certificate that is not yet valid is accepted.";
    Pair a_client_was_not_yet_valid_at_an_instant_of_the_past
        [ClientIdentity] [VerificationTime RequestClientCertificate CertificateReasons]
        "Before its validity a client's certificate is refused as not yet valid.";
    Pair a_client_has_expired_at_an_instant_to_come
        [ClientIdentity] [VerificationTime RequestClientCertificate CertificateReasons]
        "After its validity a client's certificate is refused as expired.";
    Pair a_clock_is_asked_for_each_client
        [ClientIdentity] [VerificationTime RequestClientCertificate CertificateReasons]
        "A server's clock is asked what time it is for each client, not once.";
    Pair an_instant_does_not_replace_the_chain_of_a_client
        [ClientIdentity] [VerificationTime RequestClientCertificate CertificateReasons]
        "At an instant of its validity a client's certificate of an unknown issuer is still refused.";
}

on_both_sides! {
    an_instant_of_the_past_accepts_what_was_valid_then
        a_client_was_valid_at_an_instant_of_the_past = past_accepts;
    an_instant_to_come_accepts_what_is_valid_then
        a_client_is_valid_at_an_instant_to_come = future_accepts;
    an_instant_of_the_past_refuses_what_was_not_yet_valid
        a_client_was_not_yet_valid_at_an_instant_of_the_past = past_refuses;
    an_instant_to_come_refuses_what_has_expired_then
        a_client_has_expired_at_an_instant_to_come = future_refuses;
    a_clock_is_asked_for_each_peer a_clock_is_asked_for_each_client = asked_each_time;
    an_instant_does_not_replace_the_chain
        an_instant_does_not_replace_the_chain_of_a_client = not_the_chain;
}

of_servers! {
    the_first_and_last_seconds_count = first_and_last;
    an_instant_counts_for_the_issuers_too = issuers_too;
    an_instant_does_not_replace_the_name = not_the_name;
    an_instant_does_not_matter_where_dates_are_left_out = left_out;
}

/// So many days from now.
fn in_days(days: i64) -> Checks {
    let now = UnixTime::now().as_secs();
    Checks::new().clock(Clock::at(now.saturating_add_signed(days * 86_400)))
}

/// Valid ten days long, from twenty days ago on.
fn past(leaf: Leaf) -> Leaf {
    leaf.with(|params| set_days(params, -20, -10))
}

fn past_accepts(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    trial.asking(in_days(-15)).accepts(&root.roots(), &root.issue(past(trial.leaf())))
}

fn future_accepts(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let leaf = trial.leaf().with(|params| set_days(params, 10, 20));
    trial.asking(in_days(15)).accepts(&root.roots(), &root.issue(leaf))
}

/// Valid now; refused `days` from now.
fn refused(trial: &Trial<'_>, days: i64, why: CertificateError) -> Result<()> {
    let root = root();
    let identity = root.issue(trial.leaf().with(|params| set_days(params, -5, 5)));
    trial.accepts(&root.roots(), &identity)?;
    trial.asking(in_days(days)).refuses(&root.roots(), &identity, why)
}

fn past_refuses(trial: &Trial<'_>) -> Result<()> {
    refused(trial, -6, CertificateError::NotYetValid)
}

fn future_refuses(trial: &Trial<'_>) -> Result<()> {
    refused(trial, 6, CertificateError::Expired)
}

fn first_and_last(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(past(trial.leaf()));
    let validity = facts(identity.leaf());
    let (first, last) = (validity.not_before().as_secs(), validity.not_after().as_secs());
    let at = |seconds| trial.asking(Checks::new().clock(Clock::at(seconds)));
    at(first - 1).refuses(&root.roots(), &identity, CertificateError::NotYetValid)?;
    at(last + 1).refuses(&root.roots(), &identity, CertificateError::Expired)?;
    at(first).accepts(&root.roots(), &identity)?;
    at(last).accepts(&root.roots(), &identity)
}

fn asked_each_time(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(past(trial.leaf()));
    let begin = facts(identity.leaf()).not_before().as_secs();
    let now = Arc::new(AtomicU64::new(begin));
    let hand = now.clone();
    let clock = Clock::Custom(Arc::new(move || {
        UnixTime::since_unix_epoch(Duration::from_secs(hand.load(Ordering::SeqCst)))
    }));
    let trial = trial.asking(Checks::new().clock(clock));
    let ends = trial.ends(&root.roots(), &identity)?;
    ends.pair()?.handshake()?;
    now.store(begin - 1, Ordering::SeqCst);
    let (client, server) = ends.pair()?.handshakes();
    told::refusal(trial.judged(client, server), CertificateError::NotYetValid)?;
    now.store(begin + 1, Ordering::SeqCst);
    ends.pair()?.handshake()
}

fn issuers_too(trial: &Trial<'_>) -> Result<()> {
    let root = Authority::root_with("Root of the past", |p| set_days(p, -40, -10));
    let between = root.intermediate_with("Authority of the past", |p| set_days(p, -30, -10));
    let identity = between.issue(trial.leaf().with(|params| set_days(params, -50, 5)));
    trial.asking(in_days(-20)).accepts(&root.roots(), &identity)?;
    let early = trial.asking(in_days(-35));
    early.refuses(&root.roots(), &identity, CertificateError::NotYetValid)?;
    // The intermediate is there already in this chain, and the root is not.
    let identity = root
        .intermediate_with("Authority of long ago", |p| set_days(p, -60, 5))
        .issue(trial.leaf().with(|params| set_days(params, -50, 5)));
    let earlier = trial.asking(in_days(-45));
    earlier.refuses(&root.roots(), &identity, CertificateError::NotYetValid)
}

/// At an instant at which it is valid, `identity` is refused all the same.
fn still_refused(trial: &Trial<'_>, identity: &Identity, why: CertificateError) -> Result<()> {
    past_accepts(trial)?;
    trial.asking(in_days(-15)).refuses(&root().roots(), identity, why)
}

fn not_the_chain(trial: &Trial<'_>) -> Result<()> {
    let identity = stranger().issue(past(trial.leaf()));
    still_refused(trial, &identity, CertificateError::UnknownIssuer)
}

fn not_the_name(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(past(Leaf::server(&["other.test"])));
    past_accepts(trial)?;
    let trial = trial.asking(in_days(-15));
    trial.refuses(&root.roots(), &identity, CertificateError::NameMismatch)
}

fn left_out(trial: &Trial<'_>) -> Result<()> {
    let root = root();
    let identity = root.issue(past(trial.leaf()));
    let trial = trial.asking(in_days(-365));
    trial.refuses(&root.roots(), &identity, CertificateError::NotYetValid)?;
    trial.skipping(Skip::nothing().time()).accepts(&root.roots(), &identity)
}
