//! What cannot be sent, or not all of it.

use std::fs::{File, OpenOptions};

use tls_core::{Backend, Connection, ErrorKind, Result};

use super::{file, send};
use crate::cases::cases;
use crate::pair::{Pair, Side, kind, pattern, ready};

cases! { "sendfile";
    Pair a_file_that_ends_early_is_sent_as_far_as_it_goes [] []
        "Of a file that ends before the range does, all that there is arrives, and then it is the file's fault.";
    Pair an_offset_beyond_the_end_is_the_files_fault [] []
        "At and beyond the end of a file there is nothing to send: that is told by its kind, with the offset and the length.";
    Pair a_range_without_an_end_is_refused [] []
        "A range beyond all numbers is refused before anything is sent.";
    Pair a_file_that_shrinks_is_sent_as_far_as_it_goes [] []
        "A file that shrinks meanwhile is sent as far as it goes, and the connection stays as it was.";
    Pair a_file_that_grows_is_sent_as_far_as_was_asked [] []
        "Of a file that grows meanwhile exactly the range arrives that was asked for.";
    Pair a_file_that_cannot_be_read_is_refused [] []
        "A file that is open for writing only is refused before anything is sent.";
    #[cfg(unix)]
    Pair a_directory_is_refused [] []
        "A directory is refused before anything is sent.";
    #[cfg(unix)]
    Pair pipes_and_sockets_are_refused [] []
        "What has no offsets, a pipe or a socket, is refused before anything is sent, also if data waits in it.";
    #[cfg(target_os = "linux")]
    Pair a_device_with_offsets_is_sent [] []
        "A device that can be read at an offset is sent as far as was asked, though it has no end.";
}

/// Nothing was taken, and the next file goes on its way.
#[track_caller]
fn refuses(
    from: &mut Connection,
    to: &mut Connection,
    bad: &File,
    offset: u64,
    len: u64,
) -> Result<String> {
    let refused = from.sendfile(bad, offset, len).expect_err("should be refused");
    assert_eq!(refused.kind(), ErrorKind::File, "{refused}");
    assert!(from.wire().pending().is_empty(), "something was sent");
    assert_eq!(send(from, to, &file(b"as it was"), 0, 9)?, b"as it was");
    Ok(refused.to_string())
}

fn established(client: &dyn Backend, server: &dyn Backend) -> Result<Pair> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    Ok(pair)
}

fn a_file_that_ends_early_is_sent_as_far_as_it_goes(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = established(client, server)?;
    let data = pattern(100_000);
    let short = file(&data);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let (mut taken, mut got) = (0, Vec::new());
        while taken < 100_000 {
            taken += ready(from.sendfile(&short, taken, 200_000 - taken))?;
            crate::pair::carry(from, to, usize::MAX);
            got.extend(crate::pair::read_available(to)?);
        }
        assert!(taken == 100_000 && got == data);
        refuses(from, to, &short, taken, 200_000 - taken)?;
    }
    Ok(())
}

fn an_offset_beyond_the_end_is_the_files_fault(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = established(client, server)?;
    let short = file(b"0123456789");
    let empty = file(b"");
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        for offset in [10, 11, 1_000_003, 1 << 62] {
            let text = refuses(from, to, &short, offset, 77)?;
            assert!(text.contains(&offset.to_string()) && text.contains("77"), "{text}");
        }
        refuses(from, to, &empty, 0, 1)?;
    }
    Ok(())
}

fn a_range_without_an_end_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let short = file(b"0123456789");
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        for (offset, len) in [(1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX)] {
            refuses(from, to, &short, offset, len)?;
        }
        assert_eq!(kind(from.sendfile(&short, u64::MAX - 1, 1)), ErrorKind::File);
        // As long as it has an end, it is what the file has.
        assert_eq!(ready(from.sendfile(&short, 9, u64::MAX - 9))?, 1);
        crate::pair::carry(from, to, usize::MAX);
        assert_eq!(crate::pair::read_available(to)?, b"9");
    }
    Ok(())
}

fn a_file_that_shrinks_is_sent_as_far_as_it_goes(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = established(client, server)?;
    let data = pattern(300_000);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let shrinks = file(&data);
        let mut taken = ready(from.sendfile(&shrinks, 0, 300_000))?;
        assert!(taken < 100_000, "{taken} at once");
        shrinks.set_len(100_000)?;
        let mut got = Vec::new();
        while taken < 100_000 {
            crate::pair::carry(from, to, usize::MAX);
            got.extend(crate::pair::read_available(to)?);
            taken += ready(from.sendfile(&shrinks, taken, 300_000 - taken))?;
        }
        crate::pair::carry(from, to, usize::MAX);
        got.extend(crate::pair::read_available(to)?);
        assert!(taken == 100_000 && got == data[..100_000]);
        refuses(from, to, &shrinks, taken, 300_000 - taken)?;
    }
    Ok(())
}

fn a_file_that_grows_is_sent_as_far_as_was_asked(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    use std::io::Write;

    let mut pair = established(client, server)?;
    let data = pattern(300_000);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let mut grows = file(&data[..100_000]);
        let mut got = send(from, to, &grows, 0, 100_000)?;
        refuses(from, to, &grows, 100_000, 100_000)?;
        grows.write_all(&data[100_000..])?;
        got.extend(send(from, to, &grows, 100_000, 100_000)?);
        assert!(got == data[..200_000]);
    }
    Ok(())
}

fn a_file_that_cannot_be_read_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("written");
    std::fs::write(&path, b"something")?;
    let unreadable = OpenOptions::new().write(true).open(&path)?;
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        refuses(from, to, &unreadable, 0, 5)?;
    }
    Ok(())
}

#[cfg(unix)]
fn a_directory_is_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let folder = tempfile::tempdir()?;
    let folder = File::open(folder.path())?;
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        refuses(from, to, &folder, 0, 5)?;
    }
    Ok(())
}

#[cfg(unix)]
fn pipes_and_sockets_are_refused(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    let mut pair = established(client, server)?;
    let (mut ours, theirs) = UnixStream::pair()?;
    ours.write_all(b"it waits")?;
    let socket = File::from(OwnedFd::from(theirs));
    let mut echo = Command::new("echo").arg("it waits").stdout(Stdio::piped()).spawn()?;
    echo.wait()?;
    let pipe = echo.stdout.take().expect("it was asked for");
    let pipe = File::from(OwnedFd::from(pipe));
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        refuses(from, to, &socket, 0, 5)?;
        refuses(from, to, &pipe, 0, 5)?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn a_device_with_offsets_is_sent(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let zeros = File::open("/dev/zero")?;
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        assert!(send(from, to, &zeros, 12_345, 100_000)? == vec![0; 100_000]);
        refuses(from, to, &File::open("/dev/null")?, 0, 1)?;
    }
    Ok(())
}
