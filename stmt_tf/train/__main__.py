"""`python -m stmt_tf.train`: see `stmt_tf.train.command`."""

from stmt_tf.train.command import run

if __name__ == "__main__":
    run()
