"""For your own test suite: see what your code records, and prove that nothing personal is in what leaves.

With pytest use the fixtures `certtrace_spans` and `certtrace_leaks` (the plugin is installed with certtrace); elsewhere
`recording()`, `leak_check()`, `find_leaks()` and `assert_no_leaks()`.
"""

from certtrace.testing.finding import Leak, assert_no_leaks, find_leaks
from certtrace.testing.leakcheck import LeakCheck, leak_check
from certtrace.testing.recorder import FinishedSpan, Recorder, recording

__all__ = [
    "FinishedSpan",
    "Leak",
    "LeakCheck",
    "Recorder",
    "assert_no_leaks",
    "find_leaks",
    "leak_check",
    "recording",
]
