import os

import numpy as np
import pytest

from stmt_tf.evaluate.kept_results import KeptResults, Measured, states


def measured():
    random = np.random.default_rng(0)
    return Measured(
        rows=[{"method": "model K=1", "psnr": 1 / 3, "lpips": float("nan"), "frames": 4}, {"method": "truth"}],
        features={"model K=1": {"pooled": random.normal(size=4).astype(np.float32)}, "truth": {}},
        pictures={"source (K=1)": np.zeros((2, 2, 3), np.uint8), "truth": np.ones((2, 2, 3), np.uint8)},
        attention={"truth": np.full((1, 1, 3), 7, np.uint8)},
    )


def test_what_was_kept_is_what_is_read(tmp_path):
    kept = measured()
    KeptResults(str(tmp_path), ["settings"]).write(3, kept)
    found = KeptResults(str(tmp_path), ["settings"]).read(3)
    np.testing.assert_equal(found.rows, kept.rows)
    np.testing.assert_equal(found.features, {"model K=1": kept.features["model K=1"]})
    np.testing.assert_equal(found.pictures, kept.pictures)
    np.testing.assert_equal(found.attention, kept.attention)
    assert list(found.pictures) == list(kept.pictures)


def test_other_pairs_and_other_settings_have_nothing(tmp_path):
    KeptResults(str(tmp_path), {"seed": 0}).write(3, measured())
    assert KeptResults(str(tmp_path), {"seed": 0}).read(2) is None
    assert KeptResults(str(tmp_path), {"seed": 1}).read(3) is None


@pytest.mark.parametrize("content", [b"", b"words", b"PK\x03\x04 and no more"])
def test_damaged_results_are_measured_again(tmp_path, content):
    progress = KeptResults(str(tmp_path), [])
    progress.write(0, measured())
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(content)
    assert progress.read(0) is None


def test_nothing_is_left_in_the_end(tmp_path):
    (tmp_path / "table.md").touch()
    KeptResults(str(tmp_path), "another evaluation").write(0, measured())
    progress = KeptResults(str(tmp_path), "this one")
    progress.write(0, measured())
    (other,) = {path.name for path in tmp_path.glob("progress-*")} - {progress._directory.name}
    progress.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == [other, "table.md"]
    os.utime(tmp_path / other, (0, 0))  # nobody goes on with what was left long ago
    progress.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["table.md"]


def test_states_tell_whether_files_changed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("1")
    before = states(str(tmp_path))
    assert states(str(tmp_path / "sub" / "a")) == before == states(str(tmp_path))
    (tmp_path / "sub" / "a").write_text("12")
    assert states(str(tmp_path)) != before
    assert states(str(tmp_path / "none")) == []
