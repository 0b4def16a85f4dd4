"""`python -m stmt_tf.export`: see `stmt_tf.export.command`."""

from stmt_tf.export.command import run

if __name__ == "__main__":
    run()
