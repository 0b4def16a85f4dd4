import dataclasses

from stmt_tf.config import setting
from stmt_tf.flags import usage


@dataclasses.dataclass(frozen=True)
class Places:
    source: str = setting("", "What to read.", group="Inputs", required=True)
    poses: str = setting("", "Poses of it.")
    output: str = setting("", "What to write.", group="Output")


@dataclasses.dataclass(frozen=True)
class Ways:
    again: bool = setting(True, "Whether to go on " + "and on " * 20 + "and on.")
    style: str = setting("old", "How it looks.", ("old", "new"), group="Output")
    ranges: tuple[int, ...] = setting((3, 5), "Which.", group="Inputs")


def test_flags_stand_in_their_groups_with_values_defaults_and_what_is_required():
    text = usage.of_command("Makes it.\n\n    make --source=A\n", Places, Ways)
    assert text.startswith(
        """\
Makes it.

    make --source=A

Inputs
  --source=TEXT (required)
      What to read.
  --poses=TEXT
      Poses of it.
  --ranges=INTEGER,... (default: 3,5)
      Which.

Output
  --output=TEXT
      What to write.
  --style=old|new (default: old)
      How it looks.

Flags
  --[no]again (default: yes)
      Whether to go on and on """
    )
    assert "--flagfile=FILE" in text and max(map(len, text.splitlines())) <= 100
