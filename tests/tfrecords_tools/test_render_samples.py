from __future__ import annotations

import os
import wave

import av
import numpy as np

from stmt_tf.video.reader import probe
from tfrecords_tools.render_samples import FPS, RATE, render_samples, soft_beat, write_wav


def test_the_samples_are_two_videos_and_the_target_has_sound(tmp_path):
    render_samples(str(tmp_path / "samples"), size=32, num_frames=5)
    assert sorted(os.listdir(tmp_path / "samples")) == ["source.mp4", "target.mp4"]
    infos = [probe(tmp_path / "samples" / name) for name in ("source.mp4", "target.mp4")]
    assert [(info.width, info.height, info.fps, info.num_frames) for info in infos] == [(32, 32, FPS, 5)] * 2
    assert [info.has_audio for info in infos] == [False, True]
    with av.open(str(tmp_path / "samples" / "target.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_the_beat_repeats_with_its_tempo_and_never_clips():
    sound = soft_beat(2.0, beats_per_minute=120.0)
    assert sound.shape == (2 * RATE,) and sound.dtype == np.float32
    assert 0.2 < np.abs(sound).max() < 1.0
    loudness = np.abs(sound).reshape(4, 10, -1).mean(-1)  # of the tenths of each of four beats
    assert (loudness[:, :2].min(1) > loudness[:, 3:5].max(1)).all()
    np.testing.assert_allclose(loudness[1:], loudness[:-1], atol=0.02)


def test_sound_is_written_as_16_bit_pcm(tmp_path):
    path = str(tmp_path / "sound.wav")
    write_wav(path, np.array([0.0, 1.0, -1.0, 0.5], np.float32))
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        values = np.frombuffer(file.readframes(10), "<i2")
    assert values.tolist() == [0, 32767, -32767, 16384]
