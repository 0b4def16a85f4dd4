"""The command line of every command: absl flags, made of dataclasses of settings.

Flags may stand in a file, one a line, which `--flagfile=FILE` reads where it stands among the others: of two values of
a flag the later counts. Lines that begin with # are comments. A flagfile may include others; their paths are relative
to the file that includes them. One that is not there is looked for beside the package, where `configs/` comes with it,
in a clone as well as installed: `--flagfile=configs/rb6.flags` works in any folder.

    bridge      flags from settings, and settings from flags
    flagfiles   reading and writing flagfiles
    usage       what --help prints
    device      what a command computes on
    command     runs a command, or the one of several that the command line names
"""

from stmt_tf.flags.bridge import define, read
from stmt_tf.flags.command import GOES_ON, choose, raise_if_interrupted, run
from stmt_tf.flags.flagfiles import as_flagfile, from_flagfile

__all__ = ["GOES_ON", "as_flagfile", "choose", "define", "from_flagfile", "raise_if_interrupted", "read", "run"]
