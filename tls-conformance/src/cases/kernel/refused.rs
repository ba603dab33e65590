//! A kernel that does not take the records, or not yet: the same bytes by the library.

use std::io;
use std::task::ready;

use tls_core::{
    Backend, Capability, Direction, ErrorKind, KernelRefusal, KernelTls, Result, SendPath, Stream,
};

use super::super::cases;
use super::{Both, established, give, of_side, required, talk};
use crate::kernel::{Kernel, Soft};
use crate::pair::{Side, configs, kind, pattern};
use crate::streams::{both, now, poll_receive, poll_send};

cases! { "kernel";
    Pair a_client_without_a_kernel [KernelTls] []
        "Where a client's kernel cannot, its library goes on, sends files, and tells why.";
    Pair a_server_without_a_kernel [] [KernelTls]
        "Where a server's kernel cannot, its library goes on, sends files, and tells why.";
    Pair a_required_kernel_that_is_not_there [KernelTls] []
        "A client that may not do without a kernel refuses to send a file by that name, and goes on.";
    Pair a_server_whose_required_kernel_is_not_there [] [KernelTls]
        "A server that may not do without a kernel refuses to send a file by that name, and goes on.";
    Pair no_kernel_unless_wanted [KernelTls] [KernelTls]
        "Without being allowed to, no kernel is given the records.";
    Pair a_client_in_the_middle_of_a_record [KernelTls] []
        "A kernel does not begin in the middle of a record, and can once the rest is there.";
    Pair a_server_in_the_middle_of_a_record [] [KernelTls]
        "A kernel does not begin in the middle of a record, and can once the rest is there.";
    Pair a_client_whose_keys_are_not_taken [KernelTls] []
        "A kernel that takes no keys after it was asked ends the connection, and nothing goes out in clear.";
    Pair a_server_whose_keys_are_not_taken [] [KernelTls]
        "A kernel that takes no keys after it was asked ends the connection, and nothing goes out in clear.";
}

/// Whether this is the reason.
type IsTold = fn(&KernelRefusal) -> bool;

/// What may be wrong with a kernel, and how it is told.
fn unable() -> Vec<(Kernel, IsTold)> {
    let able = Kernel::ABLE;
    let not_found = Err(io::ErrorKind::NotFound);
    vec![
        (Kernel { is_there: false, ..able }, |why| *why == KernelRefusal::NoDescriptor),
        (Kernel { knows: not_found, ..able }, |why| {
            *why == KernelRefusal::NoUlp(io::ErrorKind::NotFound)
        }),
        (Kernel { attaches: Err(io::ErrorKind::NotConnected), ..able }, |why| {
            *why == KernelRefusal::NoUlp(io::ErrorKind::NotConnected)
        }),
        (Kernel { knows: Ok(false), ..able }, |why| matches!(why, KernelRefusal::CipherSuite(..))),
    ]
}

/// Sends a file, and says which way.
fn send_file(ours: &mut Stream<Soft>, theirs: &mut Stream<Soft>) -> Result<SendPath> {
    let data = pattern(50_000);
    let mut file = tempfile::tempfile().expect("a file");
    io::Write::write_all(&mut file, &data).expect("written");
    let (mut at, mut got) = (0, Vec::new());
    let sent = now(|cx| ours.poll_sendfile(cx, &file, 0, 1))?;
    assert_eq!(sent, 1);
    at += sent;
    let (sent, received) = both(
        |cx| {
            while at < 50_000 {
                at += ready!(ours.poll_sendfile(cx, &file, at, 50_000 - at))?;
            }
            ours.poll_flush(cx)
        },
        |cx| poll_receive(cx, theirs, &mut got, data.len(), 9_000),
    );
    sent.and(received)?;
    assert!(got == data);
    Ok(ours.send_path())
}

fn without_a_kernel(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    // It works, and so may be wanted.
    give(of_side(side, client, server)?.sides(side).0)?;
    for (kernel, is_told) in unable() {
        let (mut c, mut s) = configs();
        match side {
            Side::Client => c = c.kernel_tls(KernelTls::Auto),
            Side::Server => s = s.kernel_tls(KernelTls::Auto),
        }
        let mut both = established((c, s), client, server, kernel)?;
        let (ours, theirs) = both.sides(side);
        assert_eq!(send_file(ours, theirs)?, SendPath::UserSpace);
        let why = ours.kernel_refusal().expect("a reason");
        assert!(is_told(&why), "{why}");
        assert_eq!(now(|cx| ours.poll_kernel(cx))?, SendPath::UserSpace);
        talk(ours, theirs)?;
    }
    Ok(())
}

