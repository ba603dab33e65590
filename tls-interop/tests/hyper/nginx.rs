//! nginx, as a server for hyper's client.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use polytls::{Client, ClientConfig, Identity};
use tempfile::TempDir;
use tls_hyper::HttpsConnector;
use tls_hyper::http::{Uri, Version};
use tls_hyper::hyper_util::client::legacy;

use crate::house::{Answer, BOTH, HTTP_1, House, Http, fetch, http, tick};
use crate::process::{Child, Program, free_port};
use crate::{Case, on_tokio};

const NGINX: Program = Program { name: "nginx", package: "nginx" };

pub(crate) const CASES: &[Case] = &[
    ("http_2_is_agreed_on_with_nginx", http_2),
    ("http_1_is_agreed_on_with_an_nginx_that_has_no_http_2", http_1),
    ("nginx_gets_the_certificate_it_requires", certificate),
];

/// An nginx that has begun.
struct Nginx {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// `listens` and `more` go into its configuration.
    fn start(house: &House, listens: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, path) = (free_port(), folder.path());
        write_identity(&house.identity(), path);
        fs::write(path.join("root.pem"), pem("CERTIFICATE", &house.root.certificate())).unwrap();
        fs::create_dir(path.join("files")).unwrap();
        fs::write(path.join("files/page"), "x".repeat(SIZE)).unwrap();
        let config = format!(
            "daemon off; master_process off; worker_processes 1; pid nginx.pid;
            error_log stderr;
            events {{ worker_connections 64; }}
            http {{
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{
            listen 127.0.0.1:{port} ssl {listens};
            server_name localhost;
            ssl_certificate chain.pem; ssl_certificate_key key.pem;
            {more}
            add_header X-Alpn $ssl_alpn_protocol always;
            add_header X-Subject $ssl_client_s_dn always;
            location / {{ root files; }}
            }}}}\n"
        );
        let file = path.join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = NGINX.command();
        command.arg("-p").arg(path).arg("-c").arg(&file).args(["-e", "stderr"]);
        Self { port, child: Child::spawn(command), _folder: folder }
    }

    fn uri(&self, path: &str) -> Uri {
        format!("https://localhost:{}{path}", self.port).parse().unwrap()
    }

    /// Asks as soon as it listens.
    async fn fetch(&mut self, http: &Http, path: &str) -> Result<Answer, legacy::Error> {
        loop {
            let answer = fetch(http, self.uri(path)).await;
            let refused = |e: &legacy::Error| {
                let refused = std::io::ErrorKind::ConnectionRefused;
                tls_hyper::tls_error(e).map(polytls::Error::kind)
                    == Some(polytls::ErrorKind::Io(refused))
            };
            match answer {
                Err(e) if refused(&e) => tick().await,
                other => return other,
            }
            if let Some(status) = self.child.exited() {
                panic!("it exits: {status}\n{}", self.child.said());
            }
        }
    }
}

fn http_2(house: &House) {
    on_tokio(async {
        let mut nginx = Nginx::start(house, "http2", "");
        let http = house.http();
        for _ in 0..3 {
            let answer = nginx.fetch(&http, "/page").await.unwrap();
            assert_eq!(answer.response.status(), 200);
            assert_eq!(answer.response.version(), Version::HTTP_2);
            assert_eq!(answer.response.headers()["x-alpn"], "h2");
            assert!(answer.text() == "x".repeat(SIZE));
        }
    });
}

fn http_1(house: &House) {
    on_tokio(async {
        let mut nginx = Nginx::start(house, "", "");
        let answer = nginx.fetch(&house.http(), "/page").await.unwrap();
        assert_eq!(answer.response.version(), Version::HTTP_11);
        assert_eq!(answer.response.headers()["x-alpn"], "http/1.1");
        let mut nginx = Nginx::start(house, "http2", "");
        let old = http(HttpsConnector::new(house.client(HTTP_1)));
        let answer = nginx.fetch(&old, "/page").await.unwrap();
        assert_eq!(answer.response.version(), Version::HTTP_11);
        assert!(answer.text() == "x".repeat(SIZE));
    });
}

fn certificate(house: &House) {
    on_tokio(async {
        let more = "ssl_client_certificate root.pem; ssl_verify_client on;";
        let mut nginx = Nginx::start(house, "http2", more);
        let config = ClientConfig::builder().roots(house.root.roots()).alpn(BOTH);
        let config = config.identity(house.root.client("known")).build().unwrap();
        let known = Client::new(&config, house.backend).unwrap();
        let answer = nginx.fetch(&http(HttpsConnector::new(known)), "/page").await.unwrap();
        assert_eq!(answer.response.status(), 200, "{}", nginx.child.said());
        assert_eq!(answer.response.version(), Version::HTTP_2);
        let subject = answer.response.headers()["x-subject"].to_str().unwrap();
        assert!(subject.contains("CN=known"), "{subject}");
        // nginx says it in HTTP.
        let answer = nginx.fetch(&house.http(), "/page").await.unwrap();
        assert_eq!(answer.response.status(), 400);
    });
}

/// Writes `chain.pem` and `key.pem`.
fn write_identity(identity: &Identity, folder: &Path) {
    let mut chain = String::new();
    for certificate in identity.chain() {
        write!(chain, "{}", pem("CERTIFICATE", certificate)).unwrap();
    }
    fs::write(folder.join("chain.pem"), chain).unwrap();
    let key = pem("PRIVATE KEY", identity.key().unwrap().secret_der());
    fs::write(folder.join("key.pem"), key).unwrap();
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

/// Some windows of HTTP/2's.
const SIZE: usize = 200_000;
