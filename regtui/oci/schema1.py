"""Docker's signed schema 1: the digest names the payload without the signatures.

Docker "Image Manifest Version 2, Schema 1", "Signed Manifests" (a JSON Web Signature in its pretty form).
"""

import base64

from regtui.bounded_json import parse_json


def signed_payload(body: bytes) -> bytes:
    """The bytes that the digest of a signed manifest is computed of; `body` itself where it isn't one."""
    try:
        header = parse_json(_decode(parse_json(body)["signatures"][0]["protected"]))
        length, tail = header["formatLength"], _decode(header["formatTail"])
        return body[: int(length)] + tail
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return body


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
