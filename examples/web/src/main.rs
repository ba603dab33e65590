//! Runs the application with the one TLS library of this build:
//!
//! `DATABASE_URL=… cargo run -p polytls-example-web --no-default-features --features openssl`
//!
//! `DATABASE_URL` says where PostgreSQL is, as libpq has it; `PGSSLROOTCERT` names the file with the root
//! of its certificate, if it is not one of the system's.

use std::env;
use std::process::ExitCode;

use polytls::{Roots, backend};
use polytls_example_web::{Database, Result, run};

#[tokio::main]
async fn main() -> ExitCode {
    match try_main().await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("error: {e}");
            let mut source = e.source();
            while let Some(e) = source {
                eprintln!("  because: {e}");
                source = e.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn try_main() -> Result<String> {
    let backend = backend::only()?;
    let settings = env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL to a PostgreSQL")?;
    let roots = match env::var_os("PGSSLROOTCERT") {
        Some(file) => Roots::empty().with_pem_file(file)?,
        None => Roots::system(),
    };
    let answer = run(backend, &Database { settings, roots }).await?;
    Ok(format!("{}: {answer}", backend.name()))
}