fn a_client_without_a_kernel(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    without_a_kernel(Side::Client, client, server)
}

fn a_server_without_a_kernel(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    without_a_kernel(Side::Server, client, server)
}

fn required_and_absent(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    give(of_side(side, client, server)?.sides(side).0)?;
    for (kernel, _) in unable() {
        let mut both = established(required(&[side]), client, server, kernel)?;
        let (ours, theirs) = both.sides(side);
        let file = tempfile::tempfile().expect("a file");
        file.set_len(100).expect("a longer file");
        let sent = now(|cx| ours.poll_sendfile(cx, &file, 0, 100));
        assert_eq!(kind(sent), ErrorKind::Unsupported(Capability::KernelTls));
        talk(ours, theirs)?;
    }
    Ok(())
}

fn a_required_kernel_that_is_not_there(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    required_and_absent(Side::Client, client, server)
}

fn a_server_whose_required_kernel_is_not_there(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    required_and_absent(Side::Server, client, server)
}

fn no_kernel_unless_wanted(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for side in Side::BOTH {
        give(of_side(side, client, server)?.sides(side).0)?;
        let mut both = established(configs(), client, server, Kernel::ABLE)?;
        let (ours, theirs) = both.sides(side);
        assert_eq!(send_file(ours, theirs)?, SendPath::UserSpace);
        assert_eq!(ours.kernel_refusal(), Some(KernelRefusal::NotWanted));
        assert_eq!(now(|cx| ours.poll_kernel(cx))?, SendPath::UserSpace);
        talk(ours, theirs)?;
    }
    Ok(())
}

fn in_the_middle(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let Both { mut client, mut server } = of_side(side, client, server)?;
    talk(&mut client, &mut server)?;
    let (ours, theirs) = match side {
        Side::Client => (&mut client, &mut server),
        Side::Server => (&mut server, &mut client),
    };
    let before = theirs.transport().written.len();
    let mut rest = &b"a record"[..];
    theirs.transport_mut().holds_back = true;
    now(|cx| poll_send(cx, theirs, &mut rest))?;
    let held = theirs.transport_mut().take_held();
    assert!(theirs.transport().written.len() == before && held.len() > 8);
    // In its header, behind it, and before its end.
    let cuts = [0, 3, 5, 6, held.len() - 1, held.len()];
    for cut in cuts.windows(2) {
        theirs.transport_mut().inject(&held[cut[0]..cut[1]]);
        if cut[1] < held.len() {
            assert!(now_or_pending(ours)?, "a part of a record is no data");
            assert_eq!(now(|cx| ours.poll_kernel(cx))?, SendPath::UserSpace);
            assert_eq!(ours.kernel_refusal(), Some(KernelRefusal::PartialRecord));
        }
    }
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, ours, &mut got, 8, 8))?;
    assert_eq!(got, b"a record");
    give(ours)?;
    talk(ours, theirs)
}

/// Whether there is nothing to read.
fn now_or_pending(stream: &mut Stream<Soft>) -> Result<bool> {
    let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
    match stream.poll_read(cx, &mut [0; 100]) {
        std::task::Poll::Pending => Ok(true),
        std::task::Poll::Ready(read) => read.map(|_| false),
    }
}

fn a_client_in_the_middle_of_a_record(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    in_the_middle(Side::Client, client, server)
}

fn a_server_in_the_middle_of_a_record(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    in_the_middle(Side::Server, client, server)
}

fn keys_are_not_taken(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    give(of_side(side, client, server)?.sides(side).0)?;
    for direction in [Direction::Send, Direction::Receive] {
        let kernel = Kernel { refuses_keys: Some(direction), ..Kernel::ABLE };
        let mut both = established(required(&[side]), client, server, kernel)?;
        let (ours, theirs) = both.sides(side);
        talk(ours, theirs)?;
        let given = now(|cx| ours.poll_kernel(cx));
        assert_eq!(kind(given), ErrorKind::Io(io::ErrorKind::NotFound));
        let written = ours.transport().written.len();
        for _ in 0..2 {
            assert_eq!(
                kind(now(|cx| ours.poll_write(cx, b"secret"))),
                ErrorKind::Io(io::ErrorKind::NotFound)
            );
            let _ = now(|cx| ours.poll_flush(cx));
            let _ = now(|cx| ours.poll_close_notify(cx));
        }
        assert_eq!(ours.transport().written.len(), written, "sent in clear");
    }
    Ok(())
}

fn a_client_whose_keys_are_not_taken(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    keys_are_not_taken(Side::Client, client, server)
}

fn a_server_whose_keys_are_not_taken(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    keys_are_not_taken(Side::Server, client, server)
}
