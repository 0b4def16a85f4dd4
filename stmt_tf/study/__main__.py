"""`python -m stmt_tf.study`: see `_DESCRIPTION`."""

from __future__ import annotations

import argparse
import sys

from stmt_tf.study.build import build
from stmt_tf.study.tally import tally
from stmt_tf.video.files import VideoError

_DESCRIPTION = """\
The paper's user study (4.1, Table 2): which of two methods' videos do people prefer?

  1. python -m stmt_tf.study build --first=results/ours --second=results/single \\
         --names="ours,single frame" --output=study.html
  2. Give study.html to the participants, as a file or through any web server. It holds the videos, needs no network,
     and sends nothing anywhere: at its end each participant saves a file answers-*.json and sends it back to you.
  3. python -m stmt_tf.study tally answers-*.json --output=table.md
"""

_BUILD = """\
Makes the page. Videos of the same name in the two directories are a pair: two methods' results for the same source and
target. They lie in the directories themselves or in subdirectories, whose names become the subsets of the table:

  results/ours/same/walk.mp4     results/single/same/walk.mp4       in the table: Same-Video
  results/ours/cross/dance.mp4   results/single/cross/dance.mp4     in the table: Cross-Video

For each pair the page asks "Which video looks more realistic?" and "Which video contains less flicker artifacts?";
the answers are left, right and not sure. Every participant gets another order of the pairs, and each method on the
left half of the time. Progress is kept if the page is closed. The methods' names are never shown, though the page's
source and the answers have them.

Videos of a pair have one shape, take equally long, and at most a minute. H.264 is taken as it is, anything else is
encoded anew; sound is left out. The page is a third larger than its videos, and 200 MB at most: 20 videos of 5 seconds
at 256 x 256 make about 5 MB.
"""

_TALLY = """\
Turns the files of the participants into Table 2: the share of answers for each method and of "not sure", by question,
for all pairs and for each subset. In brackets stand 95% intervals; p is of a sign test. Both take participants, not
answers, for independent of each other; the note below the table names the methods.
"""


def main(arguments: list[str] | None = None) -> None:
    """Runs `python -m stmt_tf.study`."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "build":
            print(build(options.first, options.second, options.names, options.output))
        else:
            print(tally(options.answers, options.output), end="")
    except (OSError, ValueError, VideoError) as error:
        sys.exit(f"study {options.command}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"study {options.command}: interrupted, nothing was written")


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m stmt_tf.study", description=_DESCRIPTION, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="videos to a page", description=_BUILD, formatter_class=raw)
    command.add_argument("--first", required=True, metavar="DIR", help="videos of the first method")
    command.add_argument("--second", required=True, metavar="DIR", help="videos of the second method")
    command.add_argument(
        "--names", required=True, metavar="FIRST,SECOND", help="the methods' names in the table, with a comma between"
    )
    command.add_argument("--output", required=True, metavar="FILE.html", help="the page; an older one is replaced")
    command = commands.add_parser("tally", help="answers to a table", description=_TALLY, formatter_class=raw)
    command.add_argument("answers", nargs="+", metavar="answers.json", help="one file for each participant")
    command.add_argument("--output", default="", metavar="FILE.md", help="where to write the table too (Markdown)")
    return parser


if __name__ == "__main__":
    main()
