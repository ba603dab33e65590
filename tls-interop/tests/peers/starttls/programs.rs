//! The servers, and how each is told to serve from a directory of the test's, on ports of the test's.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tls_starttls::Protocol;

use crate::fixture::{Credentials, NAME};
use crate::process;

/// A server of somebody else's.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) program: process::Program,
    pub(crate) protocols: &'static [Protocol],
    /// What stands in its configuration file.
    pub(crate) configuration: fn(&Place<'_>) -> String,
    /// How it is started with that file.
    pub(crate) arguments: fn(&mut Command, &Path, &Place<'_>),
}

/// Where a server works, and with what.
pub(crate) struct Place<'a> {
    pub(crate) dir: &'a Path,
    /// A port for each protocol.
    pub(crate) ports: &'a [u16],
    /// None: it serves without TLS.
    pub(crate) tls: Option<&'a Credentials>,
    pub(crate) root: &'a Path,
}

pub(crate) static PROGRAMS: &[Program] = &[
    Program {
        name: "dovecot",
        program: process::Program { name: "dovecot", package: "dovecot-imapd" },
        protocols: &[Protocol::Imap, Protocol::Pop3, Protocol::Sieve, Protocol::Lmtp],
        configuration: dovecot,
        arguments: |command, file, _| {
            command.arg("-F").arg("-c").arg(file);
        },
    },
    Program {
        name: "exim",
        program: process::Program { name: "exim4", package: "exim4-daemon-light" },
        protocols: &[Protocol::Smtp],
        configuration: exim,
        arguments: |command, file, _| {
            command.arg("-C").arg(file).arg("-bdf");
        },
    },
    Program {
        name: "mariadb",
        program: process::Program { name: "mariadbd", package: "mariadb-server-core" },
        protocols: &[Protocol::Mysql],
        configuration: mariadb,
        arguments: |command, file, _| {
            command.arg(format!("--defaults-file={}", file.display()));
        },
    },
    Program {
        name: "prosody",
        program: process::Program { name: "prosody", package: "prosody" },
        protocols: &[Protocol::Xmpp, Protocol::XmppServer],
        configuration: prosody,
        arguments: |command, file, _| {
            command.arg("-F").arg("--config").arg(file);
        },
    },
    Program {
        name: "slapd",
        program: process::Program { name: "slapd", package: "slapd" },
        protocols: &[Protocol::Ldap],
        configuration: slapd,
        arguments: |command, file, place| {
            let address = format!("ldap://127.0.0.1:{}", place.ports[0]);
            command.args(["-d", "0", "-h", &address, "-f"]).arg(file);
        },
    },
    Program {
        name: "vsftpd",
        program: process::Program { name: "vsftpd", package: "vsftpd" },
        protocols: &[Protocol::Ftp],
        configuration: vsftpd,
        arguments: |command, file, _| {
            command.arg(file);
        },
    },
];

