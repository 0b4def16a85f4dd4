import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from records import make_clip, write_records
from test_train import LOSS, MODEL
from workers import ONE_LAYER, free_ports, tf_config, train_command

from stmt_tf import flags
from stmt_tf.config import DataConfig
from stmt_tf.train.cluster import Worker, create_strategy, lost_worker_named, read_worker
from stmt_tf.train.settings import TrainConfig

HOSTS = ["host0:2222", "host1:2222"]


def test_process_without_a_cluster_is_alone():
    assert read_worker({}) == read_worker({"TF_CONFIG": ""}) == Worker(0, 1)
    assert Worker(0, 1).is_chief


def test_worker_knows_its_place():
    assert read_worker(tf_config(1, HOSTS)) == Worker(1, 2)
    assert read_worker(tf_config(0, HOSTS)).is_chief and not read_worker(tf_config(1, HOSTS)).is_chief


@pytest.mark.parametrize(
    "environ, message",
    [
        ({"TF_CONFIG": "{"}, r"TF_CONFIG='{' is not understood .*it must look like"),
        ({"TF_CONFIG": "[]"}, "is not understood"),
        ({"TF_CONFIG": '{"cluster": {}}'}, "is not understood"),
        (tf_config(0, HOSTS, kind="ps"), "tasks of other types than worker"),
        (tf_config(0, "host0:2222"), "workers must be a list of host:port"),
        (tf_config(0, ["host0"]), "workers must be a list of host:port"),
        (tf_config(2, HOSTS), "index must be one of 0 to 1, got 2"),
        (tf_config("0", HOSTS), "index must be one of 0 to 1, got '0'"),
    ],
)
def test_wrong_cluster_is_refused(environ, message):
    with pytest.raises(ValueError, match=message):
        read_worker(environ)


def start(command, arguments, environ):
    return subprocess.Popen(
        [*command, *arguments],
        cwd=Path(__file__).parents[2], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )


def logged(process):
    """What a training logged of each epoch, by name."""
    _, error = process.communicate(timeout=3600)
    assert process.returncode == 0, error[-3000:]
    lines = re.findall(r"iteration (\d+): (.*)", error)
    return [(step, dict(part.rsplit(" ", 1) for part in text.split(", "))) for step, text in lines]


def test_keras_3_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.15.0")
    with pytest.raises(ValueError, match=r"which Keras 3.15.0 cannot train on: run without TF_CONFIG, or"):
        create_strategy(Worker(1, 2))


def test_a_worker_that_died_is_told_in_one_line_with_what_to_do():
    message = "{{function_node f}} Collective ops is aborted by: Socket closed\nAdditional GRPC error information\n"
    with pytest.raises(ConnectionError, match=r"another worker is gone \(Socket closed\). Run the same") as caught:
        with lost_worker_named():
            raise tf.errors.UnavailableError(None, None, message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [tf.errors.AbortedError(None, None, "another matter"), ValueError("nor this")])
def test_errors_of_other_kinds_stay_what_they_are(error):
    with pytest.raises(type(error)), lost_worker_named():
        raise error


@pytest.mark.slow
@pytest.mark.skipif(keras.__version__.startswith("3."), reason="Keras 3 cannot train on several workers")
def test_two_workers_train_as_two_devices_of_one_process(tmp_path):
    records = write_records(
        tmp_path / "clips.tfrecord", [make_clip(6, seed=i, clip_id=f"clip{i}") for i in range(4)]
    )
    data = DataConfig(
        train_records=records, val_records=records, num_target_frames=2, batch_size=2, shuffle_buffer=4
    )
    loss = replace(LOSS, temporal_ranges=(2,))
    training = TrainConfig(iterations=2, checkpoint_every=1, val_examples=2, learning_rate=1e-3)
    lines = flags.as_flagfile(MODEL, data, loss, training).splitlines()
    arguments = [line for line in lines if line.startswith("--")]
    environ = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}

    one = logged(start(train_command(ONE_LAYER, devices=2), [f"--workdir={tmp_path / 'one'}", *arguments], environ))
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    together = [
        start(
            train_command(ONE_LAYER),
            [f"--workdir={tmp_path / 'two'}", *arguments],
            {**environ, **tf_config(index, workers)},
        )
        for index in range(2)
    ]
    assert [step for step, _ in one] == ["1", "2"]
    for found in [logged(process) for process in together]:
        assert [step for step, _ in found] == ["1", "2"]
        for (_, expected), (_, values) in zip(one, found):
            assert values.keys() == expected.keys() and "gan_video_2" in values
            for name in values:
                assert float(values[name]) == pytest.approx(float(expected[name]), rel=2e-3), name
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "best.weights.npz", "checkpoints", "config.flags", "events",
    ]
