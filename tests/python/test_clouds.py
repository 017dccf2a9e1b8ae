"""Uploads of objects of Google Cloud Storage and Azure Blob Storage, by the rules of S3."""

from __future__ import annotations

import io
import json
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import sutro
from conftest import PARTS, parquet_bytes
from helpers.clouds import BUCKET, SECRET, AzureServer, CloudFolder, CloudServer, GoogleServer
from helpers.datasets import names_in
from helpers.source_proxy import Seen, SourceProxy, once
from sutro.engines.place import Prefix, new_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import RunSutro
    from sutro.sources import StorageOptions

LARGE = parquet_bytes(150_000, "a text that does not repeat")


def running(kind: type[CloudServer]) -> Iterator[CloudServer]:
    if kind.program() is None:
        pytest.skip(kind.missing)
    with kind() as server:
        yield server


@pytest.fixture(scope="module")
def google() -> Iterator[CloudServer]:
    yield from running(GoogleServer)


@pytest.fixture(scope="module")
def azure() -> Iterator[CloudServer]:
    yield from running(AzureServer)


@pytest.fixture(params=["google", "azure"])
def cloud(request: pytest.FixtureRequest) -> CloudFolder:
    return CloudFolder(request.getfixturevalue(request.param))


@pytest.fixture
def proxy(cloud: CloudFolder) -> Iterator[SourceProxy]:
    with SourceProxy(cloud.port) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")


def fill(cloud: CloudFolder, *names: str) -> None:
    for number, name in enumerate(names):
        cloud.put(name, parquet_bytes(number + 1))


def parquet_of(value: bytes) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"bytes": [value]}), buffer)
    return buffer.getvalue()


def is_transfer(seen: Seen) -> bool:
    return seen.method == "GET" and seen.is_of_object and (seen.range or "").startswith("bytes=0-")


@pytest.mark.parametrize("end", ["/", "/part-*.parquet"])
def test_a_prefix_and_a_glob_are_uploaded_in_natural_order(
    client: sutro.Client, cloud: CloudFolder, end: str
) -> None:
    fill(cloud, *PARTS, "2024/b.parquet")

    if end == "/":
        with pytest.warns(sutro.SutroWarning, match=r"left out of .*: 1 folder \(2024\)"):
            report = client.upload(cloud.url + end, storage_options=cloud.options())
    else:
        report = client.upload(cloud.url + end, storage_options=cloud.options())

    assert names_in(client, report.dataset_id) == PARTS
    assert [file.row_count for file in report] == list(range(1, 13))


def test_keys_are_literal_and_mixed_with_local_files(
    client: sutro.Client, cloud: CloudFolder, folder: Path
) -> None:
    odd = ["a b.parquet", "ä.parquet", "50%20+.parquet"]
    fill(cloud, *odd)
    sources = [f"{cloud.url}/{name}" for name in odd]
    sources.insert(1, str(folder / "part-3.parquet"))

    report = client.upload(sources, storage_options=cloud.options())

    names = [*odd[:1], "part-3.parquet", *odd[1:]]
    assert names_in(client, report.dataset_id) == names


def test_footers_are_read_in_ranges_and_a_body_arrives_unchanged(
    client: sutro.Client, cloud: CloudFolder, proxy: SourceProxy, tmp_path: Path
) -> None:
    fill(cloud, "a.parquet", "b.parquet")
    cloud.put("large.parquet", LARGE)
    options = cloud.options(proxy.port)

    assert sutro.check(f"{cloud.url}/", storage_options=options)
    read = proxy.objects_read()
    assert len(read) == 3
    assert all(seen.if_match for seen in read)
    last = len(LARGE) - 1
    assert [seen.range for seen in read if "large" in seen.path] == [f"bytes={last - 65535}-{last}"]

    proxy.breaks = lambda seen, length: (
        length // 2 if is_transfer(seen) and "large" in seen.path else None
    )
    report = client.upload(f"{cloud.url}/", storage_options=options)
    paths = client.download_from_dataset(report.dataset_id, output_path=tmp_path / "out")
    assert (tmp_path / "out" / "large.parquet").read_bytes() == LARGE, paths


