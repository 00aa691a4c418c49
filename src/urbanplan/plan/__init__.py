"""A plan as a ledger: what is promised, what is on the map, what is measured, how far from target."""

from urbanplan.plan.conflicts import conflicts
from urbanplan.plan.ledger import LEDGER, PlanBook, book, ledger, orphans, target_table
from urbanplan.plan.model import Item, Plan, Task, parse_plan

__all__ = [
    "LEDGER",
    "Item",
    "Plan",
    "PlanBook",
    "Task",
    "book",
    "conflicts",
    "ledger",
    "orphans",
    "parse_plan",
    "target_table",
]
