# Client or server of one connection; see script.rs for the orders.
import json
import socket
import ssl
import sys

orders = json.loads(sys.argv[1])
server = orders["role"] == "server"
report = {}


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    version = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
    made.minimum_version = made.maximum_version = version[orders["version"]]
    # Some versions tell OpenSSL to take an end without close_notify for one with.
    made.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if orders["alpn"]:
        made.set_alpn_protocols(orders["alpn"])
    if orders["retry"]:
        made.set_ecdh_curve("secp384r1")  # takes one only
    if orders["chain"]:
        made.load_cert_chain(orders["chain"], orders["key"])
    if orders["roots"]:
        made.load_verify_locations(orders["roots"])
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def connection():
    if not server:
        return socket.create_connection(("127.0.0.1", orders["port"]), 15)
    with socket.create_server(("127.0.0.1", orders["port"])) as listener:
        listener.settimeout(15)
        accepted, _ = listener.accept()
        accepted.settimeout(15)
        return accepted


def receive(tls, length):
    with open(orders["received"], "ab") as out:
        while length is None or length > 0:
            try:
                data = tls.recv(min(length or 65536, 65536))
            except ssl.SSLZeroReturnError:  # what it calls an end after its own close_notify
                data = b""
            if not data:
                assert length is None, "the data ends too early"
                return
            out.write(data)
            length = length and length - len(data)


def close_notify(tls):
    """Sends close_notify without waiting for the peer's."""
    tls.settimeout(0)
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        pass
    tls.settimeout(15)


def talk(tls):
    with open(orders["send"], "rb") as file:
        data = file.read()
    ending = orders["ending"]
    if ending == "half-close":
        if server:
            receive(tls, None)
            tls.sendall(data)
            tls.unwrap()
        else:
            tls.sendall(data)
            close_notify(tls)
            receive(tls, None)
        return
    if server:
        receive(tls, orders["length"])
        tls.sendall(data)
    else:
        tls.sendall(data)
        receive(tls, orders["length"])
    if ending == "ours":
        assert tls.recv(1) == b""
        tls.unwrap()
    elif ending == "theirs":
        tls.unwrap()
    elif ending == "cut":
        tls.close()


with connection() as plain:
    tls = context().wrap_socket(
        plain,
        server_side=server,
        server_hostname=None if server else orders["name"],
        # An end without close_notify is an error.
        suppress_ragged_eofs=False,
    )
    report["version"] = tls.version()
    report["alpn"] = tls.selected_alpn_protocol()
    certificate = tls.getpeercert(binary_form=True)
    report["certificate"] = certificate and certificate.hex()
    talk(tls)
    tls.close()
print(json.dumps(report))
