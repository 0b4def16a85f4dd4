"""Videos, records and trainings at s3:// paths, with an S3-compatible server on this machine."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
from made_videos import add_video, configure

from tfrecords_tools import create_clips as tool

needed = ("tensorflow_io", "moto", "flask", "apache_beam")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in needed), reason=f"needs {', '.join(needed)}"
    ),
]
READ = """
import sys
from stmt_tf.config import DataConfig
from stmt_tf.data.pipeline import training_dataset
config = DataConfig(train_records=sys.argv[1], num_target_frames=2, batch_size=2, shuffle_buffer=2)
for example in training_dataset(config, 1, 32).take(2):
    print(example["target_frames"].numpy().mean(), flush=True)
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A client of the server, and the environment in which TensorFlow finds it; the bucket is called clips."""
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    with open(log, "w") as file:
        server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    client = boto3.client(
        "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket="clips")
            break
        except Exception:
            assert time.monotonic() < deadline and server.poll() is None, log.read_text()
            time.sleep(0.2)
    yield client, {**os.environ, **keys, "S3_ENDPOINT": address, "S3_USE_HTTPS": "0", "S3_VERIFY_SSL": "0"}
    server.terminate()
    server.wait()


def run(environment, *command, status=0):
    """What a process told, with both of its outputs in one, and ended with this status."""
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, timeout=3600)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def test_remote_videos_become_the_records_of_local_ones_and_are_trained_on(bucket, tmp_path):
    client, environment = bucket
    for name, steps in (("a.mp4", 30), ("b/c.mp4", 28)):
        client.upload_file(str(add_video(tmp_path, name, steps)), "clips", f"videos/{name}")
    config, settings = configure(tmp_path)
    tool.create_clips(config, settings)
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    flags = [f"--{name}={value}" for name, value in values.items()]
    places = ["--videos=s3://clips/videos", "--output=s3://clips/records"]
    told = run(environment, "-m", "tfrecords_tools.beam_clips", *places, *flags)
    assert "2 clips from 2 of 2 videos" in told, told
    told = run(environment, "-m", "tfrecords_tools.beam_clips", *places, *flags, "--size=64", status=1)
    assert "beam_clips: s3://clips/records/clips.json tells of other records (size 32 there, 64 asked" in told

    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="clips", Prefix="records/")["Contents"]]
    remote = {key.removeprefix("records/"): client.get_object(Bucket="clips", Key=key)["Body"].read() for key in keys}
    records = tmp_path / "records"
    local = {p.relative_to(records).as_posix(): p.read_bytes() for p in records.rglob("*") if p.is_file()}
    assert {name: content for name, content in remote.items() if not name.endswith("/")} == local

    expected = run(environment, "-c", READ, str(Path(config.output) / "*.tfrecord"))
    # Another program than ours tensorflow-io aborts, when it cleans up after any use of S3.
    found = run(environment, "-c", READ, "s3://clips/records/*.tfrecord", status=-signal.SIGABRT)
    assert len(expected.splitlines()) == 2 and found.splitlines()[:2] == expected.splitlines()

    told = run(environment, "-m", "tfrecords_tools.validate", "--records=s3://clips/records/*.tfrecord")
    assert "0 faults in 2 records of 2 files" in told
    (name, *_) = (key for key in keys if key.endswith(".tfrecord"))
    content = bytearray(remote[name.removeprefix("records/")])
    content[-9] ^= 1
    client.put_object(Bucket="clips", Key=name, Body=bytes(content))
    told = run(environment, "-m", "tfrecords_tools.validate", "--records=s3://clips/records/*.tfrecord", status=1)
    assert f"s3://clips/{name}: record 0 (from 0; at byte 0) is damaged" in told
    assert f"s3://clips/{name}: its SHA-256 is not that of s3://clips/records/manifest.json" in told
