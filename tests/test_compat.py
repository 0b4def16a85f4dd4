import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from stmt_tf import compat


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_spectral_norm_divides_the_kernel_by_its_largest_singular_value(policy):
    dense = tf.keras.layers.Dense(3, use_bias=False, dtype=policy)
    layer, x = compat.spectral_normalization(dense), tf.constant([[1.0, 2.0, 3.0]])
    layer(x)
    dense.kernel.assign(np.diag([3.0, -2.0, 1.0]))
    np.testing.assert_allclose(tf.cast(layer(x), tf.float32), [[3, -4, 3]])  # no training call so far
    for _ in range(40):
        layer(x, training=True)
    # Exact in mixed precision too: a kernel rounded to half precision would be off by 1e-4.
    np.testing.assert_allclose(dense.kernel.numpy(), np.diag([1, -2 / 3, 1 / 3]), atol=1e-6)
    np.testing.assert_allclose(tf.cast(layer(x), tf.float32), [[1, -4 / 3, 1]], atol=0.01)


def test_spectral_norm_says_what_to_install_on_keras_2(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "2.15.0")
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)
    with pytest.raises(ValueError, match=r"needs TensorFlow Addons on this TensorFlow: pip install \.\[addons\]"):
        compat.spectral_normalization(tf.keras.layers.Dense(2))


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [("None", 0, ""), ("3", 3, ""), ("True", 1, ""), ("'what was wrong'", 1, "what was wrong\n")],
)
@pytest.mark.parametrize("module", ["tensorflow_io", "another"])
def test_a_process_ends_with_its_status_and_after_its_clean_up_past_tensorflow_io(module, code, status, told):
    program = f"""
import atexit, sys
from stmt_tf import compat
sys.modules[{module!r}] = object()
atexit.register(print, "cleaned up")
try:
    sys.exit({code})
except SystemExit as end:
    compat.end_process(end)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (status, "cleaned up\n", told)
