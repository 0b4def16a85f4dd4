"""The paper's user study: which of two methods' videos do people prefer?

`build` makes a web page that shows two methods' results side by side and asks the paper's two questions; `tally`
turns the answers that it hands out into Table 2. `python -m stmt_tf.study --help` tells how to use them.
"""
