//! Several `polytls serve` with the same ticket keys.
//!
//! How long the fleets are under load is told by `POLYTLS_FLEET_SECONDS`; a few seconds each if it is not set.

mod load;
mod redis;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use polytls::{Capability, Version};

use crate::support::{BACKENDS, Certificates, Serving, can, polytls};
use load::{Tally, client, come, visit};
use redis::Redis;

/// Backends whose servers read each other's tickets: three servers of each, in turn.
const FAMILIES: &[&[&str]] = &[&["rustls", "rustls-ring"], &["openssl"], &["boring"]];
const SERVERS: usize = 3;
const ROTATION: Duration = Duration::from_secs(2);
/// Connections a second, by as many clients as there are processors to spare.
const RATE: u32 = 100;
const CLIENTS: u32 = 4;

/// The families in this build, without what is not.
fn families() -> Vec<Vec<&'static str>> {
    let known = |name: &&&str| BACKENDS.iter().any(|backend| backend == **name);
    let families = FAMILIES.iter().map(|family| family.iter().filter(known).copied().collect());
    families.filter(|family: &Vec<_>| !family.is_empty()).collect()
}

fn seconds(few: u64) -> Duration {
    let told = env::var("POLYTLS_FLEET_SECONDS").ok();
    Duration::from_secs(told.map_or(few, |told| told.parse().expect("a number of seconds")))
}

/// Fleets under load one after the other, or none would get its share of the machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Fleet<'a> {
    files: &'a Certificates,
    family: Vec<&'static str>,
    keys: String,
    places: [RwLock<Option<std::net::SocketAddr>>; SERVERS],
    running: [Mutex<Option<Serving>>; SERVERS],
}

impl<'a> Fleet<'a> {
    fn start(files: &'a Certificates, family: Vec<&'static str>, keys: &str) -> Self {
        let fleet = Self {
            files,
            family,
            keys: keys.to_owned(),
            places: Default::default(),
            running: Default::default(),
        };
        (0..SERVERS).for_each(|i| fleet.start_one(i));
        fleet
    }

    fn start_one(&self, i: usize) {
        let backend = self.family[i % self.family.len()];
        let server = self.files.echo(backend, &["--ticket-keys", &self.keys]);
        *self.places[i].write().unwrap() = Some(server.address);
        *self.running[i].lock().unwrap() = Some(server);
    }

    /// Kills one without a warning, while nobody visits it.
    fn kill_one(&self, i: usize) {
        *self.places[i].write().unwrap() = None;
        self.running[i].lock().unwrap().take().unwrap().process.kill();
    }

    /// Puts it under load while `meanwhile` has something done to it, and shows what came of it.
    fn under_load(&self, what: &str, meanwhile: impl FnOnce(&Self) + Send) {
        let root = self.files.authority.certificate();
        let backend =
            BACKENDS.iter().find(|backend| can(backend, Capability::ResumeClient)).unwrap();
        let versions = [Version::Tls13, Version::Tls12].into_iter().cycle();
        let clients = versions.map(|version| client(backend, &root, version));
        let clients = clients.take(CLIENTS as usize).collect::<Vec<_>>();
        let tally = Tally::default();
        let begin = Instant::now();
        thread::scope(|scope| {
            let load = scope.spawn(|| come(&clients, RATE / CLIENTS, &self.places, &tally));
            meanwhile(self);
            tally.stop();
            // A handshake that failed has panicked in there.
            load.join().unwrap();
        });
        let (attempts, resumed) = (tally.attempts(), tally.resumed());
        let (time, family) = (begin.elapsed().as_secs_f64(), self.family.join(" and "));
        println!(
            "{family}, {what}: {resumed} of {attempts} resumed ({:.3} %), {:.0} a second for {time:.1} s",
            100.0 * resumed as f64 / attempts as f64,
            attempts as f64 / time,
        );
        assert!(attempts > 20, "there was no load");
        assert!(resumed * 100 > attempts * 99, "{resumed} of {attempts} resumed");
    }

    /// Stops all, and gives what they said.
    fn stop(self) -> Vec<String> {
        let running = self.running.into_iter().filter_map(|one| one.into_inner().unwrap());
        running.map(|server| server.terminate().expect(0).stderr).collect()
    }
}

