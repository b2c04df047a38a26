"""TLS against servers that are not ours: Debian's redis-server, and Python's ssl.

The certificates are made here, by the openssl tool.
"""
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

from conftest import SERVERS, Server, free_port, pipeline_loses, program, run


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True,
                   capture_output=True)


def sign(folder, name, names):
    """NAME.pem and NAME.key, signed by ca.pem."""
    with open(f"{folder}/{name}.ext", "w") as f:
        f.write(f"subjectAltName={names}\n")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout",
            f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem",
            "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
            f"{name}.ext", "-out", f"{name}.pem")


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("certs"))
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
            "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    sign(folder, "server", "DNS:localhost,IP:127.0.0.1")
    sign(folder, "client", "DNS:client")
    return folder


class Redis(Server):
    """Its ordinary port is there too: it is what tells that it is up."""

    def __init__(self, certs, *options):
        self.tls_port = free_port(but=[free_port()])
        super().__init__(
            SERVERS["redis"], "--tls-port", str(self.tls_port),
            "--tls-cert-file", f"{certs}/server.pem",
            "--tls-key-file", f"{certs}/server.key",
            "--tls-ca-cert-file", f"{certs}/ca.pem", *options)
        self.url = f"rediss://127.0.0.1:{self.tls_port}"


@pytest.fixture
def redis(certs):
    made = []

    def start(*options):
        made.append(Redis(certs, *options))
        return made[-1]

    yield start
    for server in made:
        server.close()


def test_redis_hears_what_is_said(certs, redis):
    server = redis("--tls-auth-clients", "no")
    said = (0, "nobody else hears\n", "")
    assert run("tls", server.url, f"{certs}/ca.pem") == said
    assert run("tls", f"rediss://localhost:{server.tls_port}",
               f"{certs}/ca.pem") == said
    status, _, complaint = run("tls", server.url)
    assert status == 1
    assert "the server's certificate: self-signed certificate" in complaint
    status, _, complaint = run("tls", f"redis://127.0.0.1:{server.tls_port}")
    assert status == 1


def test_redis_wants_a_certificate(certs, redis):
    server = redis()
    ca = f"{certs}/ca.pem"
    assert run("tls", server.url, ca, f"{certs}/client.pem",
               f"{certs}/client.key") == (0, "nobody else hears\n", "")
    status, _, complaint = run("tls", server.url, ca)
    assert status == 1
    assert "certificate required" in complaint


def test_a_pipeline_goes_through_tls(certs, redis):
    """Far more than any buffer holds, in both directions."""
    server = redis("--tls-auth-clients", "no")
    p = subprocess.run([program("pipeline"), server.url, "200000"],
                       env={**os.environ, "SSL_CERT_FILE": f"{certs}/ca.pem"},
                       capture_output=True, text=True, timeout=60)
    assert (p.returncode, p.stderr) == (0, "")
    assert "answered 200000, failed 0" in p.stdout


def test_a_pool_is_encrypted(certs, redis):
    server = redis("--tls-auth-clients", "no")
    p = subprocess.run([program("pool"), server.url, "50"],
                       env={**os.environ, "SSL_CERT_FILE": f"{certs}/ca.pem"},
                       capture_output=True, text=True, timeout=60)
    assert (p.returncode, p.stderr) == (0, "")
    assert "counted 50 of 50" in p.stdout


def test_a_server_that_dies_raises_no_signal(certs, redis):
    server = redis("--tls-auth-clients", "no")
    status, _, complaint = pipeline_loses(
        server, SSL_CERT_FILE=f"{certs}/ca.pem")
    assert status == 1
    assert "pipeline: " in complaint


def python_server(certs, talk, minimum=ssl.TLSVersion.TLSv1_2,
                  maximum=ssl.TLSVersion.TLSv1_3):
    """Serves one client in a thread, by `talk(connection)`; the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = minimum, maximum
    context.load_cert_chain(f"{certs}/server.pem", f"{certs}/server.key")
    listener = socket.create_server(("127.0.0.1", free_port()))

    def serve():
        with listener, listener.accept()[0] as sock:
            sock.settimeout(20)
            talk(context.wrap_socket(sock, server_side=True))

    threading.Thread(target=serve, daemon=True).start()
    return f"rediss://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2,
                                     ssl.TLSVersion.TLSv1_3])
def test_a_reply_a_byte_a_record(certs, version):
    def talk(conn):
        conn.recv(4096)
        for byte in b"%1\r\n+proto\r\n:3\r\n":
            conn.send(bytes([byte]))
        conn.recv(4096)
        for byte in b"$5\r\nheard\r\n":
            conn.send(bytes([byte]))
            time.sleep(0.001)
        conn.recv(4096)

    url = python_server(certs, talk, maximum=version)
    assert run("tls", url, f"{certs}/ca.pem") == (0, "heard\n", "")


def test_a_connection_cut_off_is_told(certs):
    def talk(conn):
        conn.recv(4096)
        os.close(conn.detach())

    url = python_server(certs, talk)
    status, _, complaint = run("tls", url, f"{certs}/ca.pem")
    assert status == 1
    assert "the server closed the connection without ending TLS" in complaint


def test_what_is_not_tls_is_told(certs):
    listener = socket.create_server(("127.0.0.1", free_port()))

    def serve():
        with listener, listener.accept()[0] as sock:
            sock.recv(4096)
            sock.sendall(b"-ERR unknown command\r\n")
            sock.recv(4096)

    threading.Thread(target=serve, daemon=True).start()
    status, _, complaint = run(
        "tls", f"rediss://127.0.0.1:{listener.getsockname()[1]}",
        f"{certs}/ca.pem")
    assert status == 1
    assert "what the server says is not TLS" in complaint
