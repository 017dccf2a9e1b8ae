"""Uploads of objects in a store: which ones, in which order, and what is said about the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import sutro
from conftest import PARTS, parquet_bytes, write_parquet
from helpers import s3
from helpers.counting_proxy import CountingProxy
from helpers.datasets import names_in, table_of
from helpers.source_proxy import SourceProxy

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunSutro
    from helpers.bucket import Bucket

pytestmark = pytest.mark.skipif(s3.program() is None, reason=s3.MISSING)


@pytest.fixture
def options(bucket: Bucket) -> dict[str, str]:
    return bucket.options()


def fill(bucket: Bucket, *names: str) -> None:
    for number, name in enumerate(names):
        bucket.put(name, parquet_bytes(number + 1))


@pytest.mark.parametrize("end", ["/", "", "/*.parquet", "/part-*"])
def test_a_prefix_and_a_glob_are_uploaded_in_natural_order(
    client: sutro.Client, bucket: Bucket, options: dict[str, str], end: str
) -> None:
    fill(bucket, *PARTS)

    report = client.upload(bucket.url + end, storage_options=options)

    assert [file.name for file in report] == PARTS
    assert [file.row_count for file in report] == list(range(1, 13))
    assert names_in(client, report.dataset_id) == PARTS


@pytest.mark.parametrize(
    ("glob", "names", "listed"),
    [
        ("b-*.parquet", ["b-1.parquet", "b-2.parquet"], 3),
        ("y=2/*.parquet", ["a.parquet"], 1),
        ("y=*/[ab].*", ["a.parquet", "b.parquet"], 2),
        ("*.parquet", [*(f"a-{n}.parquet" for n in range(9)), "b-1.parquet", "b-2.parquet"], 12),
    ],
)
def test_a_glob_lists_only_keys_that_begin_like_it(
    bucket: Bucket, glob: str, names: list[str], listed: int
) -> None:
    fill(bucket, *(f"a-{number}.parquet" for number in range(9)))
    fill(bucket, "b-1.parquet", "b-2.parquet", "b-3.csv", "y=1/b.parquet", "y=2/a.parquet")

    with SourceProxy(bucket.port) as proxy:
        options = bucket.options(proxy.port)
        report = sutro.check(f"{bucket.url}/{glob}", storage_options=options)

    assert sorted(file.name for file in report.files) == names
    assert proxy.keys_listed == listed


def test_a_glob_does_not_list_what_is_in_other_tables(bucket: Bucket) -> None:
    fill(bucket, "exports/a.parquet", *(f"data/{number}.parquet" for number in range(9)))

    with SourceProxy(bucket.port) as proxy:
        options = bucket.options(proxy.port)
        assert sutro.check(f"{bucket.url}/exports/*.parquet", storage_options=options)

    assert proxy.keys_listed == 2, "one key tells that there is a folder with the name of a mark"


def test_objects_and_local_files_are_uploaded_together_in_the_order_given(
    client: sutro.Client, bucket: Bucket, options: dict[str, str], folder: Path
) -> None:
    fill(bucket, "b.parquet", "a.parquet")
    sources = [
        f"{bucket.url}/b.parquet",
        str(folder / "part-3.parquet"),
        f"{bucket.url}/a.*",
    ]

    report = client.upload(sources, storage_options=options)

    assert names_in(client, report.dataset_id) == ["b.parquet", "part-3.parquet", "a.parquet"]
    staged = client.stage(sources[0], client.create_dataset(), storage_options=options)
    assert [file.file_name for file in staged] == ["b.parquet"]


def test_what_is_left_out_of_a_prefix_is_told_as_for_a_folder(
    bucket: Bucket, options: dict[str, str]
) -> None:
    fill(bucket, "a.parquet", "_SUCCESS", ".hidden", "_old.parquet", "c.csv", "2024/b.parquet")
    fill(bucket, "t.parquet/part-0.parquet", "_tmp/x.parquet")

    with pytest.warns(sutro.SutroWarning) as told:
        report = sutro.check(bucket.url, storage_options=options)
    assert [file.name for file in report.files] == ["a.parquet", "t.parquet,part-0.parquet"]
    assert str(told[0].message) == (
        f"left out of {bucket.url}: 2 folders (2024, _tmp), 1 hidden file (_old.parquet), "
        f"1 .csv file (c.csv); recursive=True searches subfolders too"
    )

    with pytest.warns(sutro.SutroWarning, match=r"1 folder \(_tmp\), 1 hidden file"):
        report = sutro.check(f"{bucket.url}/", recursive=True, storage_options=options)
    assert [file.name for file in report.files] == [
        "b.parquet",
        "a.parquet",
        "t.parquet,part-0.parquet",
    ]
    assert report.files[0].path == f"{bucket.url}/2024/b.parquet"

    report = sutro.check(f"{bucket.url}/t.parquet", storage_options=options)
    assert [file.name for file in report.files] == ["part-0.parquet"]

    report = sutro.check(
        f"{bucket.url}/**/*.parquet", exclude=["_*", "t.parquet/*"], storage_options=options
    )
    assert [file.path for file in report.files] == [
        f"{bucket.url}/2024/b.parquet",
        f"{bucket.url}/_tmp/x.parquet",
        f"{bucket.url}/a.parquet",
    ]


@pytest.mark.parametrize(
    ("marks", "kind"),
    [
        (["_delta_log/00000.json"], "a Delta table"),
        (["metadata/v1.metadata.json"], "an Iceberg table"),
        ([".hoodie/hoodie.properties"], "a Hudi table"),
    ],
)
@pytest.mark.parametrize(
    "below", ["", "/", "/*.parquet", "/a*", "/y=1/", "/y=*/b*", "/**/*.parquet"]
)
def test_a_table_is_refused_wherever_it_is_entered(
    bucket: Bucket, options: dict[str, str], marks: list[str], kind: str, below: str
) -> None:
    fill(bucket, "table/a.parquet", "table/y=1/b.parquet")
    for mark in marks:
        bucket.put(f"table/{mark}", b"{}")

    with pytest.raises(sutro.ConfigurationError, match=kind) as error:
        sutro.check(f"{bucket.url}/table{below}", storage_options=options)

    assert f"{bucket.url}/table is {kind}" in str(error.value)


def test_columns_in_the_names_of_folders_are_written_into_the_files(
    client: sutro.Client, bucket: Bucket, options: dict[str, str]
) -> None:
    fill(bucket, "year=2024/a.parquet", "year=2025/a.parquet")

    refused = sutro.check(bucket.url, recursive=True, storage_options=options)
    assert not refused
    report = client.upload(bucket.url, recursive=True, hive=True, storage_options=options)

    assert [file.name for file in report] == ["year=2024,a.parquet", "year=2025,a.parquet"]
    assert table_of(client, report.dataset_id)["year"].to_pylist() == [2024, 2025, 2025]


def test_nothing_at_a_prefix_a_missing_object_and_no_bucket_are_told_apart(
    bucket: Bucket, options: dict[str, str]
) -> None:
    fill(bucket, "c.csv")
    with pytest.raises(sutro.ConfigurationError, match="no object or folder"):
        sutro.check(f"{bucket.url}/none/", storage_options=options)
    with pytest.raises(sutro.ConfigurationError, match=r"no \*\.parquet .*found 1 \.csv file"):
        sutro.check(bucket.url, storage_options=options)
    with pytest.raises(sutro.ConfigurationError, match="no object matches"):
        sutro.check(f"{bucket.url}/*.parquet", storage_options=options)
    with pytest.raises(sutro.FileAccessError, match="no such bucket"):
        sutro.check("s3://no-such-bucket/a/", storage_options=options)
    missing = [f"{bucket.url}/{name}.parquet" for name in ("a", "b")]
    report = sutro.check(missing, storage_options=options)
    assert report.problems == tuple(f"{url}: there is no such object" for url in missing)


@pytest.mark.timeout(240)
def test_ten_thousand_objects_are_listed_in_natural_order_with_one_request_for_each_footer(
    store: s3.S3Server, bucket: Bucket
) -> None:
    count = 10_000
    names = [f"part-{number}.parquet" for number in range(count)]
    store.write_all(bucket.url, dict.fromkeys(names, parquet_bytes(1)))

    with CountingProxy(bucket.port) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        report = sutro.check(bucket.url, storage_options=bucket.options(port))

    assert [file.name for file in report.files] == names
    footers = [path for path in proxy.calls if path.endswith(".parquet")]
    assert len(set(footers)) == count
    assert len(footers) <= 1.2 * count
    assert len(proxy.calls) <= len(footers) + 20, "a page of the listing has 1,000 objects"


def test_the_credentials_may_come_from_the_environment_a_profile_or_options_of_fsspec(
    bucket: Bucket, options: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bucket, "a.parquet")
    endpoint = options["aws_endpoint_url"]
    assert sutro.check(
        bucket.url,
        storage_options={"key": "tests", "secret": s3.SECRET, "ENDPOINT_URL": endpoint},
    )
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = tests\naws_secret_access_key = {s3.SECRET}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert sutro.check(bucket.url, storage_options={"profile": "work"})
    with pytest.raises(sutro.ConfigurationError, match="the AWS profile other"):
        sutro.check(bucket.url, storage_options={"aws_profile": "other"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    assert sutro.check(bucket.url)


def test_the_settings_of_a_store_of_obstore_and_of_a_filesystem_of_s3fs_are_options(
    bucket: Bucket, options: dict[str, str]
) -> None:
    fill(bucket, "a.parquet")
    endpoint = options["aws_endpoint_url"]
    config = {
        "bucket": s3.BUCKET,
        "access_key_id": "tests",
        "secret_access_key": s3.SECRET,
        "endpoint": endpoint,
    }
    assert sutro.check(bucket.url, storage_options=config)
    with pytest.raises(sutro.ConfigurationError, match="are for another, and a source is in files"):
        sutro.check(bucket.url, storage_options={**config, "bucket": "another"})
    nested = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    of_s3fs: dict[str, Any] = {
        "key": "tests",
        "secret": s3.SECRET,
        "anon": False,
        "client_kwargs": nested,
    }
    assert sutro.check(bucket.url, storage_options=of_s3fs)
    with pytest.raises(TypeError, match="a value for 'config_kwargs' that is dict"):
        sutro.check(bucket.url, storage_options={**of_s3fs, "config_kwargs": {"a": "hush"}})


def test_without_credentials_the_error_lists_the_places_that_were_searched(
    bucket: Bucket, options: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    nowhere = {"aws_metadata_endpoint": "http://127.0.0.1:9"}
    endpoint = {"aws_endpoint_url": options["aws_endpoint_url"]}
    with pytest.raises(sutro.ConfigurationError, match="aws_skip_signature to true"):
        sutro.check(bucket.url, storage_options={**endpoint, **nowhere})
    with pytest.raises(sutro.FileAccessError, match="refused access"):
        sutro.check(bucket.url, storage_options={**endpoint, "anon": True})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "InvalidAccessKeyId"),
        ((400, b"<Error><Code>ExpiredToken</Code><Token>hush</Token></Error>"), "ExpiredToken"),
    ],
)
def test_rejected_credentials_are_reported_without_their_values(
    bucket: Bucket,
    answer: tuple[int, bytes] | None,
    says: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(bucket, "a.parquet")
    with SourceProxy(bucket.port) as proxy:
        proxy.answers = lambda _seen: answer
        options = bucket.options(proxy.port, aws_secret_access_key="hush", token="hush-too")
        caplog.set_level("DEBUG")
        with pytest.raises(sutro.FileAccessError, match=says) as error:
            sutro.check(bucket.url, storage_options=options)
        one = sutro.check(f"{bucket.url}/a.parquet", storage_options=options)
        assert "check the credentials" in str(error.value)
        assert "check the credentials" in one.problems[0]
        assert "hush" not in f"{error.value!r} {error.value} {one} {caplog.text}"
        assert error.value.path == bucket.url


def test_options_that_are_not_known_are_rejected_without_their_values() -> None:
    with pytest.raises(sutro.ConfigurationError, match="aws_acces_key_id") as error:
        sutro.check("s3://bucket/a/", storage_options={"aws_acces_key_id": "hush"})
    assert "hush" not in str(error.value)
    with pytest.raises(TypeError, match="storage_options has a value for 'key' that is list"):
        sutro.check("s3://bucket/a/", storage_options={"key": ["hush"]})  # type: ignore[dict-item]
    with pytest.raises(sutro.ConfigurationError, match="oss: URLs are not supported"):
        sutro.check("oss://bucket/a.parquet")


def test_the_command_takes_urls_and_options(
    bucket: Bucket, options: dict[str, str], run_sutro: RunSutro, folder: Path
) -> None:
    fill(bucket, "part-2.parquet", "part-10.parquet")
    endpoint = f"--storage-option=aws_endpoint_url={options['aws_endpoint_url']}"
    keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": s3.SECRET}

    done = run_sutro(
        "check", f"{bucket.url}/*.parquet", folder, endpoint, "--json", environment=keys
    )

    assert done.returncode == 3, done.stderr
    names = [file["name"] for file in json.loads(done.stdout)["files"]]
    assert names[:2] == ["part-2.parquet", "part-10.parquet"]
    done = run_sutro("check", bucket.url, "--storage-option=hush")
    assert done.returncode == 2
    assert "hush" not in done.stderr


def test_objects_are_cast_and_packed_like_files(
    client: sutro.Client, bucket: Bucket, options: dict[str, str], data: Path
) -> None:
    for name, columns in {
        "a": {"id": [1, 2], "x": [1, 2]},
        "b": {"x": [3.5], "id": [3]},
    }.items():
        path = write_parquet(data / f"{name}.parquet", **columns)  # type: ignore[arg-type]
        bucket.put(path.name, path.read_bytes())

    cast = client.upload(bucket.url, on_mismatch="cast", storage_options=options)
    assert sum(file.row_count or 0 for file in cast) == 3
    fill(bucket, "same/a.parquet", "same/b.parquet")
    packed = client.upload(f"{bucket.url}/same/", target_file_size="1MB", storage_options=options)
    sources = packed.files[0].sources
    assert sources == (f"{bucket.url}/same/a.parquet", f"{bucket.url}/same/b.parquet")
