"""Tools that make records: from videos, and from rendered dancers."""

import stmt_tf  # noqa: F401  prepares the process, before a tool imports TensorFlow
