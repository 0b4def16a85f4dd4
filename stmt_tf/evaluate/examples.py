"""The sheets of examples: a column a pair, a row for each source frame, the target and what each method made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stmt_tf.evaluate.comparison import LAYERS
from stmt_tf.evaluate.pair_frames import Pair
from stmt_tf.pose.selection import evenly_spread
from stmt_tf.video.sheet import contact_sheet

COLUMNS = 8


def shown(count: int) -> set[int]:
    """The numbers of the pairs to show, spread over all of them."""
    return set(evenly_spread(count, COLUMNS).tolist())


def picture(made: dict[str, np.ndarray], pair: Pair) -> dict[str, np.ndarray]:
    """A pair's rows of the sheet: its sources, and the middle target frame as it is and as made."""
    middle = len(pair.target_frames) // 2
    return {
        **{f"source {i}" + " (K=1)" * (i == 1): pair.source_frames[k] for i, k in enumerate(_sources(pair), 1)},
        _target(pair): pair.target_frames[middle],
        **{method: frames[middle] for method, frames in made.items()},
    }


def attention_picture(
    pair: Pair, outputs: dict[str, np.ndarray], alone: Mapping[int, Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """A pair's rows of the attention sheet, as the paper's Fig. 7, of the middle target frame.

    It shows each source frame, what the model makes of it alone, and its share in the result, which comes last. Shares
    are white for all and black for nothing. Empty for a model without attention.

    Args:
        pair: the pair.
        outputs: what the model gives of all source frames.
        alone: of the middle target frame, what it gives of single ones, by their numbers and the layers' names.
    """
    if "foreground_attention" not in outputs:
        return {}
    middle = len(pair.target_frames) // 2
    pictures = {_target(pair): pair.target_frames[middle]}
    for i, k in enumerate(_sources(pair), 1):
        pictures[f"source {i}"] = pair.source_frames[k]
        for branch in LAYERS:
            if branch in alone.get(k, ()):
                pictures[f"{branch} of source {i} alone"] = alone[k][branch]
            if f"{branch}_attention" not in outputs:
                continue
            share = outputs[f"{branch}_attention"][middle, k, :, :, None]
            pictures[f"{branch} from source {i} (white: all)"] = np.rint(255 * share.repeat(3, -1)).astype(np.uint8)
    return {**pictures, **{name: outputs[name][middle] for name in (*LAYERS, "frame")}}


def sheet(pictures: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
    """The sheet, uint8 `[H, W, 3]`, of at least one pair."""
    return contact_sheet([(name, [column[name] for column in pictures]) for name in pictures[0]])


def _sources(pair: Pair) -> list[int]:
    """The source frames in the order of both sheets: that of the single-source methods first."""
    return [pair.choice.single, *np.delete(np.arange(len(pair.source_frames)), pair.choice.single).tolist()]


def _target(pair: Pair) -> str:
    return "target" if pair.choice.is_cross else "truth"
