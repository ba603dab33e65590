//! The system calls. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use libc::{c_int, c_void, socklen_t};

/// `setsockopt(2)`.
pub(crate) fn set_option(
    socket: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &[u8],
) -> io::Result<()> {
    let length = socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open as long as it is borrowed, and the kernel reads `length` bytes of
    // `value`, which has as many.
    let done =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value.as_ptr().cast(), length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `send(2)`, without a signal.
pub(crate) fn send(socket: BorrowedFd<'_>, payload: &[u8]) -> io::Result<usize> {
    // SAFETY: the descriptor is open as long as it is borrowed, and the kernel reads as many bytes as
    // `payload` has.
    let sent = unsafe {
        libc::send(socket.as_raw_fd(), payload.as_ptr().cast(), payload.len(), libc::MSG_NOSIGNAL)
    };
    taken(sent)
}

/// `sendmsg(2)` with the content type of the record beside it, without a signal.
pub(crate) fn send_with_type(
    socket: BorrowedFd<'_>,
    kind: u8,
    payload: &[u8],
) -> io::Result<usize> {
    let mut part = libc::iovec {
        // The kernel only reads there.
        iov_base: payload.as_ptr().cast_mut().cast(),
        iov_len: payload.len(),
    };
    let mut control = Control([0; 64]);
    let mut message = control.message(&mut part);
    // SAFETY: `message` has room for one header with one byte of data, which is what `CMSG_LEN(1)` says
    // of it: `CMSG_FIRSTHDR` gives its beginning, aligned for it, and `CMSG_DATA` a byte inside of it. The
    // descriptor is open as long as it is borrowed; the kernel reads what `message` points to, all of
    // which outlives the call.
    let sent = unsafe {
        message.msg_controllen = libc::CMSG_SPACE(1) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        if header.is_null() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        (*header).cmsg_level = libc::SOL_TLS;
        (*header).cmsg_type = TLS_SET_RECORD_TYPE;
        (*header).cmsg_len = libc::CMSG_LEN(1) as _;
        *libc::CMSG_DATA(header) = kind;
        libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL)
    };
    taken(sent)
}

/// `recvmsg(2)` with the content type of the record beside it.
pub(crate) fn receive_with_type(
    socket: BorrowedFd<'_>,
    buf: &mut [u8],
) -> io::Result<(Option<u8>, usize)> {
    let mut part = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    let mut control = Control([0; 64]);
    let mut message = control.message(&mut part);
    // SAFETY: the descriptor is open as long as it is borrowed; the kernel writes into `buf` and into
    // `control`, at most as many bytes as `message` says they have, and both outlive the call.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, 0) };
    let received = taken(received)?;
    // SAFETY: the kernel has set `msg_controllen` to what it has written; `CMSG_FIRSTHDR` gives nothing
    // unless that is a whole header, and the data of this type is one byte, which `CMSG_LEN(1)` confirms.
    let kind = unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        let is_type = !header.is_null()
            && (*header).cmsg_level == libc::SOL_TLS
            && (*header).cmsg_type == TLS_GET_RECORD_TYPE
            && (*header).cmsg_len as usize >= libc::CMSG_LEN(1) as usize;
        is_type.then(|| *libc::CMSG_DATA(header))
    };
    Ok((kind, received))
}

/// `sendfile(2)`.
pub(crate) fn send_file(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: u64,
    len: usize,
) -> io::Result<usize> {
    let mut offset = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: both descriptors are open as long as they are borrowed, and `offset` outlives the call.
    let sent = unsafe { libc::sendfile64(socket.as_raw_fd(), file.as_raw_fd(), &mut offset, len) };
    taken(sent)
}

fn taken(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Room for the one thing that goes beside a record, aligned as its header is.
#[repr(C, align(8))]
struct Control([u8; 64]);

impl Control {
    /// A message of `part`, with this room beside it.
    fn message(&mut self, part: &mut libc::iovec) -> libc::msghdr {
        // SAFETY: a `msghdr` is numbers and pointers, for all of which zero is a value; musl has private
        // padding there, so that it cannot be written out.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_name = ptr::null_mut::<c_void>();
        message.msg_iov = part;
        message.msg_iovlen = 1;
        message.msg_control = self.0.as_mut_ptr().cast();
        message.msg_controllen = self.0.len() as _;
        message
    }
}

// linux/tls.h
const TLS_SET_RECORD_TYPE: c_int = 1;
const TLS_GET_RECORD_TYPE: c_int = 2;

const _: () = assert!(align_of::<Control>() >= align_of::<libc::cmsghdr>());
