//! nginx: takes the question with PUT and gives it back.

use std::fmt::Write as _;
use std::fs;

use polytls::Version;

use crate::fixture::{Fixture, NAME};
use crate::http::Head;
use crate::ours::{self, Tls};
use crate::peer::{
    AlpnHabit, Ending, Refusal, Report, RunningServer, ServerHabits, ServerProgram, Setup,
};
use crate::process::{Child, Program};

const NGINX: Program = Program { name: "nginx", package: "nginx" };

pub(crate) struct Nginx;

impl ServerProgram for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn habits(&self) -> ServerHabits {
        ServerHabits {
            endings: &[Ending::Ours, Ending::Theirs],
            // Not between two requests.
            answers_close: false,
            alpn_mismatch: AlpnHabit::Refuses,
            missing_certificate: Refusal::Http,
            strange_certificate: Refusal::Http,
            staples: true,
            update_keys: None,
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningServer + 'a> {
        let config = setup.scratch.join("nginx.conf");
        fs::write(&config, configuration(setup)).unwrap();
        fs::create_dir(setup.scratch.join("files")).unwrap();
        let mut command = NGINX.command();
        command.arg("-p").arg(&setup.scratch).arg("-c").arg(&config).args(["-e", "stderr"]);
        let child = Child::spawn(command);
        Box::new(Running { child, fixture: setup.fixture, ending: setup.ending, heads: Vec::new() })
    }
}

fn configuration(setup: &Setup<'_>) -> String {
    let port = setup.port;
    let identity = setup.identity.unwrap();
    let (chain, key) = (identity.chain.display(), identity.key.display());
    let version = match setup.version {
        Version::Tls12 => "TLSv1.2",
        Version::Tls13 => "TLSv1.3",
        other => panic!("no name for {other}"),
    };
    let mut text = format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid;
        error_log stderr;
        events {{ worker_connections 16; }}
        http {{
        access_log off;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        client_max_body_size 10m;
        server {{
        listen 127.0.0.1:{port} ssl;
        server_name {NAME};
        ssl_certificate {chain}; ssl_certificate_key {key};
        ssl_protocols {version};
        add_header X-Version $ssl_protocol always;
        add_header X-Alpn $ssl_alpn_protocol always;
        add_header X-Certificate $ssl_client_escaped_cert always;
        location / {{ root files; dav_methods PUT; }}
        "
    );
    if setup.retry {
        text.push_str("ssl_ecdh_curve secp384r1;\n");
    }
    if let Some(staple) = &setup.staple {
        writeln!(text, "ssl_stapling on; ssl_stapling_file {};", staple.display()).unwrap();
    }
    if let Some(roots) = setup.roots {
        let roots = roots.display();
        writeln!(text, "ssl_client_certificate {roots}; ssl_verify_client on; ssl_verify_depth 5;")
            .unwrap();
    }
    text.push_str("}}\n");
    text
}

struct Running<'a> {
    child: Child,
    fixture: &'a Fixture,
    ending: Ending,
    heads: Vec<Head>,
}

impl RunningServer for Running<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn exchange(&mut self, tls: &mut Tls) {
        let data = &self.fixture.question.bytes;
        let length = data.len();
        let put = format!("PUT /data HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {length}\r\n\r\n");
        ours::send(tls, put.as_bytes());
        ours::send(tls, data);
        let head = Head::receive(tls);
        assert_eq!(head.status(), 201, "{}", self.child.said());
        assert_eq!(head.content_length(), 0);
        let connection = match self.ending {
            Ending::Theirs => "close",
            Ending::Cut | Ending::HalfClose | Ending::Ours => "keep-alive",
        };
        let get = format!("GET /data HTTP/1.1\r\nHost: {NAME}\r\nConnection: {connection}\r\n\r\n");
        ours::send(tls, get.as_bytes());
        let head = Head::receive(tls);
        assert_eq!((head.status(), head.content_length()), (200, length));
        ours::receive(tls, data);
        self.heads.push(head);
    }

    fn report(&mut self) -> Report {
        let head = self.heads.last().expect("exchange came before");
        let field = |name| head.field(name).filter(|value| !value.is_empty());
        Report {
            version: field("x-version").map(Into::into),
            alpn: field("x-alpn").map(Into::into),
            certificate: field("x-certificate")
                .map(|escaped| pem::parse(unescape(escaped)).unwrap().into_contents()),
        }
    }
}

/// Undoes `%2B`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    plain
}
