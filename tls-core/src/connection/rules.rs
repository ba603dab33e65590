//! What a connection knows of its configuration.

use crate::library::Library;
use crate::{EndOfStream, KernelTls};

/// The part of a configuration that no library needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// The one that speaks; nothing as long as none is chosen.
    pub(super) library: Library,
    pub(super) end_of_stream: EndOfStream,
    pub(super) assumed_alpn: Option<Box<[u8]>>,
    pub(super) is_server: bool,
    pub(super) kernel_tls: KernelTls,
    /// Whether records are to be smaller than usual.
    pub(super) limits_records: bool,
    /// After how many records the keys are to be new, if the program said so.
    pub(super) key_update_after: Option<u32>,
    pub(super) needs_extended_master_secret: bool,
}

impl Rules {
    pub(crate) fn client(end_of_stream: EndOfStream) -> Self {
        Self {
            library: Library::default(),
            end_of_stream,
            assumed_alpn: None,
            is_server: false,
            kernel_tls: KernelTls::Off,
            limits_records: false,
            key_update_after: None,
            needs_extended_master_secret: false,
        }
    }

    pub(crate) fn server(end_of_stream: EndOfStream, assumed_alpn: Option<&[u8]>) -> Self {
        let assumed_alpn = assumed_alpn.map(Into::into);
        Self { assumed_alpn, is_server: true, ..Self::client(end_of_stream) }
    }

    pub(crate) fn key_update_after(self, records: Option<u32>) -> Self {
        Self { key_update_after: records, ..self }
    }

    pub(crate) fn needs_extended_master_secret(self, needs: bool) -> Self {
        Self { needs_extended_master_secret: needs, ..self }
    }

    pub(crate) fn kernel_tls(self, kernel_tls: KernelTls, record_limit: Option<usize>) -> Self {
        let limits_records = record_limit.is_some_and(|limit| limit < RECORD);
        Self { kernel_tls, limits_records, ..self }
    }

    pub(crate) fn with(self, library: Library) -> Self {
        Self { library, ..self }
    }

    pub(super) fn side(&self) -> &'static str {
        if self.is_server { "server" } else { "client" }
    }
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;
