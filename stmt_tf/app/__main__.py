"""Serves a page that makes videos, in a browser.

    python -m stmt_tf.app        then open http://127.0.0.1:7860

Needs the extra `app` (`pip install .[app]`).
"""

from stmt_tf import flags
from stmt_tf.app.settings import AppConfig

if __name__ == "__main__":
    flags.run(__doc__, "stmt_tf.app.command", AppConfig, computes=True)
