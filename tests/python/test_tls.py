"""Which certificates the client trusts, and what TLS errors say."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import sutro
from helpers.tls_server import TlsServer, server_context

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")

NOW = datetime.now(UTC)


def _issued(
    host: str, *, not_before: datetime | None = None, not_after: datetime | None = None
) -> tuple[ssl.SSLContext, trustme.CA]:
    authority, context = trustme.CA(), server_context()
    issued = authority.issue_cert(host, not_before=not_before, not_after=not_after)
    issued.configure_cert(context)
    return context, authority


def _openssl(folder: Path, *options: str) -> tuple[ssl.SSLContext, Path]:
    """A certificate made by `openssl req -x509`, and the settings of a server that uses it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *files, *options], check=True, capture_output=True)
    context = server_context()
    context.load_cert_chain(certificate, key)
    return context, certificate


FOR_LOCALHOST = ("-addext", "subjectAltName=DNS:localhost")


def _message(service: TlsServer, kind: type[sutro.SutroError]) -> str:
    with service, pytest.raises(sutro.SutroError) as error:
        sutro.Client("key", service.url, max_retries=1).list_datasets()
    message = str(error.value)
    assert type(error.value) is kind, message
    # `UnknownIssuer`, `Other(OtherError(CaUsedAsEndEntity))`, `{ time: 1 }` are names in Rust.
    assert not re.search(r"\b[A-Z][a-z]+[A-Z]\w*|\w\(|::|[{}]", message), message
    assert len(message) < 600
    is_retried = kind is sutro.TransferError
    assert service.connections == 1 + is_retried, "only what may pass is tried again"
    return message


@pytest.mark.parametrize("host", ["localhost", "example.com"])
def test_an_untrusted_certificate_is_reported_without_retries(host: str) -> None:
    context, _ = _issued(host)
    message = _message(TlsServer.with_context(context), sutro.CertificateError)
    assert re.search(r"certificate of localhost:\d+ cannot be trusted", message)
    assert "SUTRO_CA_BUNDLE" in message


@pytest.mark.parametrize("variable", ["SUTRO_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_file_is_trusted_in_addition_to_the_system_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    context, authority = _issued("localhost")
    bundle = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv(variable, str(bundle))

    with TlsServer.with_context(context) as service:
        assert sutro.Client("key", service.url).list_datasets() == []


def test_an_unusable_certificate_file_is_reported_if_a_sutro_variable_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    sutro.Client("key", "https://localhost:1")
    for path, words in [(tmp_path / "none.pem", "No such file"), (Path(__file__), "in PEM form")]:
        monkeypatch.setenv("SUTRO_CA_BUNDLE", str(path))
        with pytest.raises(sutro.ConfigurationError, match=words):
            sutro.Client("key", "https://localhost:1")


@needs_openssl
@pytest.mark.parametrize("is_authority", ["TRUE", "FALSE"])
def test_a_self_signed_certificate_in_the_bundle_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_authority: str
) -> None:
    basic = ("-addext", f"basicConstraints=critical,CA:{is_authority}")
    context, certificate = _openssl(tmp_path, *FOR_LOCALHOST, *basic)
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(certificate))

    with TlsServer.with_context(context) as service:
        assert sutro.Client("key", service.url).list_datasets() == []


@needs_openssl
@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_private_ca_used_as_server_certificate_is_trusted_with_tls_1_2_and_1_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: ssl.TLSVersion
) -> None:
    context, certificate = _openssl(tmp_path, *FOR_LOCALHOST)
    context.minimum_version = context.maximum_version = tls
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(certificate))

    with TlsServer.with_context(context) as service:
        assert sutro.Client("key", service.url).list_datasets() == []


@needs_openssl
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-addext", "subjectAltName=DNS:example.com"), "it is for example.com"),
        ((), "it is for no host"),
    ],
)
def test_a_self_signed_certificate_in_the_bundle_must_be_valid_for_the_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    context, certificate = _openssl(tmp_path, *options)
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(certificate))

    assert words in _message(TlsServer.with_context(context), sutro.CertificateError)


def test_an_expired_private_ca_in_the_bundle_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    alternative = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(key.public_key()).serial_number(7)
    built = built.not_valid_before(NOW - timedelta(days=9)).not_valid_after(NOW - timedelta(days=1))
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = built.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    (tmp_path / "old.pem").write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = server_context()
    context.load_cert_chain(tmp_path / "old.pem")
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(tmp_path / "old.pem"))

    message = _message(TlsServer.with_context(context), sutro.CertificateError)

    assert "it has expired on 2" in message


