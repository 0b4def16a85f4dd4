r"""Makes the paper's user study (4.1, Table 2): which of two methods' videos people prefer.

1. python -m stmt_tf.evaluate --model=OURS --compare="single frame@1=SINGLE" --records='DIR/test-*' --set=both \
         --num_pairs=5 --num_target_frames=0 --videos=results --output=measured
2. python -m stmt_tf.study build --first="results/model K=4" --second="results/single frame" \
         --names="ours,single frame" --output=study.html
3. Give study.html to the participants, as a file or through any web server. It holds the videos, needs no network,
and sends nothing anywhere: at its end each participant saves a file answers-*.json and sends it back to you.
4. python -m stmt_tf.study tally answers-*.json --output=table.md
"""

from stmt_tf import flags

if __name__ == "__main__":
    flags.choose("study", __doc__, {"build": "stmt_tf.study.build", "tally": "stmt_tf.study.tally"})
