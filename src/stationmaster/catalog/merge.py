"""Merges a JSON merge patch into a document (RFC 7396)."""

from collections.abc import Mapping
from typing import Any


def merge(document: Any, patch: Any) -> Any:
    """The document with the patch: null removes a field, a mapping goes down, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
