import numpy as np
import pytest
import tensorflow as tf
import tiny_model
from records import make_clip, make_example, write_records

from benchmarks import loss_gradients
from benchmarks.loss_gradients import Loss, adversarial_losses, content_losses, gradient_norms, table, teach
from benchmarks.quality_settings import LossGradientsConfig
from stmt_tf.assets import AssetError
from stmt_tf.features.vgg import create_perceptual_features
from stmt_tf.train.create import create_discriminators
from stmt_tf.train.losses import lsgan_discriminator
from stmt_tf.train.settings import LossConfig
from stmt_tf.train.trainer import seen_by

CONFIG = LossConfig(temporal_ranges=(3,), discriminator_width=0.05)


@pytest.fixture
def example():
    return make_example(batch=1, sources=1, targets=4)


def made_for(example, seed=5):
    return example["target_frames"] + tf.random.stateless_normal(example["target_frames"].shape, [0, seed], stddev=0.3)


def test_a_norm_is_that_of_the_gradient_by_the_frames(example):
    made = made_for(example)
    found = {"MSE": content_losses(CONFIG, "none")["MSE"], "sum": Loss(3.0, lambda made, x: tf.reduce_sum(made))}
    norms = gradient_norms(found, [(made, example), (2 * made, example)])
    offsets = [x.numpy() - example["target_frames"].numpy() for x in (made, 2 * made)]
    expected = np.mean([np.linalg.norm(2 * offset / offset.size) for offset in offsets])
    assert norms["MSE"] == pytest.approx(expected, rel=1e-4)
    assert norms["sum"] == pytest.approx(np.sqrt(offsets[0].size), rel=1e-4)


def test_scaled_maps_pull_alike_and_raw_ones_by_their_scale(example, monkeypatch):
    def features(network, weights):
        scale = {"vgg16": 1.0, "vgg19": 50.0}[network]
        return lambda images: [scale * images, scale * tf.nn.avg_pool2d(images, 2, 2, "VALID")]

    monkeypatch.setattr(loss_gradients, "create_perceptual_features", features)
    norms = gradient_norms(content_losses(CONFIG, "w19"), [(made_for(example), example)])
    assert norms["VGG19, by its scale"] == pytest.approx(norms["VGG16, by its scale"], rel=1e-3)
    assert norms["VGG19, raw L1"] == pytest.approx(50 * norms["VGG16, raw L1"], rel=1e-3)


def test_discriminators_learn_before_they_judge(example):
    discriminators = create_discriminators(CONFIG, 32)
    found = adversarial_losses(CONFIG, discriminators)
    assert {name: loss.coefficient for name, loss in found.items()} == {"D_I": 0.2, "D_V^3": 0.1}
    made = made_for(example)

    def errors():
        true = example["target_frames"]
        return [
            float(lsgan_discriminator(model(*seen_by(name, true, example)), model(*seen_by(name, made, example))))
            for name, model in discriminators.items()
        ]

    before = errors()
    teach(discriminators, [(made, example)] * 10)
    assert all(now < then for now, then in zip(errors(), before))
    assert all(norm > 0 for norm in gradient_norms(found, [(made, example)]).values())


def test_table_compares_what_the_coefficients_leave():
    found = {"MSE": Loss(1.0, None), "D_I": Loss(0.2, None)}
    lines = table(found, {"MSE": 0.004, "D_I": 0.01}).splitlines()
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == ["D_I", "1.00e-02", "0.2", "2.00e-03", "0.5"]


def test_main_measures_each_loss(tmp_path, small_vgg16, monkeypatch, capsys):
    def features(network, weights):
        if network == "vgg19":
            raise AssetError("cannot get VGG19's weights")
        return create_perceptual_features("vgg16", small_vgg16)

    monkeypatch.setattr(loss_gradients, "create_perceptual_features", features)
    path = write_records(tmp_path / "val.tfrecord", [make_clip(12)])
    monkeypatch.setattr(loss_gradients, "load_generator", lambda directory: (tiny_model.generator(), tiny_model.CONFIG))
    config = LossGradientsConfig(path, "tiny", targets=3, examples=1, updates=1, discriminator_width=0.05)
    loss_gradients.main(config)
    names = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines()[2:]]
    assert names == ["MSE", "VGG16, by its scale", "VGG16, raw L1", "D_I", "D_V^3"]
    with pytest.raises(SystemExit, match="loss_gradients: .*none"):
        loss_gradients.main(LossGradientsConfig("none", "tiny"))
