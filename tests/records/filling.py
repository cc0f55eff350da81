"""Observations, scores and a store, for the tests of this folder."""

import itertools
from dataclasses import replace

from certtrace.records.model import Observation, Score

START_NS = 1_795_375_000_000_000_000
_numbers = itertools.count(1)


def trace_id(number):
    return f"{number:032x}"


def observation(trace, **given):
    number = next(_numbers)
    made = Observation(
        id=f"{number:016x}",
        trace_id=trace if isinstance(trace, str) else trace_id(trace),
        name="step",
        start_time_ns=START_NS,
        end_time_ns=START_NS + 1_000_000,
    )
    return replace(made, **given)


def score(trace, **given):
    number = next(_numbers)
    made = Score(
        id=f"score-{number}",
        name="quality",
        value=0.5,
        data_type="NUMERIC",
        timestamp_ns=START_NS,
        trace_id=trace if trace is None or isinstance(trace, str) else trace_id(trace),
    )
    return replace(made, **given)
