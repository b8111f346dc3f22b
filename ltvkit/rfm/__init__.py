"""RFM: how recently, how often and how much each customer bought, and what to do next.

Source: Hughes, A. M. (1994), Strategic Database Marketing. `score` gives each customer scores from
1 to `bins`, the higher the better; `segment` reads those of recency and frequency.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.rfm.scores import MEASURES, fixed_edges, score, thresholds
    from ltvkit.rfm.segments import (
        AT_A_LOSS,
        GONE,
        LAPSE_DAYS,
        LOSES,
        PAYS,
        QUIET,
        RECENT_DAYS,
        SEGMENT_NAMES,
        SEGMENTS,
        TOO_FEW,
        Segment,
        finding,
        grid,
        hold_to_facts,
        members,
        migrate,
        segment,
        summarize,
    )

__all__ = [
    "AT_A_LOSS", "GONE", "LAPSE_DAYS", "LOSES", "MEASURES", "PAYS", "QUIET", "RECENT_DAYS",
    "SEGMENTS", "SEGMENT_NAMES", "TOO_FEW", "Segment", "finding", "fixed_edges", "grid",
    "hold_to_facts", "members", "migrate", "score", "segment", "summarize", "thresholds",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy
