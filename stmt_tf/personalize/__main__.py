"""Fine-tunes a model on one video, so that it shows this person better.

    python -m stmt_tf.personalize --source=A.mp4 --output=A_model
    python -m stmt_tf.transfer --source=A.mp4 --target=B.mp4 --output=C.mp4 --model=A_model

(`transfer --personalize=3` does both and keeps no model.) All of the network is trained, the single-frame model too, to
make the video's own frames from others of them, by the content losses that the model was trained with. The last fifth
of the video is held out: the model that makes it best is the one that is kept. Rendered dancers, one clip for two
of the video, keep the model able to show poses that the video never takes.

The output is a directory of versions, as `stmt_tf.export` writes it. Beside them lies `training/`, a training's working
directory (see `stmt_tf.train`) with its records. The same command again goes on for as many minutes and makes the next
version.
"""

from stmt_tf import flags
from stmt_tf.personalize.settings import PersonalizeConfig

if __name__ == "__main__":
    flags.run(__doc__, "stmt_tf.personalize.command", PersonalizeConfig, computes=True, interrupted=flags.GOES_ON)
