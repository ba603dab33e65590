//! A small application, all of whose connections are TLS: hyper's client asks an axum server, which asks
//! a tonic server, which asks PostgreSQL.
//!
//! ```text
//! hyper client --HTTP/2--> axum --gRPC--> tonic --SCRAM-SHA-256-PLUS--> PostgreSQL
//! ```
//!
//! Nothing in here knows a TLS library.

mod database;
mod grpc;
#[path = "../../../tls-tonic/tests/hello/mod.rs"]
mod hello;
mod web;

use std::error::Error;

use polytls::{Backend, Identity, Roots};

pub use database::Database;

/// What came of it, or whatever went wrong.
pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Starts both servers on loopback, asks once all the way down to `database`, and returns the answer.
///
/// # Errors
///
/// Whatever goes wrong on the way; [`polytls::Error::find`] tells what of it was TLS.
pub async fn run(backend: &'static dyn Backend, database: &Database) -> Result<String> {
    // A certificate for the occasion; real servers have `Identity::from_pem_files`.
    let identity = Identity::self_signed(["localhost"])?;
    let roots = Roots::empty().with_der(identity.leaf().clone())?; // self-signed: trusted as it is

    let rows = database::connect(backend, database).await?;
    let greeter = grpc::serve(backend, identity.clone(), rows).await?;
    let channel = grpc::connect(backend, roots.clone(), greeter).await?;
    let site = web::serve(backend, identity, channel).await?;
    web::get_page(backend, roots, site, "/hello/you").await
}
