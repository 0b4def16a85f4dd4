"""`python -m stmt_tf.assets`: see `stmt_tf.assets`."""

from stmt_tf.assets import main

if __name__ == "__main__":
    main()
