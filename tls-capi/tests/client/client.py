"""tls_client.h as another language sees it: client.py LIBRARY HOST PORT CLOSED_PORT."""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_void_p

LIBRARY, HOST, PORT, CLOSED_PORT = sys.argv[1], *(word.encode() for word in sys.argv[2:5])

lib = ctypes.CDLL(LIBRARY)
TOLD = [POINTER(c_char_p), POINTER(c_char_p)]
for name, arguments in {
    "tls_init": [],
    "tls_connect": [c_char_p, c_char_p, c_void_p],
    "tls_close": [c_void_p],
    "tls_isopen": [c_void_p, POINTER(c_int)],
    "tls_write": [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)],
    "tls_bytesavailable": [c_void_p, POINTER(c_int)],
    "tls_read": [c_void_p, c_void_p, c_size_t, POINTER(c_size_t)],
    "tls_wait": [c_void_p, c_int],
}.items():
    getattr(lib, name).argtypes = arguments + TOLD
    getattr(lib, name).restype = c_int


class TlsError(Exception):
    """A call that returned 0."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


def call(name, *arguments):
    code, text = c_char_p(b"untouched"), c_char_p(b"untouched")
    result = getattr(lib, name)(*arguments, byref(code), byref(text))
    if result == 1:
        assert code.value is None and text.value is None
        return
    assert result == 0 and code.value and text.value
    raise TlsError(code.value.decode(), text.value.decode())


class Connection:
    """A connection whose waiting is all in one place, as the proposal wants it."""

    def __init__(self, host, port):
        self.tls = c_void_p()
        call("tls_connect", host, port, byref(self.tls))

    def is_open(self):
        is_open = c_int(-1)
        call("tls_isopen", self.tls, byref(is_open))
        return bool(is_open.value)

    def wait(self):
        call("tls_wait", self.tls, 60_000)

    def write(self, data):
        while data:
            n = c_size_t(99)
            call("tls_write", self.tls, data, len(data), byref(n))
            data = data[n.value :]
            if n.value == 0:
                self.wait()

    def read(self):
        available = c_int(-1)
        call("tls_bytesavailable", self.tls, byref(available))
        buf, n = ctypes.create_string_buffer(max(available.value, 1)), c_size_t(99)
        call("tls_read", self.tls, buf, len(buf), byref(n))
        assert n.value >= available.value
        return buf.raw[: n.value]

    def close(self):
        call("tls_close", self.tls)


def fails(code, make):
    try:
        make()
    except TlsError as e:
        assert e.code == code, str(e)
    else:
        raise AssertionError(f"no {code}")


fails("TLS_NOT_INITIALISED", lambda: Connection(HOST, PORT))
call("tls_init")
connection = Connection(HOST, PORT)
connection.write(b"GET / HTTP/1.1\r\n\r\n" * 1000)
back = b""
while len(back) < 18_000:
    back += connection.read() or (connection.wait() or b"")
assert back == b"GET / HTTP/1.1\r\n\r\n" * 1000
assert connection.is_open()
connection.close()
fails("TLS_HANDLE_ERROR", connection.close)

refused = Connection(HOST, CLOSED_PORT)
fails("TCP_CONNECT_ERROR", lambda: [refused.wait() for _ in range(100)])
assert not refused.is_open()
fails("TCP_CONNECT_ERROR", lambda: refused.write(b"x"))
refused.close()
