//! curl and nginx fetch a large file from `polytls serve --www`, by each way that a file can go.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use polytls::Capability;

use crate::support::{Certificates, LIMIT, Running, Serving, can, for_each_backend, signal};

/// 1 GiB by these two, and less by the others: it is the kernel that takes its time.
const LARGE: u64 = 1 << 30;
const SMALL: u64 = 64 << 20;
const FIRST: &[&str] = &["openssl", "rustls"];

/// What `--ktls` is given here, and what the log then says of a file.
fn ways(backend: &str) -> Vec<(&'static str, &'static str)> {
    let (kernel, gives) = (tls_kernel::support(), can(backend, Capability::KernelTls));
    // On a machine that is there to show it, nothing passes by doing without.
    if std::env::var_os("KTLS_REQUIRED").is_some() {
        assert!(kernel.is_ok(), "no kernel TLS: {kernel:?}");
        return if gives { vec![("on", ", kernel (peer ")] } else { Vec::new() };
    }
    match (kernel, gives) {
        (Ok(_), true) => {
            vec![("on", ", kernel (peer "), ("off", ", user space (the configuration ")]
        }
        (Ok(_), false) => vec![("auto", ", user space (the backend lacks kernel-tls) ")],
        (Err(_), true) => vec![("auto", ", user space (the kernel has no TLS for this socket (")],
        (Err(_), false) => vec![("auto", ", user space (")],
    }
}

#[test]
fn curl_and_nginx_get_a_file_as_it_is() {
    let files = Certificates::with_server();
    let folder = files.root().join("www");
    fs::create_dir(&folder).unwrap();
    let hashes = [("large", LARGE), ("small", SMALL)].map(|(name, size)| {
        write(&folder.join(name), size);
        hash(Command::new("cat").arg(folder.join(name)))
    });
    let (identity, www) = (files.identity("server"), files.path("www"));
    for_each_backend(|backend| {
        let (name, size, expected) = match FIRST.contains(&backend) {
            true => ("large", LARGE, &hashes[0]),
            false => ("small", SMALL, &hashes[1]),
        };
        for (ktls, way) in ways(backend) {
            let args = ["--backend", backend, "--www", &www, "--ktls", ktls];
            let server = Serving::start(identity.iter().map(String::as_str).chain(args));
            let port = server.address.port();
            let mut curl = Command::new("curl");
            curl.args(["-sS", "--fail", "--max-time", "120", "--cacert", &files.path("ca.pem")]);
            curl.arg(format!("https://localhost:{port}/{name}"));
            assert_eq!(&hash(&mut curl), expected, "{backend} --ktls {ktls}, curl");
            let nginx = Nginx::start(&files, server.address);
            let mut curl = Command::new("curl");
            curl.args(["-sS", "--fail", "--max-time", "120"]);
            curl.arg(format!("http://{}/{name}", nginx.address));
            let got = hash(&mut curl);
            let said = nginx.stop();
            assert_eq!(&got, expected, "{backend} --ktls {ktls}, nginx: {said}");
            let log = server.terminate().expect(0).stderr;
            let sent = format!("GET /{name}: 200, {size} bytes{way}");
            assert_eq!(log.matches(&sent).count(), 2, "{backend} --ktls {ktls}: {log}");
        }
    });
}

/// Writes a file of which no part is like another.
fn write(path: &Path, size: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut block = vec![0; 1 << 16];
    for i in 0..size / block.len() as u64 {
        for (j, word) in block.chunks_exact_mut(8).enumerate() {
            let word_of_all = i << 13 | j as u64;
            word.copy_from_slice(&word_of_all.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        }
        file.write_all(&block).unwrap();
    }
    file.flush().unwrap();
}

/// The SHA-256 of what a command prints.
fn hash(command: &mut Command) -> String {
    let mut printing = command.stdout(Stdio::piped()).spawn().unwrap();
    let printed = printing.stdout.take().unwrap();
    let sum = Command::new("sha256sum").stdin(printed).output().unwrap();
    let ended = printing.wait().unwrap();
    format!("{} {ended}", String::from_utf8(sum.stdout).unwrap())
}

/// A server in clear that fetches everything over TLS.
struct Nginx {
    address: SocketAddr,
    process: Running,
}

impl Nginx {
    fn start(files: &Certificates, upstream: SocketAddr) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir_in(files.root()).unwrap().keep();
        let (ca, user) = (files.path("ca.pem"), user());
        let config = format!(
            "daemon off; master_process off; worker_processes 1; pid nginx.pid; {user}
            error_log stderr;
            events {{ worker_connections 16; }}
            http {{
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{
            listen {address};
            location / {{
            proxy_pass https://{upstream};
            proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca};
            proxy_ssl_name localhost; proxy_ssl_server_name on;
            proxy_max_temp_file_size 0;
            }} }} }}"
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let program =
            if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let mut nginx = Command::new(program);
        nginx.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]);
        let process = Running::start(nginx);
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < LIMIT, "nginx does not listen");
            sleep(Duration::from_millis(20));
        }
        Self { address, process }
    }

    /// What it had to say.
    fn stop(self) -> String {
        signal("TERM", &self.process);
        self.process.finish().stderr
    }
}

/// Started by root, nginx asks for another user unless it is told.
fn user() -> &'static str {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout == b"0\n" { "user root;" } else { "" }
}
