//! nginx: with tickets under keys of its own, without any, and under keys that two of it share.

use std::fs;

use polytls::{Backend, Capability, Server, ServerConfig, TicketKeys, Tickets, Version, Versions};

use super::as_client::{client, file, resumes, says_true_or_false, visit};
use super::{Named, Place};
use crate::fixture::{Fixture, NAME};
use crate::ours;
use crate::process::{Child, Program, free_port};

pub(super) const TESTS: &[Named] = &[
    ("nginx", "session_is_resumed", |b, f, v| {
        resumes(b, f, v, |place| start(place, "ssl_session_tickets on;"), says_true_or_false);
    }),
    ("nginx", "session_without_tickets_is_resumed", |b, f, v| {
        const IDS: &str = "ssl_session_tickets off; ssl_session_cache shared:sessions:1m;";
        resumes(b, f, v, |place| start(place, IDS), says_true_or_false);
    }),
    ("nginx", "sessions_of_another_with_the_same_key_are_resumed", same_key),
    ("nginx", "sessions_of_ours_under_the_same_key_are_passed_over", our_key),
];

const NGINX: Program = Program { name: "nginx", package: "nginx" };

fn start(place: &Place<'_>, sessions: &str) -> Child {
    let Place { fixture, scratch, port, version } = place;
    let folder = scratch.join(port.to_string());
    fs::create_dir(&folder).unwrap();
    let (chain, key) = (fixture.server.chain.display(), fixture.server.key.display());
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid;
        error_log stderr;
        events {{ worker_connections 16; }}
        http {{
        access_log off;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        map $ssl_session_reused $reused {{ r true; default false; }}
        server {{
        listen 127.0.0.1:{port} ssl;
        server_name {NAME};
        ssl_certificate {chain}; ssl_certificate_key {key};
        ssl_protocols {version};
        {sessions}
        location / {{ return 200 reused=$reused; }}
        }}}}\n"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text).unwrap();
    let mut command = NGINX.command();
    command.arg("-p").arg(&folder).arg("-c").arg(&config).args(["-e", "stderr"]);
    Child::spawn(command)
}

/// Two of them with one key file, as on two machines: each resumes what the other began.
fn same_key(backend: &'static dyn Backend, fixture: &Fixture, version: Version) {
    let Some(client) = client(backend, fixture, version) else { return };
    let scratch = fixture.scratch();
    for (i, size) in [48, 80].into_iter().enumerate() {
        let key = file(scratch.path(), &format!("key{size}"));
        fs::write(&key, vec![i as u8 + 1; size]).unwrap();
        let sessions = format!("ssl_session_ticket_key {key};");
        let place = || Place { fixture, scratch: scratch.path(), port: free_port(), version };
        let places = [place(), place()];
        let mut running = places.iter().map(|place| start(place, &sessions)).collect::<Vec<_>>();
        let mut visit = |which: usize| {
            let (resumed, page) = visit(&client, places[which].port, &mut running[which]);
            assert_eq!(says_true_or_false(&page), Some(resumed));
            resumed
        };
        assert!(!visit(0), "under another key");
        assert!(visit(1) && visit(0) && visit(1), "a key of {size} bytes");
    }
}

/// A ticket of ours can be made readable for nginx (name, HMAC and AES keys in the order of its 80 bytes),
/// but a session of ours is bound to more than its key: to the server's certificate and whom it lets in.
/// So neither resumes the other's, and the handshake is a full one.
fn our_key(backend: &'static dyn Backend, fixture: &Fixture, version: Version) {
    if !backend.capabilities().contains(Capability::ResumeServer) {
        return refused(backend, fixture, version);
    }
    let Some(client) = client(backend, fixture, version) else { return };
    let (scratch, secret) = (fixture.scratch(), [7; 48]);
    let server = Server::new(&config(fixture, version, secret), backend).unwrap();
    let key = file(scratch.path(), "key");
    let name = [&1_u32.to_be_bytes()[..], &[0; 12]].concat();
    // 16 bytes of HMAC key, and 16 more as HMAC itself would add them.
    fs::write(&key, [&name, &secret[32..], &[0; 16], &secret[..32]].concat()).unwrap();
    let place = Place { fixture, scratch: scratch.path(), port: free_port(), version };
    let mut nginx = start(&place, &format!("ssl_session_ticket_key {key};"));
    let ours = || {
        let (mut tls, mut theirs) = ours::both(&client, NAME, &server);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                theirs.handshake().unwrap();
                ours::send(&mut theirs, b"tickets come along");
                theirs.close_notify().unwrap();
            });
            tls.handshake().unwrap();
            assert_eq!(ours::rest(&mut tls), (b"tickets come along".to_vec(), Ok(())));
        });
        tls.negotiated().unwrap().resumed.unwrap()
    };
    assert!(!ours() && ours());
    let (resumed, page) = visit(&client, place.port, &mut nginx);
    assert!(!resumed, "{page}");
    assert!(visit(&client, place.port, &mut nginx).0, "its own");
    assert!(!ours(), "of nginx's");
}

fn config(fixture: &Fixture, version: Version, secret: [u8; 48]) -> ServerConfig {
    let keys = TicketKeys::given(Tickets::LIFETIME).unwrap();
    keys.add(1, secret).unwrap();
    let config = ServerConfig::builder(fixture.server.identity.clone());
    let config = config.tickets(Tickets::Keys(keys)).versions(Versions::only(version));
    config.build().unwrap()
}

/// What lacks tickets under given keys says so.
fn refused(backend: &'static dyn Backend, fixture: &Fixture, version: Version) {
    let config = config(fixture, version, [7; 48]);
    let server = Server::new(&config, backend);
    assert!(ours::honoured(server, config.required(), backend).is_none());
}
