"""Measurements of speed and of the metrics; see README.md beside this file."""

import stmt_tf  # noqa: F401  prepares the process before a benchmark loads TensorFlow
