"""The nginx file of the documentation, with a real nginx and TLS before a real service."""

import shutil
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import tiny_worker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from free_ports import free_port
from scripted_serve import running
from service_client import Scripted

from gaitproof.server.access import Access, Role
from gaitproof.server.database import open_database
from gaitproof.server.guards import COOKIE
from gaitproof.server.settings import ServiceSettings

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
SITE = Path(__file__).parents[2] / "docs" / "guide" / "nginx.conf"
NAME = "gait.example.org"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="NOT TESTED BEHIND NGINX: it is not installed"),
]


def write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A client of the service through nginx, and a key."""
    folder = tmp_path_factory.mktemp("proxy")
    settings = ServiceSettings(folder=folder / "service", hosts=("127.0.0.1", "localhost"))
    settings.folder.mkdir()
    engine = open_database(settings.database)
    _, key = Access(engine).add_key("default", Role.ADMIN)
    engine.dispose()
    write_certificate(folder)
    port = free_port()
    with running(settings, tiny_worker.COMMAND) as service:
        site = SITE.read_text()
        for old, new in (
            ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
            ("listen 443 ", f"listen 127.0.0.1:{port} "),
            (f"/etc/letsencrypt/live/{NAME}", str(folder)),
            (NAME, "localhost"),
            ("127.0.0.1:8765", f"127.0.0.1:{service.port}"),
        ):
            assert old in site
            site = site.replace(old, new)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{site}}}\n"
        )
        command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with subprocess.Popen([*command, "-e", str(folder / "error.log")]) as nginx:
            try:
                context = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
                with httpx.Client(
                    base_url=f"https://localhost:{port}", verify=context, timeout=60
                ) as http:
                    wait(http, folder)
                    yield http, key
            finally:
                nginx.terminate()
                nginx.wait(60)


def wait(http, folder, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            http.get("/v1/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((folder / "error.log").read_text())


def test_a_job_goes_through_and_is_followed_as_it_goes(proxied):
    http, key = proxied
    bearer = {"Authorization": f"Bearer {key}"}
    http.headers.update(bearer)
    scripted = Scripted(http)
    job = scripted.ask("enrolments", name="slow", videos=[scripted.upload()])
    with http.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        first = next(line for line in stream.iter_lines() if line.startswith("data: "))
    assert job["id"] in first
    assert http.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    del http.headers["Authorization"]


def test_the_session_of_the_page_is_kept_for_tls_only(proxied):
    http, key = proxied
    origin = {"Origin": str(http.base_url).rstrip("/")}
    answer = http.post("/v1/session", json={"key": key}, headers=origin)
    assert answer.status_code == 201
    assert COOKIE in answer.headers["set-cookie"]
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["Strict-Transport-Security"]
    origin = {"Origin": "https://evil.example"}
    assert http.post("/v1/session", json={"key": key}, headers=origin).status_code == 403
