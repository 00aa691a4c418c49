"""Named measures with a definition and a clause: is it met, for whom not, and on what data?"""

from urbanplan.indicators.checkup import COLUMNS, check_up, wide
from urbanplan.indicators.scene import Scene

__all__ = ["COLUMNS", "Scene", "check_up", "wide"]
