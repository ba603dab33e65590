//! What is not data: key updates, tickets, alerts and the end, before and after a kernel begins.

use std::task::ready;
use std::time::Duration;

use tls_core::{
    Alert, Backend, Capability, ErrorKind, KernelTransport, Result, Resumption, SendPath, Server,
    Stream, TicketKeys, Tickets, Version, Versions,
};

use super::super::cases;
use super::{Both, ROOM, established, give, in_version, of_side, required, talk};
use crate::kernel::{Kernel, Soft};
use crate::pair::{Ends, Side, kind, pattern};
use crate::streams::{both, now, pass, poll_receive, poll_send};
use crate::told;

cases! { "kernel";
    Pair a_client_after_key_updates [Tls13Client KernelTls KeyUpdate] [Tls13Server KeyUpdate]
        "A client's kernel begins with the keys in use after key updates by both sides.";
    Pair a_server_after_key_updates [Tls13Client KeyUpdate] [Tls13Server KernelTls KeyUpdate]
        "A server's kernel begins with the keys in use after key updates by both sides.";
    Pair a_client_owes_a_key_update [Tls13Client KernelTls] [Tls13Server KeyUpdate]
        "A client that was asked for new keys takes them before its kernel begins.";
    Pair a_server_owes_a_key_update [Tls13Client KeyUpdate] [Tls13Server KernelTls]
        "A server that was asked for new keys takes them before its kernel begins.";
    Pair a_clients_kernel_follows_key_updates [Tls13Client KernelTls] [Tls13Server KeyUpdate]
        "A client's kernel is given new keys when the peer takes some, and asks for some.";
    Pair a_servers_kernel_follows_key_updates [Tls13Client KeyUpdate] [Tls13Server KernelTls]
        "A server's kernel is given new keys when the peer takes some, and asks for some.";
    Pair a_clients_kernel_takes_new_keys [Tls13Client KernelTls KeyUpdate] [Tls13Server]
        "A client takes new keys, asked to and by itself, while its kernel has the records.";
    Pair a_servers_kernel_takes_new_keys [Tls13Client] [Tls13Server KernelTls KeyUpdate]
        "A server takes new keys, asked to and by itself, while its kernel has the records.";
    Pair a_client_without_new_keys_ends [Tls13Client KernelTls] [Tls13Server KeyUpdate]
        "Where the kernel takes no new keys, a client refuses those of its peer by name, and says so.";
    Pair a_server_without_new_keys_ends [Tls13Client KeyUpdate] [Tls13Server KernelTls]
        "Where the kernel takes no new keys, a server refuses those of its peer by name, and says so.";
    Pair tickets_come_to_a_clients_kernel [Tls13Client KernelTls] [Tls13Server]
        "Tickets that come after a client's kernel has begun do no harm.";
    Pair a_client_is_resumed_afterwards [Tls13Client ResumeClient ReportResumed KernelTls] [Tls13Server ResumeServer]
        "A client resumes a session whose ticket came before its kernel began.";
    Pair a_server_resumes_afterwards [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer KernelTls]
        "A server resumes a session after its kernel has begun on the first connection.";
    Pair a_client_in_tls12_is_resumed_afterwards [Tls12Client ResumeClient ReportResumed KernelTls] [Tls12Server ResumeServer]
        "In TLS 1.2 a client resumes a session after its kernel has begun, and its kernel goes on with that too.";
    Pair a_clients_kernel_closes [KernelTls] []
        "close_notify passes a client's kernel both ways.";
    Pair a_servers_kernel_closes [] [KernelTls]
        "close_notify passes a server's kernel both ways.";
    Pair a_client_that_was_closed_to [KernelTls] []
        "A client's kernel can begin after its peer has closed, behind data that nobody has read.";
    Pair alerts_pass_the_kernels [KernelTls] [KernelTls]
        "A fatal alert that the kernel decrypts ends a connection by its name.";
    Pair a_client_sees_truncation [KernelTls] []
        "The end of the transport without close_notify is an unexpected end, also in the middle of a record.";
    Pair a_server_sees_truncation [] [KernelTls]
        "The end of the transport without close_notify is an unexpected end, also in the middle of a record.";
    Pair a_client_refuses_bad_records [KernelTls] []
        "A record that a client's kernel cannot decrypt is a bad record, after the data before it.";
    Pair a_server_refuses_bad_records [] [KernelTls]
        "A record that a server's kernel cannot decrypt is a bad record, after the data before it.";
    Pair unknown_records_are_refused [KernelTls] [KernelTls]
        "A record of no known type, an empty alert and an unexpected message are no protocol.";
}

