"""Measures a model on the paper's two test sets, beside baselines that it must beat.

    python -m stmt_tf.evaluate --model=DIR --records='DIR/test-*.tfrecord' --output=DIR

Records may be rendered or cut from real videos. Of the set `same`, source and target are of one clip, so that the truth
is known; of `cross` they are of two (`stmt_tf.evaluate.pairs` tells how they are drawn). Every method sees the same
source frames:

    model K=1, model K=4   the model with one of the source frames, and with all
    mean of K=1            the mean of what it makes of each of them alone, which fusion must beat
    warped                 the composite of warped parts that the model starts from, before any network drew
    nearest pose           for each target frame, the source frame of the nearest pose
    source median          the median of the source frames
    other models           those that --compare names

`stmt_tf.evaluate.measures` tells what is measured; VFID and FVD, in the set `same` alone, since the looks of the person
count in them too. Into --output go table.md (means over the pairs), metrics.json (the same with all settings, and the
model's margins over the better baseline), per_video.csv (one line a pair and method), plots.png (each metric over the
pairs, method by method), sheet.png (examples) and pairs.json (which frames; --pairs takes it again). Of a model with
attention also attention.png: of the same examples, what the model makes of each source frame alone, where each is
trusted, and the result (as the paper's Fig. 7). With --set=both, --output gets a directory of each set.

An evaluation that was interrupted goes on where it was when its command is given again.
"""

from stmt_tf import flags
from stmt_tf.evaluate.settings import EvaluateConfig

if __name__ == "__main__":
    flags.run(__doc__, "stmt_tf.evaluate.command", EvaluateConfig, computes=True, interrupted=flags.GOES_ON)
