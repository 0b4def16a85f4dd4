"""Makes the person of one video do the motion of another.

    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4
    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4 --background=place.jpg
    python -m stmt_tf.transfer --source=A.mp4 --live=0   (a camera or stream as the target, see stmt_tf.transfer.live)

The result shows the source's person and place (or another place), and has the target's frame count, times and
sound. Both videos are decoded frame by frame: memory does not grow with their length.
"""

from stmt_tf import flags
from stmt_tf.transfer.settings import TransferConfig

if __name__ == "__main__":
    flags.run(
        __doc__, "stmt_tf.transfer.command", TransferConfig,
        computes=True, interrupted="what was not complete was not written",
    )  # fmt: skip