fn update(from: &mut Stream<Soft>) -> Result<()> {
    now(|cx| from.poll_update_keys(cx))?;
    now(|cx| from.poll_flush(cx))
}

fn after_key_updates(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = in_version(side, Version::Tls13, client, server, Kernel::ABLE)?;
    let (ours, theirs) = both.sides(side);
    for _ in 0..3 {
        update(ours)?;
        talk(ours, theirs)?;
        update(theirs)?;
        talk(ours, theirs)?;
    }
    update(ours)?;
    give(ours)?;
    talk(ours, theirs)
}

fn a_client_after_key_updates(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    after_key_updates(Side::Client, client, server)
}

fn a_server_after_key_updates(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    after_key_updates(Side::Server, client, server)
}

fn owes_a_key_update(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = in_version(side, Version::Tls13, client, server, Kernel::ABLE)?;
    let (ours, theirs) = both.sides(side);
    update(theirs)?;
    // It may wait for the next write.
    assert_eq!(pass(theirs, ours, b"x", 1)?, b"x");
    give(ours)?;
    talk(ours, theirs)
}

fn a_client_owes_a_key_update(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    owes_a_key_update(Side::Client, client, server)
}

fn a_server_owes_a_key_update(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    owes_a_key_update(Side::Server, client, server)
}

fn follows_key_updates(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = in_version(side, Version::Tls13, client, server, Kernel::ABLE)?;
    let (ours, theirs) = both.sides(side);
    give(ours)?;
    for _ in 0..3 {
        update(theirs)?;
        talk(theirs, ours)?;
    }
    Ok(())
}

fn a_clients_kernel_follows_key_updates(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    follows_key_updates(Side::Client, client, server)
}

fn a_servers_kernel_follows_key_updates(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    follows_key_updates(Side::Server, client, server)
}

fn takes_new_keys(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((mut c, mut s), only) = (required(&[side]), Versions::only(Version::Tls13));
    match side {
        Side::Client => c = c.key_update_after(5),
        Side::Server => s = s.key_update_after(5),
    }
    let configs = (c.versions(only), s.versions(only));
    let mut both = established(configs, client, server, Kernel::ABLE)?;
    let (ours, theirs) = both.sides(side);
    // By its library first.
    update(ours)?;
    talk(ours, theirs)?;
    give(ours)?;
    for _ in 0..3 {
        update(ours)?;
        talk(ours, theirs)?;
    }
    Ok(())
}

fn a_clients_kernel_takes_new_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    takes_new_keys(Side::Client, client, server)
}

fn a_servers_kernel_takes_new_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    takes_new_keys(Side::Server, client, server)
}

fn without_new_keys(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let kernel = Kernel { rekeys: false, ..Kernel::ABLE };
    let mut both = in_version(side, Version::Tls13, client, server, kernel)?;
    let (ours, theirs) = both.sides(side);
    give(ours)?;
    talk(ours, theirs)?;
    update(theirs)?;
    let mut rest = &b"under new keys"[..];
    now(|cx| poll_send(cx, theirs, &mut rest))?;
    let read = now(|cx| ours.poll_read(cx, &mut [0; 10]));
    assert_eq!(kind(read), ErrorKind::Unsupported(Capability::KeyUpdate));
    let read = now(|cx| theirs.poll_read(cx, &mut [0; 10]));
    assert_eq!(kind(read), ErrorKind::AlertReceived(Alert::INTERNAL_ERROR));
    Ok(())
}

