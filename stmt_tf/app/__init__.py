"""A page that makes videos: two go in, their transfer comes out. `python -m stmt_tf.app --help` tells how to serve it.

`jobs` has the transfers, as processes, and knows nothing of pages; `page` has what people see, in gradio.
"""
