"""Measurements of speed; see README.md beside this file."""

import stmt_tf  # noqa: F401  prepares the process before a benchmark loads TensorFlow
