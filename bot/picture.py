"""Drawings as pictures for a chat: rendered as they are sent, so that the outbox keeps them small."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

WIDTH = 1116
"""Pixels; sharp on a phone, and far below the 10 MB that a photo may have."""


async def drawn(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a call with each ``{"filename": ..., "svg": ...}`` made a PNG file."""
    drawings = {name: value for name, value in params.items() if _is_drawing(value)}
    if not drawings:
        return params
    made = {
        name: {
            "filename": value["filename"],
            "base64": base64.b64encode(await asyncio.to_thread(png, value["svg"])).decode("ascii"),
        }
        for name, value in drawings.items()
    }
    return {**params, **made}


def _is_drawing(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"filename", "svg"}


def png(svg: str) -> bytes:
    """Return a drawing of ours as a PNG; texts need a font on the machine, such as DejaVu Sans."""
    import resvg_py  # noqa: PLC0415 - a picture is rare, and takes a megabyte

    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, width=WIDTH, sans_serif_family="DejaVu Sans")
    )
