import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_model
from records import make_clip, make_example, write_records

from benchmarks import attended
from benchmarks.attended import inputs_of, layers_of
from benchmarks.quality_settings import AttendedConfig
from stmt_tf.models.attention import SelfAttention
from stmt_tf.models.create import create_generator


def generator_of(fusion):
    generator = create_generator(dataclasses.replace(tiny_model.CONFIG, fusion=fusion), 2)
    generator(make_example(batch=1, sources=2, targets=2))
    return generator


def features(frames, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(2, frames, 8, 8, 16)), tf.float32)


def layer_of(x, query, key, gamma=1.0, **options):
    """A layer whose queries and keys are the first two channels, times these."""
    layer = SelfAttention(**options)
    layer(x)
    kernel = np.eye(16, 2, dtype=np.float32)[np.newaxis, np.newaxis]
    layer.query.set_weights([query * kernel])
    layer.key.set_weights([key * kernel])
    layer.gamma.assign(gamma)
    return layer


def cells(table):
    """Of the rows below the head."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"pool": 2}, {"stride": 2, "pool": 2}])
def test_what_looks_everywhere_alike_looks_evenly(options):
    x = features(4)
    looks = attended.attended(layer_of(x, 0.0, 1.0, **options), x)
    assert looks.distance == pytest.approx(looks.distance_evenly, rel=1e-4)
    assert looks.own_frame == pytest.approx(0.25, rel=1e-4) and looks.own_frame_evenly == 0.25
    assert 3.5 < looks.distance_evenly < 4.5  # of points in a square of 8 pixels the mean is 0.52 of the side


def test_what_looks_at_itself_alone_looks_nowhere_else():
    x = features(4)
    angles = 2 * np.pi * np.arange(4 * 64) / (4 * 64)
    own = np.stack([np.cos(angles), np.sin(angles)], -1).reshape(1, 4, 8, 8, 2)
    x = tf.concat([tf.constant(np.repeat(own, 2, 0), tf.float32), x[..., 2:]], -1)
    looks = attended.attended(layer_of(x, 300.0, 300.0), x)
    assert looks.distance < 0.05 and looks.own_frame > 0.99


def test_of_pooled_keys_the_largest_is_looked_at_in_the_middle_of_its_square():
    x = np.zeros((1, 2, 6, 16), np.float32)
    x[..., 1] = 1.0  # the same query everywhere
    x[:, :, :2, 0] = -4.0
    x[:, 0, 0, 0] = 4.0  # in the mean, the square beside it is larger
    x[:, :, 4:, 0] = -4.0
    layer = layer_of(tf.constant(x), 1.0, 1.0, pool=2)
    layer.query.set_weights([50 * np.eye(16, 2, -1, dtype=np.float32)[np.newaxis, np.newaxis]])
    apart = np.hypot(0.5, np.arange(6) + 0.5 - 1.0)
    assert attended.attended(layer, tf.constant(x)).distance == pytest.approx(apart.mean(), rel=1e-5)


def test_what_a_layer_is_given_is_collected():
    x = features(1)[:, 0]
    layer = layer_of(x, 1.0, 1.0)
    with inputs_of({"a": layer}) as seen:
        given = layer(x)
    assert seen["a"][0] is x and np.abs(given - x).max() > 0.1


def test_what_is_added_is_told_beside_the_features():
    x = features(1)[:, 0]
    layer = layer_of(x, 1.0, 1.0, gamma=0.0)
    assert attended.attended(layer, x).added == 0.0
    layer.gamma.assign(0.5)
    expected = np.linalg.norm(layer(x) - x) / np.linalg.norm(x)
    looks = attended.attended(layer, x)
    assert looks.added == pytest.approx(expected, rel=1e-5) and expected > 0
    assert looks.own_frame == looks.own_frame_evenly == 1.0


@pytest.mark.parametrize("fusion, rank", [("sa3d_rb6", 5), ("rb6_sa2d", 4)])
def test_each_branch_is_told_by_what_its_layer_is_given(fusion, rank):
    generator, example = generator_of(fusion), make_example(batch=1, sources=2, targets=2)
    layers = layers_of(generator)
    assert list(layers) == ["foreground", "background"]
    with inputs_of(layers) as seen:
        generator(example)
    generator(example)
    assert all(len(given) == 1 and given[0].shape.rank == rank for given in seen.values())
    layers["background"].gamma.assign(0.25)
    looks = {name: [attended.attended(layers[name], x) for x in given] for name, given in seen.items()}
    foreground, background = cells(attended.table(layers, looks))
    assert foreground[:3] == ["foreground", "0.0000", "0.0000"]
    assert background[:2] == ["background", "0.2500"] and float(background[2]) > 0


def test_the_largest_share_is_that_of_the_frame_that_is_looked_at_most():
    even = np.full((1, 2, 4, 3, 3), 0.25, np.float32)
    assert attended.largest_share(tf.constant(even)) == pytest.approx(0.25)
    even[0, 0, :, 0, 0] = 0.1, 0.1, 0.1, 0.7  # in one of 18 places
    even[0, 1, :, 2, 1] = 0.7, 0.1, 0.1, 0.1
    assert attended.largest_share(tf.constant(even)) == pytest.approx(0.25 + 2 * 0.45 / 18)


def test_main_tells_of_a_model(tmp_path, monkeypatch, capsys):
    path = write_records(tmp_path / "val.tfrecord", [make_clip(12)])
    made = {fusion: generator_of(fusion) for fusion in ("avg", "rb6", "rb6_sa2d")}
    configs = {fusion: dataclasses.replace(tiny_model.CONFIG, fusion=fusion) for fusion in made}
    monkeypatch.setattr(attended, "load_generator", lambda directory: (made[directory], configs[directory]))
    for fusion, self_attention in (("rb6_sa2d", ["branch", "foreground", "background"]), ("rb6", [])):
        attended.main(AttendedConfig(fusion, path, examples=2))
        first, _, second = capsys.readouterr().out.partition("\n\n")
        assert [[line[0], line[2]] for line in cells(first)] == [["foreground", "0.50"], ["background", "0.50"]]
        assert all(0.5 <= float(line[1]) <= 1.0 for line in cells(first))
        assert [line.split("|")[1].strip() for line in second.splitlines() if "---" not in line] == self_attention
    with pytest.raises(SystemExit, match="attended: avg: --fusion=avg has no attention"):
        attended.main(AttendedConfig("avg", path))
    with pytest.raises(SystemExit, match="attended: .*none"):
        attended.main(AttendedConfig("rb6_sa2d", "none"))