/// Sleeps until `part` of `whole` is over.
fn sleep_until(begin: Instant, whole: Duration, part: f64) {
    thread::sleep((begin + whole.mul_f64(part)).saturating_duration_since(Instant::now()));
}

#[test]
fn a_fleet_with_a_file_resumes_while_its_keys_change() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let files = Certificates::with_server();
    for (i, family) in families().into_iter().enumerate() {
        let keys = files.path(&format!("keys{i}"));
        polytls(["ticket-keys", "new", &keys]).expect(0);
        let fleet = Fleet::start(&files, family, &keys);
        let time = seconds(4);
        fleet.under_load("keys in a file", |_| {
            let begin = Instant::now();
            let mut due = begin;
            while begin.elapsed() < time {
                polytls(["ticket-keys", "rotate", &keys]).expect(0);
                due += ROTATION;
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        for said in fleet.stop() {
            assert_eq!(said, "");
        }
    }
}

#[test]
fn a_fleet_with_redis_resumes_while_redis_and_a_server_are_killed() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|e| e.into_inner());
    let files = Certificates::with_server();
    for family in families() {
        let mut redis = Redis::start();
        let fleet = Fleet::start(&files, family, &redis.url("?rotate=2"));
        let time = seconds(6);
        fleet.under_load("keys in Redis", |fleet| {
            let begin = Instant::now();
            sleep_until(begin, time, 0.2);
            fleet.kill_one(0);
            sleep_until(begin, time, 0.35);
            fleet.start_one(0);
            sleep_until(begin, time, 0.5);
            redis.kill();
            sleep_until(begin, time, 0.75);
            redis.restart();
            sleep_until(begin, time, 1.0);
        });
        for said in fleet.stop() {
            let lines = said.lines().collect::<Vec<_>>();
            let [failed @ .., again] = &lines[..] else { panic!("nothing was said of Redis") };
            // In more than one way: cut off, then refused.
            assert!(!failed.is_empty(), "{said}");
            for line in failed {
                assert!(line.starts_with("warning: ticket keys: io("), "{said}");
                assert!(line.ends_with(": those in place stay"), "{said}");
            }
            assert_eq!(*again, "ticket keys: their source answers again");
        }
    }
}

#[test]
fn servers_of_different_families_serve_one_another_s_clients_in_full() {
    let files = Certificates::with_server();
    let keys = files.path("keys");
    polytls(["ticket-keys", "new", &keys]).expect(0);
    let backends = families().into_iter().map(|family| family[0]).collect::<Vec<_>>();
    let servers = backends.iter().map(|backend| files.echo(backend, &["--ticket-keys", &keys]));
    let servers = servers.collect::<Vec<_>>();
    let root = files.authority.certificate();
    for version in [Version::Tls12, Version::Tls13] {
        for backend in &backends {
            let client = client(backend, &root, version);
            for round in 0..3 {
                for (server, of) in servers.iter().zip(&backends) {
                    let resumed = visit(&client, server.address);
                    // With one family alone there is no other in between.
                    let expected = servers.len() == 1 && round > 0;
                    assert_eq!(resumed, expected, "{backend} at {of}, {version}, round {round}");
                }
            }
            for (server, of) in servers.iter().zip(&backends) {
                let _ = visit(&client, server.address);
                assert!(visit(&client, server.address), "{backend} at {of}, {version}, again");
            }
        }
    }
    for server in servers {
        assert_eq!(server.terminate().expect(0).stderr, "");
    }
}

#[test]
fn a_file_of_keys_is_made_changed_and_checked() {
    let files = Certificates::with_server();
    let keys = files.path("keys");
    let run = |what: &str| polytls(["ticket-keys", what, &keys]);
    assert!(run("rotate").expect(2).has_config_error_about(&keys));
    assert_eq!(run("new").expect(0).text(), format!("{keys}: a key of revision 1\n"));
    assert!(run("new").expect(2).has_config_error_about(&keys));
    for revision in 2..7 {
        let said = format!("{keys}: a new key of revision {revision}\n");
        assert_eq!(run("rotate").expect(0).text(), said);
    }
    let text = fs::read_to_string(&keys).unwrap();
    let revisions = text.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(revisions, ["6", "5", "4", "3"]);
    let mode = |mode| fs::set_permissions(&keys, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);

    let serve = || {
        let identity = files.identity("server");
        let args = ["serve", "127.0.0.1:0", "--echo", "--ticket-keys", &keys].map(str::to_owned);
        polytls(args.into_iter().chain(identity))
    };
    mode(0o640);
    assert!(run("rotate").expect(2).stderr.contains("mode 0640, should be 0600"));
    assert!(serve().expect(2).has_config_error_about(&keys));
    mode(0o600);
    fs::write(&keys, "1 junk\n").unwrap();
    let refused = serve().expect(2);
    assert!(refused.stderr.contains(&format!("{keys}: line 1: ")), "{}", refused.stderr);
}