def test_an_object_that_is_replaced_during_its_transfer_is_not_uploaded(
    client: sutro.Client, cloud: CloudFolder, proxy: SourceProxy
) -> None:
    url = cloud.put("large.parquet", LARGE)

    @once
    def replace() -> None:
        cloud.put("large.parquet", LARGE[:-1_000] + bytes(1_000))

    def breaks(seen: Seen, length: int) -> int | None:
        if not is_transfer(seen):
            return None
        replace()
        return length // 2

    proxy.breaks = breaks
    dataset_id = client.create_dataset()
    with pytest.raises(sutro.FileChangedError, match="it was replaced") as error:
        client.upload(url, dataset_id, storage_options=cloud.options(proxy.port))

    assert error.value.path == url
    assert names_in(client, dataset_id) == []


def test_a_missing_object_and_nothing_at_a_prefix_are_told_apart(cloud: CloudFolder) -> None:
    fill(cloud, "c.csv")
    with pytest.raises(sutro.ConfigurationError, match="no object or folder"):
        sutro.check(f"{cloud.url}/none/", storage_options=cloud.options())
    url = f"{cloud.url}/a.parquet"
    report = sutro.check(url, storage_options=cloud.options())
    assert report.problems == (f"{url}: there is no such object",)


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("gs://bucket/a/", {"google_servce_account": "hush"}, "google_service_account_key"),
        ("gs://bucket/a/", {"acount": "hush"}, "google_service_account_key"),
        ("az://container/a/", {"acount_key": "hush"}, "azure_storage_account_key"),
        ("az://container/a/", {"account_key": "hush"}, "does not name a storage account"),
        ("gs://bucket/a/", {"token": '"hush"{'}, r"refused|respond|error"),
        ("gs://bucket/a/", {"google_service_account_key": '"hush"'}, "JSON of a service account"),
        ("gs://bucket/a/", {"google_service_account": '{"key": "hush"}'}, "JSON of a service acc"),
        ("az://container/a/", {"account_name": "me", "sas_token": "hush"}, "cannot be opened"),
        ("az://container/a/", {"account_name": "me", "account_key": "hush!"}, "cannot be opened"),
        ("abfss://c@hush:x@host/a/", {}, "a user name or a password"),
    ],
)
def test_options_that_cannot_be_used_are_rejected_without_their_values(
    url: str, options: dict[str, str], says: str
) -> None:
    if options.get("token"):
        options = {**options, "google_base_url": "http://127.0.0.1:9", "timeout": "0.5"}
    with pytest.raises(sutro.SutroError, match=says) as error:
        sutro.check(url, storage_options=options)
    assert "hush" not in f"{error.value} {error.value!r}"


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("gs://bucket/a/", ["GOOGLE_APPLICATION_CREDENTIALS", "gcloud auth", "anon"]),
        ("az://container/a/", ["AZURE_STORAGE_ACCOUNT_KEY", "az login", "anon"]),
        ("abfss://container@me.dfs.core.windows.net/a/", ["AZURE_STORAGE_SAS_TOKEN", "anon"]),
    ],
)
def test_without_credentials_the_error_lists_the_places_that_were_searched(
    url: str, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "me")
    # A machine of Azure may have a service for credentials, but no identity.
    with pytest.raises(sutro.SutroError, match="no credentials") as error:
        sutro.check(url)
    for place in places:
        assert place in str(error.value)


def test_rejected_credentials_are_reported_without_their_values(
    cloud: CloudFolder, proxy: SourceProxy, caplog: pytest.LogCaptureFixture
) -> None:
    fill(cloud, "a.parquet")
    hush = "aHVzaGh1c2g="
    options = cloud.options(proxy.port)
    if isinstance(cloud.server, AzureServer):
        options["account_key"] = hush
    else:
        # The stand-in accepts all credentials.
        options["token"] = hush
        body = f"<Error><Code>AuthenticationRequired</Code><Details>{hush}</Details></Error>"
        proxy.answers = lambda _seen: (401, body.encode())
    caplog.set_level("DEBUG")

    with pytest.raises(sutro.FileAccessError, match="check the credentials") as error:
        sutro.check(f"{cloud.url}/", storage_options=options)
    one = sutro.check(f"{cloud.url}/a.parquet", storage_options=options)

    assert "check the credentials" in one.problems[0]
    assert hush not in f"{error.value!r} {error.value} {one} {caplog.text}"
    assert error.value.path == cloud.url


