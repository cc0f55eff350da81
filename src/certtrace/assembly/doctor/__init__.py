"""Whether an installation works: what is checked, area by area, and what to do about what does not."""

from certtrace.assembly.doctor.examination import AREAS, Examination, examine
from certtrace.assembly.doctor.finding import Finding, State

__all__ = ["AREAS", "Examination", "Finding", "State", "examine"]
