"""Names that are the same in every run."""

from __future__ import annotations

import uuid


def layer_id(drawn: str) -> str:
    """A layer's id in the project, the same in every run (QGIS wants more than ten characters)."""
    return f"{drawn}_{uuid.uuid5(uuid.NAMESPACE_URL, 'urbanplan/' + drawn).hex}"