/// Who runs the tests. Servers that would change to a user of their own stay that one.
fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(|| {
        let output = Command::new("id").arg("-un").output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

fn dovecot(place: &Place<'_>) -> String {
    let dir = place.dir.display();
    let listeners = [
        ("imap-login", "imap", "imaps"),
        ("pop3-login", "pop3", "pop3s"),
        ("managesieve-login", "sieve", ""),
        ("lmtp", "lmtp", ""),
    ];
    // Dovecot will not be root, nor one and the same user for everything.
    let users = match user() {
        "root" => ("dovecot", "dovenull", "dovecot"),
        user => (user, user, user),
    };
    let mut text = format!(
        "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = /dev/stderr\n\
         default_internal_user = {}\ndefault_login_user = {}\n\
         protocols = imap pop3 lmtp sieve\nlisten = 127.0.0.1\n\
         mail_location = maildir:{dir}/mail\ndisable_plaintext_auth = no\n\
         passdb {{\n driver = static\n args = password=secret\n}}\n\
         userdb {{\n driver = static\n args = uid={} gid={} home={dir}\n}}\n",
        users.0, users.1, users.2, users.2
    );
    for ((service, listener, implicit), port) in listeners.iter().zip(place.ports) {
        text += &format!(
            "service {service} {{\n chroot =\n inet_listener {listener} {{\n port = {port}\n }}\n"
        );
        if !implicit.is_empty() {
            text += &format!(" inet_listener {implicit} {{\n port = 0\n }}\n");
        }
        text += "}\n";
    }
    text += &match place.tls {
        Some(tls) => format!(
            "ssl = required\nssl_cert = <{}\nssl_key = <{}\n",
            tls.chain.display(),
            tls.key.display()
        ),
        None => "ssl = no\n".to_owned(),
    };
    text
}

fn exim(place: &Place<'_>) -> String {
    let (dir, port, user) = (place.dir.display(), place.ports[0], user());
    let tls = match place.tls {
        Some(tls) => format!(
            "tls_advertise_hosts = *\ntls_certificate = {}\ntls_privatekey = {}\n",
            tls.chain.display(),
            tls.key.display()
        ),
        None => "tls_advertise_hosts =\n".to_owned(),
    };
    format!(
        "exim_user = {user}\nexim_group = {user}\nspool_directory = {dir}\n\
         log_file_path = {dir}/%slog\npid_file_path = {dir}/pid\n\
         primary_hostname = {NAME}\nkeep_environment =\nqueue_only\n\
         local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {port}\nacl_smtp_rcpt = accept\n{tls}\
         begin acl\nbegin routers\nbegin transports\n"
    )
}

fn mariadb(place: &Place<'_>) -> String {
    let (dir, port, user) = (place.dir.display(), place.ports[0], user());
    fs::create_dir(place.dir.join("data")).unwrap();
    let tls = match place.tls {
        Some(tls) => format!(
            "ssl-cert={}\nssl-key={}\nssl-ca={}\n",
            tls.chain.display(),
            tls.key.display(),
            place.root.display()
        ),
        None => "skip-ssl\n".to_owned(),
    };
    // Without tables of users everybody may log in.
    format!(
        "[mysqld]\nuser={user}\ndatadir={dir}/data\nsocket={dir}/socket\nport={port}\n\
         bind-address=127.0.0.1\nskip-grant-tables\nskip-networking=0\nskip-innodb\n\
         default-storage-engine=MyISAM\n{tls}"
    )
}

fn prosody(place: &Place<'_>) -> String {
    let (dir, client, server) = (place.dir.display(), place.ports[0], place.ports[1]);
    let tls = match place.tls {
        Some(tls) => format!(
            "modules_enabled = {{ \"tls\", \"saslauth\" }}\n\
             ssl = {{ certificate = \"{}\"; key = \"{}\" }}\n",
            tls.chain.display(),
            tls.key.display()
        ),
        None => "modules_enabled = { \"saslauth\" }\nmodules_disabled = { \"tls\" }\n".to_owned(),
    };
    format!(
        "run_as_root = true\ninterfaces = {{ \"127.0.0.1\" }}\nc2s_ports = {{ {client} }}\n\
         s2s_ports = {{ {server} }}\nc2s_direct_tls_ports = {{}}\ns2s_direct_tls_ports = {{}}\n\
         data_path = \"{dir}\"\npidfile = \"{dir}/pid\"\ncertificates = \"{dir}\"\n\
         log = {{ info = \"*console\" }}\n{tls}VirtualHost \"{NAME}\"\n"
    )
}

fn slapd(place: &Place<'_>) -> String {
    let dir = place.dir.display();
    let tls = match place.tls {
        Some(tls) => format!(
            "TLSCertificateFile {}\nTLSCertificateKeyFile {}\nTLSCACertificateFile {}\n",
            tls.chain.display(),
            tls.key.display(),
            place.root.display()
        ),
        None => String::new(),
    };
    format!("pidfile {dir}/pid\n{tls}")
}

fn vsftpd(place: &Place<'_>) -> String {
    let (dir, port) = (place.dir.display(), place.ports[0]);
    let tls = match place.tls {
        Some(tls) => format!(
            "ssl_enable=YES\nssl_tlsv1=YES\nssl_ciphers=HIGH\nallow_anon_ssl=YES\n\
             rsa_cert_file={}\nrsa_private_key_file={}\n",
            tls.chain.display(),
            tls.key.display()
        ),
        None => "ssl_enable=NO\n".to_owned(),
    };
    format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n\
         run_as_launching_user=YES\nseccomp_sandbox=NO\nanonymous_enable=YES\n\
         anon_root={dir}\nsecure_chroot_dir={dir}\n{tls}"
    )
}
