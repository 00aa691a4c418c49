"""Named measures with a definition and a clause: is it met, for whom not, and on what data?"""

from urbanplan.indicators.checkup import COLUMNS, check_up, wide
from urbanplan.indicators.scene import Scene
from urbanplan.indicators.wording import change_text, figure_text

__all__ = ["COLUMNS", "Scene", "change_text", "check_up", "figure_text", "wide"]
