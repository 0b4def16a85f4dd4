"""`python -m stmt_tf.transfer`: see `stmt_tf.transfer.command`."""

from stmt_tf.transfer.command import run

if __name__ == "__main__":
    run()
