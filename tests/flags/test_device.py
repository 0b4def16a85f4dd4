"""--device: what TensorFlow is shown, without TensorFlow."""

from __future__ import annotations

import sys
import types

import pytest
from test_command import run

from stmt_tf.flags.device import DeviceConfig, choose_device


@pytest.fixture
def gpus(monkeypatch):
    """The GPUs that TensorFlow finds."""
    found = ["a GPU"]
    config = types.SimpleNamespace(list_physical_devices=lambda kind: found if kind == "GPU" else [])
    monkeypatch.setitem(sys.modules, "tensorflow", types.SimpleNamespace(config=config))
    return found


@pytest.mark.parametrize(
    ("device", "before", "after"),
    [
        ("", None, None),
        ("", "1", "1"),
        ("cpu", None, "-1"),
        ("cpu", "0,1", "-1"),
        ("gpu", None, None),
        ("gpu", "2", "2"),
        ("gpu:1", None, "1"),
        ("gpu:1", "3,5", "5"),
        ("gpu:2", "3,5", "-1"),
    ],
)
def test_the_device_alone_is_visible(gpus, device, before, after):
    environ = {} if before is None else {"CUDA_VISIBLE_DEVICES": before}
    choose_device(device, environ)
    assert environ.get("CUDA_VISIBLE_DEVICES") == after


def test_a_gpu_that_is_not_there_is_an_error(gpus):
    gpus.clear()
    with pytest.raises(ValueError, match=r"--device=gpu:3: TensorFlow sees no such GPU.*\[current,gpu\]"):
        choose_device("gpu:3", {})
    choose_device("cpu", {})


@pytest.mark.parametrize("device", ["gpu:", "gpu:-1", "tpu", "CPU", "cpu:0"])
def test_another_device_is_refused(device):
    with pytest.raises(ValueError, match=f"--device must be cpu, gpu or gpu:N, got '{device}'"):
        DeviceConfig(device)


def test_a_command_that_computes_chooses_before_it_imports_anything(tmp_path):
    main = "seen = os.environ['CUDA_VISIBLE_DEVICES']\ndef main(config): print(config.size, seen)"
    done = run(tmp_path, main, "--device=cpu", "--size=64", options=", computes=True")
    assert (done.returncode, done.stdout, done.stderr) == (0, "64 -1\n", "")


def test_a_command_that_computes_refuses_another_device(tmp_path):
    done = run(tmp_path, "raise AssertionError", "--device=none", options=", computes=True")
    assert (done.returncode, done.stderr) == (1, "make: --device must be cpu, gpu or gpu:N, got 'none'\n")


@pytest.mark.parametrize("computes", [True, False])
def test_help_tells_of_the_device_where_the_command_computes(tmp_path, computes):
    told = run(tmp_path, "raise AssertionError", "--help", options=f", computes={computes}").stdout
    assert ("\nMachine\n  --device=TEXT\n" in told) == computes
