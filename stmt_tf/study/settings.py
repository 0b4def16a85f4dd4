"""Settings of the user study: of its page, and of the count of its answers."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import require_given, setting


@dataclasses.dataclass(frozen=True)
class BuildConfig:
    """One page."""

    first: str = setting("", "Directory of the first method's videos.", group="Inputs", required=True)
    second: str = setting("", "Directory of the second method's videos, of the same names.", required=True)
    names: str = setting("", "Both methods' names in the table, with a comma between.", required=True)
    output: str = setting("", "The page, .html; an older one is replaced.", group="Output", required=True)

    def __post_init__(self):
        require_given(self)


@dataclasses.dataclass(frozen=True)
class TallyConfig:
    """One table."""

    output: str = setting("", "File to write the table into too (Markdown).", group="Output")
