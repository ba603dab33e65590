//! How lists are given, and what is no list.

use std::io::Write;

use tls_core::{Backend, CertificateError, ErrorKind, Result, RevocationLists};

use super::Chain;
use crate::cases::cases;
use crate::cases::trust::{Trial, of_servers, root};
use crate::crls::List;

cases! { "revocation";
    Pair lists_may_be_given_as_pem [RevocationLists] []
        "Several lists in one PEM text count, whatever stands between them.";
    Pair lists_may_be_given_in_files [RevocationLists] []
        "Lists in files count, in PEM and in DER.";
    Client junk_is_no_list [] []
        "Bytes that are no list are refused when they are given, and so is a text without any.";
    Client a_file_that_is_no_list_is_named [] []
        "A file that is missing or holds no list is refused, and named.";
    Client a_list_that_is_not_complete_is_refused [] []
        "A list of changes, or one for other issuers, is refused when it is given.";
}

of_servers! {
    lists_may_be_given_as_pem = pem;
    lists_may_be_given_in_files = files;
}

/// The chain is accepted with the first of these, and refused as revoked with the second.
fn tells_apart(
    chain: &Chain,
    trial: &Trial<'_>,
    [good, revoking]: [RevocationLists; 2],
) -> Result<()> {
    chain.accepted(trial, good)?;
    chain.refused(trial, revoking, CertificateError::Revoked)
}

fn pem(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let given = |lower: Vec<u8>| {
        let text = ["The lists:\n", &List::pem(&chain.upper()), "and\n", &List::pem(&lower)];
        RevocationLists::new().with_pem(text.concat().as_bytes())
    };
    tells_apart(&chain, trial, [given(chain.lower())?, given(chain.lower_revoking())?])
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn files(trial: &Trial<'_>) -> Result<()> {
    let chain = Chain::of(trial);
    let given = |lower: Vec<u8>| {
        let (upper, lower) = (file(List::pem(&chain.upper()).as_bytes()), file(&lower));
        RevocationLists::new().with_file(upper.path())?.with_file(lower.path())
    };
    tells_apart(&chain, trial, [given(chain.lower())?, given(chain.lower_revoking())?])
}

fn refused(given: Result<RevocationLists>) -> String {
    let e = given.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    e.to_string()
}

fn junk_is_no_list(_: &dyn Backend) -> Result<()> {
    let root = root();
    let list = List::new().signed_by(&root);
    let lists = RevocationLists::new;
    lists().with_der(&list)?.with_pem(List::pem(&list).as_bytes())?;
    for cut in 0..list.len() {
        refused(lists().with_der(&list[..cut]));
    }
    for junk in [&b""[..], b"hello", &[0x30, 0x80], &[0x30; 99], &root.certificate()] {
        refused(lists().with_der(junk));
        refused(lists().with_pem(junk));
        refused(lists().with_pem(List::pem(junk).as_bytes()));
    }
    let cut = List::pem(&list);
    refused(lists().with_pem(&cut.as_bytes()[..cut.len() / 2]));
    Ok(())
}

fn a_file_that_is_no_list_is_named(_: &dyn Backend) -> Result<()> {
    let lists = RevocationLists::new;
    assert!(refused(lists().with_file("/no/such/list")).contains("/no/such/list"));
    for junk in [&b""[..], b"hello", &[0x30, 0x80]] {
        let file = file(junk);
        let name = file.path().display().to_string();
        assert!(refused(lists().with_file(file.path())).contains(&name));
    }
    Ok(())
}

fn a_list_that_is_not_complete_is_refused(_: &dyn Backend) -> Result<()> {
    let root = root();
    for list in [List::new().delta(), List::new().indirect()] {
        refused(RevocationLists::new().with_der(&list.signed_by(&root)));
    }
    RevocationLists::new().with_der(&List::new().signed_by(&root)).map(drop)
}
