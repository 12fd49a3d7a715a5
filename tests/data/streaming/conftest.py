"""A miniature as Shar, in a folder and in an object storage on this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmtts.data.streaming.export import export_shar


@pytest.fixture(scope="session")
def sharded(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared folder with 18 training clips in nine shards, and nothing but the shards."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("sharded") / "hum")
    export_shar(folder, shard_size=2)
    shutil.rmtree(folder / "audio")
    return folder


@pytest.fixture
def folder(sharded: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(sharded, tmp_path / "data")


@pytest.fixture
def bucket(sharded: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same behind s3://."""
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    pytest.importorskip("s3fs").S3FileSystem.clear_instance_cache()  # of another test's server
    client = boto3.client("s3")
    client.create_bucket(Bucket="corpora")
    for path in (sharded / "speech" / "shar").rglob("*.*"):
        client.upload_file(str(path), "corpora", f"hum/{path.relative_to(sharded)}")
    yield "s3://corpora/hum"
    server.stop()
