"""Explanations: methods, results with their provenance, and the evidence to judge them.

Importing this package loads no torch; the engines load it when they run.
"""

from __future__ import annotations

from glasscell.data.channel import register_channel
from glasscell.explain.baseline import BASELINES
from glasscell.explain.channel import attribution_ref
from glasscell.explain.check import Check, checks
from glasscell.explain.dense import DenseAttribution
from glasscell.explain.evidence import RankedGene, Ranking, ranking
from glasscell.explain.explain import explain, with_twin
from glasscell.explain.factored import FactoredAttribution
from glasscell.explain.method import METHODS, MethodInfo, MethodParams, method_info, why_not
from glasscell.explain.request import ExplainRequest
from glasscell.explain.result import Evidence, Explanation, GeneValue, Provenance

register_channel("attribution", "glasscell.explain.channel:resolve_attribution")

__all__ = [
    "BASELINES",
    "METHODS",
    "Check",
    "DenseAttribution",
    "Evidence",
    "ExplainRequest",
    "Explanation",
    "FactoredAttribution",
    "GeneValue",
    "MethodInfo",
    "MethodParams",
    "Provenance",
    "RankedGene",
    "Ranking",
    "attribution_ref",
    "checks",
    "explain",
    "method_info",
    "ranking",
    "why_not",
    "with_twin",
]