fn a_client_without_new_keys_ends(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    without_new_keys(Side::Client, client, server)
}

fn a_server_without_new_keys_ends(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    without_new_keys(Side::Server, client, server)
}

fn tickets_come_to_a_clients_kernel(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (required(&[Side::Client]), Versions::only(Version::Tls13));
    let ends = Ends::new((client, c.versions(only)), (server, s.versions(only)))?;
    let mut two = Both::of(&ends, ROOM, Kernel::ABLE)?;
    let Both { client, server } = &mut two;
    // The client is done before the server gives its tickets.
    let (given, done) = both(
        |cx| {
            ready!(client.poll_handshake(cx))?;
            client.poll_kernel(cx)
        },
        |cx| server.poll_handshake(cx),
    );
    given.and(done.map(|()| SendPath::Kernel))?;
    assert_eq!(client.send_path(), SendPath::Kernel);
    assert_eq!(pass(server, client, b"after the tickets", 5)?, b"after the tickets");
    talk(client, server)
}

/// A connection whose `side` gives its records to a kernel after data was sent, and then another one.
fn resumes(side: Side, version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (required(&[side]), Versions::only(version));
    let keys = TicketKeys::automatic(Duration::from_secs(3600))?;
    let c = c.versions(only).resumption(Resumption::Memory(8));
    let s = s.versions(only).tickets(Tickets::Keys(keys));
    let mut ends = Ends::new((client, c), (server, s.clone()))?;
    for round in 0..2 {
        // Another one of the same fleet: it resumes by the keys that it was given, or not at all.
        ends.server = Server::new(&s.clone().build()?, server)?;
        let mut two = Both::of(&ends, ROOM, Kernel::ABLE)?;
        two.handshake()?;
        let (ours, theirs) = two.sides(side);
        // With what comes before data.
        assert_eq!(pass(theirs, ours, b"x", 1)?, b"x");
        assert_eq!(pass(ours, theirs, b"y", 1)?, b"y");
        give(ours)?;
        talk(ours, theirs)?;
        let facts = two.client.negotiated().expect("a handshake");
        assert_eq!(told::resumed(&facts)?, round == 1);
        let Both { client, server } = &mut two;
        let (client, server) = both(|cx| client.poll_shutdown(cx), |cx| server.poll_shutdown(cx));
        client.and(server)?;
    }
    Ok(())
}

fn a_client_is_resumed_afterwards(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    resumes(Side::Client, Version::Tls13, client, server)
}

fn a_server_resumes_afterwards(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    resumes(Side::Server, Version::Tls13, client, server)
}

fn a_client_in_tls12_is_resumed_afterwards(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    resumes(Side::Client, Version::Tls12, client, server)
}

fn closes(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = of_side(side, client, server)?;
    let (ours, theirs) = both.sides(side);
    give(ours)?;
    talk(ours, theirs)?;
    let mut rest = &b"the last"[..];
    now(|cx| poll_send(cx, ours, &mut rest))?;
    now(|cx| ours.poll_close_notify(cx))?;
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, theirs, &mut got, 8, 8))?;
    assert_eq!(now(|cx| theirs.poll_read(cx, &mut [0; 10]))?, 0);
    now(|cx| theirs.poll_close_notify(cx))?;
    assert_eq!(now(|cx| ours.poll_read(cx, &mut [0; 10]))?, 0);
    assert!(ours.close_received());
    Ok(())
}

fn a_clients_kernel_closes(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    closes(Side::Client, client, server)
}

fn a_servers_kernel_closes(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    closes(Side::Server, client, server)
}

fn a_client_that_was_closed_to(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    // In TLS 1.2 some can only answer in kind.
    let Both { mut client, mut server } = of_side(Side::Client, client, server)?;
    let data = pattern(20_000);
    let mut rest = &data[..];
    now(|cx| poll_send(cx, &mut server, &mut rest))?;
    now(|cx| server.poll_close_notify(cx))?;
    give(&mut client)?;
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, &mut client, &mut got, data.len(), 3_000))?;
    assert!(got == data);
    assert_eq!(now(|cx| client.poll_read(cx, &mut [0; 10]))?, 0);
    now(|cx| client.poll_close_notify(cx))?;
    assert_eq!(now(|cx| server.poll_read(cx, &mut [0; 10]))?, 0);
    Ok(())
}

