//! What is told, for programs: [`Serialize`] by the words that the command line prints. Only with the
//! feature `serde`.
//!
//! Names are stable. By hand and not derived: they are not the names of fields and variants.

#![cfg(feature = "serde")]

use base64ct::{Base64, Encoding};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::negotiated::to_pem;
use crate::{
    Alert, Capabilities, Capability, CipherSuite, ErrorKind, Group, Negotiated, ServerName,
    SignatureScheme, Version,
};

macro_rules! as_displayed {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_displayed! { Alert Capability CipherSuite Group ServerName SignatureScheme }

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// What is not known is null; certificates are PEM, other bytes base64, and what is no text in an
/// application protocol is replaced.
impl Serialize for Negotiated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self {
            backend,
            library,
            fips,
            version,
            cipher_suite,
            group,
            signature_scheme,
            alpn,
            server_name,
            peer_chain,
            local_certificate,
            staple,
            early_data,
            extended_master_secret,
            resumed,
        } = self;
        let mut fields = serializer.serialize_struct("Negotiated", 17)?;
        fields.serialize_field("alpn", &alpn.as_deref().map(String::from_utf8_lossy))?;
        fields.serialize_field("backend", backend)?;
        fields.serialize_field("cipher", cipher_suite)?;
        let early = early_data.map(|early| early.name());
        let id = cipher_suite.map(|suite| format!("0x{:04x}", suite.0));
        fields.serialize_field("cipher_id", &id)?;
        fields.serialize_field("early_data", &early)?;
        fields.serialize_field("extended_master_secret", extended_master_secret)?;
        fields.serialize_field("fips", fips)?;
        fields.serialize_field("group", group)?;
        fields.serialize_field("library", &**library)?;
        fields.serialize_field("local_certificate", &local_certificate.as_ref().map(to_pem))?;
        let chain = peer_chain.iter().map(to_pem).collect::<Vec<_>>();
        fields.serialize_field("peer_chain", &Some(chain).filter(|chain| !chain.is_empty()))?;
        fields.serialize_field("resumed", resumed)?;
        fields.serialize_field("servername", server_name)?;
        fields.serialize_field("signature", signature_scheme)?;
        let staple = staple.as_deref().map(Base64::encode_string);
        fields.serialize_field("staple", &staple)?;
        fields.serialize_field("strength_bits", &self.strength_bits())?;
        fields.serialize_field("version", version)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, to_value};

    use super::*;
    use crate::EarlyData;

    #[test]
    fn facts_have_the_words_of_the_command_line() {
        let certificate = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap().cert;
        let negotiated = Negotiated {
            backend: "rustls",
            library: "a library".into(),
            fips: Some(false),
            version: Some(Version::Tls13),
            cipher_suite: Some(CipherSuite::TLS13_AES_128_GCM_SHA256),
            group: Some(Group::X25519),
            signature_scheme: Some(SignatureScheme::ED25519),
            alpn: Some(b"h2\xff".to_vec()),
            server_name: Some("a.test".into()),
            peer_chain: vec![certificate.der().clone()],
            local_certificate: None,
            staple: Some(b"abc".to_vec()),
            early_data: Some(EarlyData::Accepted),
            extended_master_secret: Some(true),
            resumed: Some(false),
        };
        let expected = json!({
            "alpn": "h2\u{fffd}",
            "backend": "rustls",
            "cipher": "TLS_AES_128_GCM_SHA256",
            "cipher_id": "0x1301",
            "early_data": "accepted",
            "extended_master_secret": true,
            "fips": false,
            "group": "x25519",
            "library": "a library",
            "local_certificate": null,
            "peer_chain": [certificate.pem().replace("\r\n", "\n")],
            "resumed": false,
            "servername": "a.test",
            "signature": "ed25519",
            "staple": "YWJj",
            "strength_bits": 128,
            "version": "TLSv1.3",
        });
        assert_eq!(to_value(&negotiated).unwrap(), expected);
        let nothing = to_value(Negotiated::default()).unwrap();
        let known = nothing.as_object().unwrap().iter().filter(|(_, fact)| !fact.is_null());
        assert_eq!(known.map(|(name, _)| name).collect::<Vec<_>>(), ["backend", "library"]);
    }

    #[test]
    fn everything_else_is_a_name() {
        let names = |value: Value| assert!(value.is_string(), "{value}");
        Capability::ALL.iter().for_each(|what| {
            assert_eq!(to_value(what).unwrap(), what.name());
        });
        let two = Capabilities::of(&[Capability::AlpnClient, Capability::Exporter]);
        assert_eq!(to_value(two).unwrap(), json!(["alpn-client", "exporter"]));
        let unsupported = ErrorKind::Unsupported(Capability::Exporter);
        assert_eq!(to_value(unsupported).unwrap(), "unsupported(exporter)");
        assert_eq!(to_value(ErrorKind::NotTls).unwrap(), "not-tls");
        names(to_value(Alert::HANDSHAKE_FAILURE).unwrap());
        names(to_value(ServerName::parse("a.test").unwrap()).unwrap());
        assert_eq!(to_value(CipherSuite(0xfafa)).unwrap(), "0xfafa");
    }
}
