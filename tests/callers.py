"""Programs that call the page of `stmt_tf.app`."""

from __future__ import annotations


def call(address: str, **options):
    """A client of the page at an address, which waits for it as long as a busy machine takes."""
    import gradio_client

    return gradio_client.Client(address, verbose=False, httpx_kwargs={"timeout": 3600}, **options)