/// A record that no library sends.
fn send(from: &mut Stream<Soft>, kind: u8, payload: &[u8]) {
    let transport = from.transport_mut();
    let taken = now(|cx| transport.poll_send_record(cx, kind, payload)).expect("sent");
    assert_eq!(taken, payload.len());
}

fn alerts_pass_the_kernels(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const ALERT: u8 = 21;
    for side in Side::BOTH {
        for alert in [Alert::INTERNAL_ERROR, Alert::DECODE_ERROR] {
            let configs = required(&Side::BOTH);
            let mut both = established(configs, client, server, Kernel::ABLE)?;
            let (ours, theirs) = both.sides(side);
            give(ours)?;
            give(theirs)?;
            talk(ours, theirs)?;
            send(theirs, ALERT, &[2, alert.0]);
            let read = now(|cx| ours.poll_read(cx, &mut [0; 10]));
            assert_eq!(kind(read), ErrorKind::AlertReceived(alert));
        }
    }
    Ok(())
}

fn sees_truncation(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for part in [&[][..], &[23, 3, 3], &[23, 3, 3, 1, 0, 7, 7]] {
        let Both { client, server } = of_side(side, client, server)?;
        let (mut ours, theirs) = match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        give(&mut ours)?;
        let mut transport = theirs.into_transport().transport;
        if !part.is_empty() {
            transport.inject(part);
        }
        drop(transport);
        let read = now(|cx| ours.poll_read(cx, &mut [0; 10]));
        assert_eq!(kind(read), ErrorKind::UnexpectedEof);
    }
    Ok(())
}

fn a_client_sees_truncation(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    sees_truncation(Side::Client, client, server)
}

fn a_server_sees_truncation(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    sees_truncation(Side::Server, client, server)
}

fn refuses_bad_records(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut both = of_side(side, client, server)?;
    let (ours, theirs) = both.sides(side);
    give(ours)?;
    let mut rest = &b"good"[..];
    now(|cx| poll_send(cx, theirs, &mut rest))?;
    theirs.transport_mut().inject(&[&[23, 3, 3, 0, 40][..], &[7; 40]].concat());
    let mut got = Vec::new();
    now(|cx| poll_receive(cx, ours, &mut got, 4, 4))?;
    assert_eq!(got, b"good");
    let read = now(|cx| ours.poll_read(cx, &mut [0; 10]));
    assert_eq!(kind(read), ErrorKind::BadRecord);
    let written = ours.transport().written.len();
    let wrote = now(|cx| ours.poll_write(cx, b"more"));
    assert_eq!(kind(wrote), ErrorKind::BadRecord);
    assert_eq!(ours.transport().written.len(), written);
    Ok(())
}

fn a_client_refuses_bad_records(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    refuses_bad_records(Side::Client, client, server)
}

fn a_server_refuses_bad_records(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    refuses_bad_records(Side::Server, client, server)
}

fn unknown_records_are_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for side in Side::BOTH {
        // No known type, half an alert, a Finished message.
        for (record, payload) in [(99, &b"x"[..]), (21, &[2]), (22, &[20, 0, 0, 0])] {
            let configs = required(&Side::BOTH);
            let mut both = established(configs, client, server, Kernel::ABLE)?;
            let (ours, theirs) = both.sides(side);
            give(ours)?;
            give(theirs)?;
            talk(ours, theirs)?;
            send(theirs, record, payload);
            let read = now(|cx| ours.poll_read(cx, &mut [0; 10]));
            assert_eq!(kind(read), ErrorKind::Protocol, "type {record}");
            let read = now(|cx| theirs.poll_read(cx, &mut [0; 10]));
            assert!(matches!(kind(read), ErrorKind::AlertReceived(_)), "type {record}");
        }
    }
    Ok(())
}
