"""Layers: a city's features with their origin, read, validated, and compared with what is published."""

from urbanplan.layers.checks import check_city
from urbanplan.layers.model import (
    BEYOND,
    GROUNDS,
    OUTSIDE,
    Finding,
    Layer,
    accuracy_under,
    covered_share,
    data_gaps,
    gap_sentences,
    load_grounds,
    load_layer,
    load_layers,
    summary,
    validate,
    with_figures,
)

__all__ = [
    "BEYOND",
    "GROUNDS",
    "OUTSIDE",
    "Finding",
    "Layer",
    "accuracy_under",
    "check_city",
    "covered_share",
    "data_gaps",
    "gap_sentences",
    "load_grounds",
    "load_layer",
    "load_layers",
    "summary",
    "validate",
    "with_figures",
]
