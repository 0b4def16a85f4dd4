"""A picture as iPhones store it: tiles of HEVC that a grid puts together."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np


def write_heic(path, image: np.ndarray, tile: int = 64) -> str:
    """Writes uint8 RGB `[H, W, 3]` as tiles of so many pixels."""
    height, width = image.shape[:2]
    rows, columns = -(-height // tile), -(-width // tile)
    padded = np.pad(image, ((0, rows * tile - height), (0, columns * tile - width), (0, 0)), mode="edge")
    tiles = [
        padded[tile * row : tile * (row + 1), tile * column : tile * (column + 1)]
        for row in range(rows)
        for column in range(columns)
    ]
    configuration, coded = _encoded(tiles)
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    items = [*coded, grid]
    kind = _box("ftyp", b"heic" + bytes(4) + b"mif1heic")
    # The places of the items depend on the length of the box that tells them.
    meta = _meta(items, configuration, tile, (width, height), 0)
    meta = _meta(items, configuration, tile, (width, height), len(kind) + len(meta) + 8)
    Path(path).write_bytes(kind + meta + _box("mdat", b"".join(items)))
    return str(path)


def _encoded(tiles: Sequence[np.ndarray]) -> tuple[bytes, list[bytes]]:
    """The decoder's configuration, and each tile as HEVC without the parameters that are in it."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "keyint=1:log-level=none:qp=10"})
        stream.width, stream.height, stream.pix_fmt = tiles[0].shape[1], tiles[0].shape[0], "yuv444p"
        stream.codec_context.codec_tag = "hvc1"
        for tile in tiles:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(tile), format="rgb24")))
        container.mux(stream.encode(None))
    content = file.getvalue()
    at = content.index(b"hvcC")
    configuration = content[at - 4 : at - 4 + struct.unpack(">I", content[at - 4 : at])[0]]
    with av.open(io.BytesIO(content)) as container:
        return configuration, [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _meta(items: Sequence[bytes], configuration: bytes, tile: int, size: tuple[int, int], start: int) -> bytes:
    tiles = range(1, len(items))
    whole = len(items)
    places, entries, uses = b"", b"", b""
    for number, item in enumerate(items, start=1):
        places += struct.pack(">HHHII", number, 0, 1, start, len(item))
        start += len(item)
        kind, used = (b"hvc1", b"\x81\x02") if number in tiles else (b"grid", b"\x03")
        entries += _box("infe", struct.pack(">IHH", 2 << 24, number, 0) + kind + b"\0")
        uses += struct.pack(">HB", number, len(used)) + used
    properties = configuration + _size(tile, tile) + _size(*size)
    references = struct.pack(f">HH{len(tiles)}H", whole, len(tiles), *tiles)
    return _box(
        "meta",
        bytes(4)
        + _box("hdlr", bytes(8) + b"pict" + bytes(13))
        + _box("pitm", struct.pack(">IH", 0, whole))
        + _box("iloc", struct.pack(">IBBH", 0, 0x44, 0, whole) + places)
        + _box("iinf", struct.pack(">IH", 0, whole) + entries)
        + _box("iref", bytes(4) + _box("dimg", references))
        + _box("iprp", _box("ipco", properties) + _box("ipma", struct.pack(">II", 0, whole) + uses)),
    )


def _size(width: int, height: int) -> bytes:
    return _box("ispe", struct.pack(">III", 0, width, height))


def _box(name: str, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name.encode() + content
