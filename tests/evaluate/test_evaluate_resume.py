import dataclasses
import os
import shutil

import pytest
import tensorflow as tf
from evaluations import NOBODY, OUTPUTS, Oracle, config_for, make_clips

from stmt_tf.evaluate.command import evaluate
from stmt_tf.evaluate.measures import Judges
from stmt_tf.features.i3d import VideoNetwork


def mean_colour(videos):
    mean = tf.cast(tf.reduce_mean(tf.cast(videos, tf.float64), [1, 2, 3]), tf.float32)
    return {"pooled": mean, "logits": mean}


class Interrupted(Oracle):
    """Stops at the second pair."""

    def encode_source(self, frames, joints, mattes=None):
        if len(self.sources_seen) == 7:
            raise KeyboardInterrupt
        return super().encode_source(frames, joints)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_interrupted_evaluation_goes_on_with_what_is_left(tmp_path):
    clips = make_clips(steps=20)
    judges = Judges(videos=VideoNetwork("mean colour", mean_colour, None))
    config = config_for(tmp_path, clips)
    evaluate(config, Oracle(clips, error=5), judges)
    expected = contents(tmp_path / "out")
    shutil.rmtree(config.output)
    with pytest.raises(KeyboardInterrupt):
        evaluate(config, Interrupted(clips, error=5), judges)
    assert [path.name for path in (tmp_path / "out").glob("*/*")] == ["00000.npz"]
    assert len(os.listdir(config.output)) == 1
    model = Oracle(clips, error=5)
    evaluate(config, model, judges)
    assert model.sources_seen == [4, 1, 1, 1, 1] * 2
    found = contents(tmp_path / "out")
    assert sorted(found) == OUTPUTS
    assert all(found[name] == expected[name] for name in OUTPUTS)


def test_interrupt_in_the_second_set_does_not_cost_the_first(tmp_path):
    class InterruptedLater(Oracle):
        def encode_source(self, frames, joints, mattes=None):
            if len(self.sources_seen) == 3 * 5 + 7:
                raise KeyboardInterrupt
            return super().encode_source(frames, joints)

    clips = make_clips()
    config = config_for(tmp_path, clips, set="both")
    with pytest.raises(KeyboardInterrupt):
        evaluate(config, InterruptedLater(clips), NOBODY)
    model = Oracle(clips)
    evaluate(config, model, NOBODY)
    assert model.sources_seen == [4, 1, 1, 1, 1] * 5  # of six cross pairs, one was measured
    assert sorted(os.listdir(tmp_path / "out" / "same")) == OUTPUTS


@pytest.mark.parametrize("change", [{"seed": 1}, {"num_target_frames": 3}])
def test_other_settings_begin_anew(tmp_path, change):
    clips = make_clips()
    config = config_for(tmp_path, clips)
    with pytest.raises(KeyboardInterrupt):
        evaluate(config, Interrupted(clips), NOBODY)
    (kept,) = os.listdir(config.output)
    model = Oracle(clips)
    evaluate(dataclasses.replace(config, **change), model, NOBODY)
    assert model.sources_seen == [4, 1, 1, 1, 1] * 3
    assert sorted(os.listdir(config.output)) == sorted([*OUTPUTS, kept])  # somebody may still go on with that one


def test_changed_model_begins_anew(tmp_path):
    clips = make_clips()
    weights = tmp_path / "model"
    weights.write_text("one")
    config = dataclasses.replace(config_for(tmp_path, clips), model=str(weights))
    with pytest.raises(KeyboardInterrupt):
        evaluate(config, Interrupted(clips), NOBODY)
    weights.write_text("another")
    model = Oracle(clips)
    evaluate(config, model, NOBODY)
    assert model.sources_seen == [4, 1, 1, 1, 1] * 3
