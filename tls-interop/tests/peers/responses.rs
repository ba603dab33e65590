//! OCSP responses about the server's certificate, made by `openssl ocsp`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use polytls::pki_types::CertificateDer;
use polytls::x509::CertificateFacts;
use rcgen::ExtendedKeyUsagePurpose;
use tls_conformance::{Authority, Leaf, OcspAnswer};

use crate::fixture::{Credentials, Fixture};
use crate::openssl::OPENSSL;
use crate::process::Child;

/// What is right or wrong with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its signature is wrong.
    BadSignature,
    /// It is signed by somebody whom the issuer lets do that.
    Delegated,
    /// It would be good, but it is out of date.
    Expired,
    Good,
    /// The certificate has been revoked, with a reason.
    Revoked,
    /// The responder does not know the certificate.
    Unknown,
    /// It is another issuer's, about a certificate with the same number.
    WrongIssuer,
}

const ALL: [Kind; 7] = [
    Kind::BadSignature,
    Kind::Delegated,
    Kind::Expired,
    Kind::Good,
    Kind::Revoked,
    Kind::Unknown,
    Kind::WrongIssuer,
];

/// When what is revoked was revoked: the beginning of 2024.
pub(crate) const REVOKED_AT: u64 = 1_704_067_200;

/// A file for each kind.
pub(crate) struct Responses {
    dir: PathBuf,
}

impl Responses {
    pub(crate) fn new(fixture: &Fixture) -> Self {
        let dir = fixture.path().join("responses");
        fs::create_dir(&dir).unwrap();
        let this = Self { dir };
        for kind in ALL {
            fs::write(this.file(kind), this.make(kind, fixture)).unwrap();
        }
        this
    }

    pub(crate) fn file(&self, kind: Kind) -> PathBuf {
        self.dir.join(format!("{kind:?}.der"))
    }

    fn make(&self, kind: Kind, fixture: &Fixture) -> Vec<u8> {
        let scratch = self.dir.join(format!("{kind:?}"));
        fs::create_dir(&scratch).unwrap();
        let (leaf, issuing) = (fixture.server.identity.leaf(), &fixture.issuing);
        let desk = |entries: &[Entry<'_>]| Desk::new(issuing, entries, &scratch);
        let desk = match kind {
            // OpenSSL makes responses of now only.
            Kind::Expired => return OcspAnswer::good(issuing, leaf).hours(-48, -24).der(),
            Kind::BadSignature => desk(&[Entry::Valid(leaf)]).spoiling(),
            Kind::Delegated => desk(&[Entry::Valid(leaf)]).delegating(issuing, &scratch),
            Kind::Good => desk(&[Entry::Valid(leaf)]),
            Kind::Revoked => desk(&[Entry::Revoked(leaf)]),
            Kind::Unknown => desk(&[]),
            Kind::WrongIssuer => {
                let other = Authority::root("Another Issuing Authority");
                Desk::new(&other, &[Entry::Valid(leaf)], &scratch)
            }
        };
        desk.answer_about(leaf, &scratch)
    }
}

/// What an index says of a certificate.
#[derive(Clone, Copy)]
pub(crate) enum Entry<'a> {
    Revoked(&'a CertificateDer<'a>),
    Valid(&'a CertificateDer<'a>),
}

impl Entry<'_> {
    /// A line: status, last day, day and reason of the revocation, number, file, subject.
    fn line(&self) -> String {
        match self {
            Self::Revoked(certificate) => {
                let number = number(certificate);
                format!("R\t491231000000Z\t240101000000Z,keyCompromise\t{number}\tunknown\t/CN=x\n")
            }
            Self::Valid(certificate) => {
                format!("V\t491231000000Z\t\t{}\tunknown\t/CN=x\n", number(certificate))
            }
        }
    }
}

/// A certificate's number, as OpenSSL writes it.
fn number(certificate: &CertificateDer<'_>) -> String {
    let facts = CertificateFacts::read(certificate).unwrap();
    let digits = facts.serial().iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    digits.strip_prefix("00").unwrap_or(&digits).to_owned() // a sign, not a digit
}

/// What `openssl ocsp` answers from.
pub(crate) struct Desk {
    index: PathBuf,
    issuer: Credentials,
    /// Who signs in place of the issuer.
    delegate: Option<Credentials>,
    spoils: bool,
}

impl Desk {
    pub(crate) fn new(issuer: &Authority, entries: &[Entry<'_>], dir: &Path) -> Self {
        let index = dir.join("index.txt");
        fs::write(&index, entries.iter().map(Entry::line).collect::<String>()).unwrap();
        let issuer = Credentials::new(issuer.as_identity(), dir, "issuer");
        Self { index, issuer, delegate: None, spoils: false }
    }

    fn delegating(self, issuer: &Authority, dir: &Path) -> Self {
        let delegate = Leaf::client("delegate").with(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        });
        let delegate = Credentials::new(issuer.issue(delegate), dir, "delegate");
        Self { delegate: Some(delegate), ..self }
    }

    fn spoiling(self) -> Self {
        Self { spoils: true, ..self }
    }

    /// A command line that answers, to be completed by where the requests come from.
    pub(crate) fn command(&self) -> Command {
        let signer = self.delegate.as_ref().unwrap_or(&self.issuer);
        let mut command = OPENSSL.command();
        command.arg("ocsp").arg("-index").arg(&self.index).arg("-CA").arg(&self.issuer.chain);
        command.arg("-rsigner").arg(&signer.chain).arg("-rkey").arg(&signer.key);
        command.args(["-ndays", "1"]);
        if self.spoils {
            command.arg("-badsig");
        }
        command
    }

    fn answer_about(&self, certificate: &CertificateDer<'_>, dir: &Path) -> Vec<u8> {
        let out = dir.join("response.der");
        let mut command = self.command();
        command.arg("-issuer").arg(&self.issuer.chain);
        command.args(["-serial", &format!("0x{}", number(certificate)), "-no_nonce"]);
        let mut child = Child::spawn({
            command.arg("-respout").arg(&out).arg("-noverify");
            command
        });
        assert!(child.wait().success(), "{}", child.said());
        fs::read(out).unwrap()
    }
}
