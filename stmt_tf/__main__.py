"""Person video motion transfer: the person of a source video does the motion of a target video.

    stmt-tf transfer --source=A.mp4 --target=B.mp4 --output=C.mp4

`python -m stmt_tf transfer` is the same; so is `python -m stmt_tf.transfer`, and for the commands that make or look at
records `python -m tfrecords_tools.create_clips` and so on. `stmt-tf --version` tells the version.
"""

from stmt_tf import __version__, flags

COMMANDS = {
    **{
        name: f"stmt_tf.{name}"
        for name in ("transfer", "personalize", "app", "assets", "train", "evaluate", "export", "study")
    },
    **{
        name: f"tfrecords_tools.{name}"
        for name in (
            "create_clips", "beam_clips", "inspect_clips", "validate", "synthetic_dancers", "render_samples",
        )
    },
}  # fmt: skip


def main() -> None:
    """Runs the command that is named first; without one, lists all."""
    flags.choose("stmt-tf", __doc__, COMMANDS, __version__)


if __name__ == "__main__":
    main()