#[test]
fn a_file_that_becomes_unusable_is_said_to_be_and_changes_nothing() {
    let Some(backend) = BACKENDS.iter().find(|backend| can(backend, Capability::ResumeServer))
    else {
        return; // no backend in this build reads keys
    };
    let files = Certificates::with_server();
    let keys = files.path("keys");
    polytls(["ticket-keys", "new", &keys]).expect(0);
    let before = fs::read_to_string(&keys).unwrap();
    let server = files.echo(backend, &["--ticket-keys", &keys]);
    let client = client(backend, &files.authority.certificate(), Version::Tls12);
    assert!(!visit(&client, server.address));
    fs::write(&keys, "1 junk\n").unwrap();
    thread::sleep(Duration::from_secs(1));
    assert!(visit(&client, server.address));
    fs::write(&keys, before).unwrap();
    thread::sleep(Duration::from_secs(1));
    assert!(visit(&client, server.address));
    let said = server.terminate().expect(0).stderr;
    let lines = said.lines().collect::<Vec<_>>();
    let [failed, again] = lines[..] else { panic!("{said}") };
    assert!(failed.starts_with("warning: ticket keys: config: ") && failed.contains("line 1"));
    assert_eq!(again, "ticket keys: their source answers again");
}

#[test]
fn a_lifetime_of_nothing_resumes_nothing_and_a_short_one_for_a_short_time() {
    let files = Certificates::with_server();
    for backend in families().concat() {
        let root = files.authority.certificate();
        let (lasting, none) = (client(backend, &root, Version::Tls12), ["--session-lifetime", "0"]);
        let server = files.echo(backend, &none);
        assert!(!visit(&lasting, server.address) && !visit(&lasting, server.address));
        let server = files.echo(backend, &["--session-lifetime", "2"]);
        assert!(!visit(&lasting, server.address) && visit(&lasting, server.address));
        // Libraries count whole seconds, and some let the last one pass.
        thread::sleep(Duration::from_millis(3050));
        assert!(!visit(&lasting, server.address));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let files = Certificates::with_server();
    let keys = files.path("keys");
    polytls(["ticket-keys", "new", &keys]).expect(0);
    let serve = |more: &[&str]| {
        let identity = files.identity("server");
        let args = ["serve", "127.0.0.1:0", "--echo"].iter().chain(more).map(|&arg| arg.to_owned());
        polytls(args.chain(identity).collect::<Vec<_>>()).expect(2)
    };
    for (more, why) in [
        (&["--session-lifetime", "1"][..], "2 to 86400 seconds"),
        (&["--session-lifetime", "86401"], "2 to 86400 seconds"),
        (&["--session-lifetime", "x"], "'--session-lifetime <SECONDS>'"),
        (&["--ticket-keys", &keys, "--session-lifetime", "0"], "for nothing"),
        (&["--ticket-keys", "/no/such/file"], "/no/such/file"),
        (&["--ticket-keys", "redis://:s@crat@host/x"], "the URL of Redis is unusable"),
        (&["--ticket-keys", "rediss://:s@crat@host"], "no TLS towards Redis"),
        (&["--ticket-keys", "http://:s@crat@host"], "does not begin with redis://"),
    ] {
        let said = serve(more).stderr;
        assert!(said.contains(why), "{more:?}: {said}");
        assert!(!said.contains("crat"), "{said}");
    }
    for backend in BACKENDS.iter().filter(|backend| !can(backend, Capability::ResumeServer)) {
        let refused = serve(&["--backend", backend, "--ticket-keys", &keys]);
        assert!(refused.has_error("unsupported(resume-server)"), "{}", refused.stderr);
    }
}