def test_a_signature_a_connection_string_and_the_environment_of_azure_are_credentials(
    azure: AzureServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = CloudFolder(azure)
    fill(cloud, "a.parquet")
    options = cloud.options()
    key, endpoint = options.pop("account_key"), options["azure_storage_endpoint"]
    caplog.set_level("DEBUG")
    assert sutro.check(f"{cloud.url}/", storage_options={**options, "sas_token": azure.signature()})
    refused = {**options, "sas_token": azure.signature("l")}
    report = sutro.check(f"{cloud.url}/", storage_options=refused)
    assert "check the credentials" in report.problems[0]
    signature = azure.signature("l").rpartition("sig=")[2]
    assert signature not in f"{report} {caplog.text}"

    text = f"AccountName=tests;AccountKey={key};BlobEndpoint={endpoint}"
    assert sutro.check(cloud.url, storage_options={"connection_string": text})
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    assert sutro.check(cloud.url)
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "tests")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", endpoint)
    assert sutro.check(cloud.url.replace("az://", "abfs://"))
    with pytest.raises(sutro.FileAccessError, match="no such container"):
        sutro.check("az://none/a/")


def test_a_public_container_is_read_without_credentials(
    azure: AzureServer, client: sutro.Client
) -> None:
    azure.create_public("public")
    content = parquet_bytes(3)
    path = f"/{azure.account}/public/a.parquet?{azure.signature()}"
    azure.send("PUT", path, content, x_ms_blob_type="BlockBlob")
    anonymous = azure.options(azure.port)
    del anonymous["account_key"]

    report = client.upload("az://public/", storage_options={**anonymous, "anon": True})

    assert names_in(client, report.dataset_id) == ["a.parquet"]
    with pytest.raises(sutro.SutroError, match=r"no such container|refused access"):
        sutro.check(f"az://{BUCKET}/", storage_options={**anonymous, "anon": True})


def test_the_file_of_a_service_account_is_used(
    google: GoogleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = CloudFolder(google)
    fill(cloud, "a.parquet")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "private_key": key.decode(),
        "private_key_id": "1",
        "client_email": "me@example.com",
    }
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account))
    tokens: list[str | None] = []
    with SourceProxy(google.port) as proxy:
        proxy.before = lambda seen: tokens.append(seen.authorization)
        where = {"endpoint_url": f"http://127.0.0.1:{proxy.port}"}
        accounts: list[StorageOptions] = [
            {"token": str(file)},
            {"token": account},
            {"google_service_account_key": json.dumps(account)},
        ]
        for given in accounts:
            assert sutro.check(cloud.url, storage_options={**where, **given})
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        assert sutro.check(cloud.url, storage_options=where)
        assert {str(token)[:9] for token in tokens} == {"Bearer ey"}
        tokens.clear()
        assert sutro.check(cloud.url, storage_options={**where, "anon": True})
    assert set(tokens) == {None}


def test_a_job_of_an_engine_may_stage_its_files_in_a_container(
    azure: AzureServer, client: sutro.Client
) -> None:
    cloud = CloudFolder(azure)
    place = new_place(cloud.url, cloud.options())
    assert isinstance(place, Prefix)
    large = parquet_of(random.randbytes(20_000_000))
    urls = []
    for number, content in enumerate([parquet_of(b"a"), large]):
        with place.new_file(number) as file:
            file.write(content)
            urls.append(place.keep(number, file))

    report = client.upload(urls, storage_options=cloud.options())

    assert [file.size_bytes for file in report][1] == len(large)
    place.clean_up()
    with pytest.raises(sutro.ConfigurationError, match="no object or folder"):
        sutro.check(f"{place.url}/", storage_options=cloud.options())


def test_the_command_takes_urls_of_clouds(
    cloud: CloudFolder, run_sutro: RunSutro, folder: Path
) -> None:
    fill(cloud, "part-2.parquet", "part-10.parquet")
    options = [f"--storage-option={name}={value}" for name, value in cloud.options().items()]

    done = run_sutro("check", f"{cloud.url}/*.parquet", folder / "part-1.parquet", *options)

    assert done.returncode == 0, done.stderr
    assert "3 files" in done.stdout
    assert SECRET not in done.stdout + done.stderr
