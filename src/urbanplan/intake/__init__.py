"""What comes into a city's folder: begun, fetched from OpenStreetMap, imported from a planner's file."""

from urbanplan.intake.bring import Report, bring, bring_file
from urbanplan.intake.fields import Worth

__all__ = ["Report", "Worth", "bring", "bring_file"]
