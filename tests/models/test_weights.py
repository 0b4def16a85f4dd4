"""Files of weights: the same model again, on either line, and nothing else."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
import tensorflow as tf
from records import make_example

from stmt_tf.config import ModelConfig
from stmt_tf.models.create import create_generator, create_single_frame
from stmt_tf.models.weights import load_weights, save_weights

CONFIG = ModelConfig(size=32, width=0.05, fusion="rb6_sa2d", residual_heads=True)


def test_a_frozen_model_with_the_weights_of_one_that_is_not_gives_the_same_output(tmp_path):
    tf.keras.utils.set_random_seed(0)
    model, example = create_generator(CONFIG, 2, freeze_stage1=False), make_example(batch=1, sources=2)
    for variable in model.variables:  # the attention's last layer would else be zeros in both
        variable.assign_add(tf.random.stateless_normal(variable.shape, [1, 2], stddev=0.05))
    path = tmp_path / "one.npz"
    save_weights(model, str(path))
    tf.keras.utils.set_random_seed(1)
    fresh = create_generator(CONFIG, 2)
    assert not np.allclose(fresh(example)["frame"], model(example)["frame"], atol=1e-3)
    load_weights(fresh, str(path))
    for name, expected in model(example).items():
        np.testing.assert_allclose(fresh(example)[name], expected, atol=1e-6, err_msg=name)
    assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]


def test_names_say_what_the_numbers_are(tmp_path):
    model = create_single_frame(CONFIG)
    save_weights(model, str(tmp_path / "one.npz"))
    with np.load(tmp_path / "one.npz") as archive:
        assert re.fullmatch(r"0000 .*mask_unet/conv2d(_\d+)?/kernel", archive.files[0])
        assert len(archive.files) == len(model.weights)


def test_weights_of_another_model_are_refused_and_change_nothing(tmp_path):
    save_weights(create_generator(CONFIG, 2), str(tmp_path / "one.npz"))
    model = create_single_frame(CONFIG)
    before = [np.array(v) for v in model.variables]
    with pytest.raises(ValueError, match=r"one\.npz: holds another model's weights: \d+ arrays of \d+ numbers, where"):
        load_weights(model, str(tmp_path / "one.npz"))
    for variable, value in zip(model.variables, before):
        np.testing.assert_array_equal(np.array(variable), value)


class Trap:
    """What a pickle of it does when it is read."""

    def __reduce__(self):
        return pytest.fail, ("code from the file was run",)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off", pickle.dumps(Trap())])
def test_what_is_no_file_of_weights_is_refused(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.npz: is no sound file of weights"):
        load_weights(create_single_frame(CONFIG), str(tmp_path / "bad.npz"))


def test_objects_in_an_archive_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "bad.npz", trap=np.array([Trap()], object))
    with pytest.raises(ValueError, match=r"bad\.npz: is no sound file of weights"):
        load_weights(create_single_frame(CONFIG), str(tmp_path / "bad.npz"))
