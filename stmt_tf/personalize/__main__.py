"""`python -m stmt_tf.personalize`: see `stmt_tf.personalize.command`."""

from stmt_tf.personalize.command import run

if __name__ == "__main__":
    run()