@needs_openssl
def test_a_self_signed_certificate_that_is_not_in_the_bundle_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ["trusted", "shown"]:
        (tmp_path / name).mkdir()
    _, trusted = _openssl(tmp_path / "trusted", *FOR_LOCALHOST)
    context, _ = _openssl(tmp_path / "shown", *FOR_LOCALHOST)
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(trusted))

    message = _message(TlsServer.with_context(context), sutro.CertificateError)

    assert str(trusted) in message


def _for_the_bundle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str = "localhost", **dates: datetime
) -> ssl.SSLContext:
    context, authority = _issued(host, **dates)
    bundle = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(bundle))
    return context


@pytest.mark.parametrize(
    ("host", "dates", "words"),
    [
        ("localhost", {"not_after": NOW - timedelta(days=1)}, "it has expired on 2"),
        ("localhost", {"not_before": NOW + timedelta(days=9)}, "it is not valid before 2"),
        ("example.com", {}, "it is for example.com"),
    ],
)
def test_a_wrong_certificate_is_reported_with_its_cause(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    host: str,
    dates: dict[str, datetime],
    words: str,
) -> None:
    dates = {"not_before": NOW - timedelta(days=9), **dates}
    context = _for_the_bundle(monkeypatch, tmp_path, host, **dates)

    assert words in _message(TlsServer.with_context(context), sutro.CertificateError)


def test_a_certificate_with_an_invalid_signature_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    der = bytearray(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode()))
    der[-1] ^= 1
    (tmp_path / "broken.pem").write_text(ssl.DER_cert_to_PEM_cert(bytes(der)))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    context = server_context()
    context.load_cert_chain(tmp_path / "broken.pem", tmp_path / "key.pem")
    authority.cert_pem.write_to_path(str(tmp_path / "bundle.pem"))
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(tmp_path / "bundle.pem"))

    message = _message(TlsServer.with_context(context), sutro.CertificateError)

    assert "its signature is wrong" in message or "does not know who issued it" in message


@needs_openssl
@pytest.mark.parametrize(
    "options",
    [
        ("-addext", "extendedKeyUsage=clientAuth", "-addext", "basicConstraints=CA:FALSE"),
        ("-sha1", "-addext", "basicConstraints=CA:FALSE"),
    ],
)
def test_a_certificate_for_another_key_usage_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...]
) -> None:
    context, certificate = _openssl(tmp_path, *FOR_LOCALHOST, *options)
    monkeypatch.setenv("SUTRO_CA_BUNDLE", str(certificate))

    _message(TlsServer.with_context(context), sutro.CertificateError)


def _only_old_versions(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def _only_old_ciphers(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")


def _only_known_clients(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    trustme.CA().configure_trust(context)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (_only_old_versions, "shares no TLS version or cipher"),
        (_only_old_ciphers, "shares no TLS version or cipher"),
        (_only_known_clients, "asks clients for a certificate"),
    ],
)
def test_an_incompatible_tls_server_is_not_retried(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    setting: Callable[[ssl.SSLContext], None],
    words: str,
) -> None:
    context = _for_the_bundle(monkeypatch, tmp_path)
    setting(context)

    assert words in _message(TlsServer.with_context(context), sutro.NotTheApiError)


def test_a_port_without_tls_is_reported() -> None:
    message = _message(TlsServer(lambda connection: connection), sutro.NotTheApiError)

    assert "it does not speak TLS" in message


def _closed(connection: socket.socket) -> socket.socket:
    connection.recv(1)
    raise OSError


def _cut(connection: socket.socket) -> socket.socket:
    connection.recv(4096)
    # The head of a record of 80 bytes, and the first of them.
    connection.sendall(bytes([22, 3, 3, 0, 80, 2, 0]))
    raise OSError


def _alerted(connection: socket.socket) -> socket.socket:
    connection.recv(4096)
    # A fatal alert, `internal_error`.
    connection.sendall(bytes([21, 3, 3, 0, 2, 2, 80]))
    raise OSError


@pytest.mark.parametrize("wrap", [_closed, _cut, _alerted])
def test_an_interrupted_handshake_is_retried(
    wrap: Callable[[socket.socket], socket.socket],
) -> None:
    _message(TlsServer(wrap), sutro.TransferError)
