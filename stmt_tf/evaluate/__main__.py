"""`python -m stmt_tf.evaluate`: see `stmt_tf.evaluate.command`."""

from stmt_tf.evaluate.command import run

if __name__ == "__main__":
    run()
