# A server that tells each client whether it has resumed, or a client that comes back once; see mod.rs for
# the orders.
import json
import socket
import ssl
import sys

orders = json.loads(sys.argv[1])
server = orders["role"] == "server"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
version = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
context.minimum_version = context.maximum_version = version[orders["version"]]
address = ("127.0.0.1", orders["port"])


def serve(plain):
    plain.settimeout(15)
    with context.wrap_socket(plain, server_side=True) as tls:
        question = b""
        while not question.endswith(b"\r\n\r\n"):
            question += tls.recv(4096)
        tls.sendall(f"reused={str(tls.session_reused).lower()}".encode())
        tls.unwrap()


def visit(session):
    with socket.create_connection(address, 15) as plain:
        with context.wrap_socket(plain, server_hostname=orders["name"], session=session) as tls:
            while tls.recv(4096):
                pass
            return tls.session_reused, tls.session


if server:
    context.load_cert_chain(orders["chain"], orders["key"])
    with socket.create_server(address) as listener:
        while True:
            serve(listener.accept()[0])
else:
    context.load_verify_locations(orders["roots"])
    first, session = visit(None)
    second, _ = visit(session)
    print(json.dumps([first, second]))
