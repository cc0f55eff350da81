"""Which units are kept: the rules, the decision and the account of it."""

from certtrace.sampling.account import Account, AccountSnapshot, Handover, Passage
from certtrace.sampling.deciding import Sampler
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.tracestate import randomness_of, threshold_for, threshold_hex, threshold_of, tracestate_with
from certtrace.sampling.verdict import CERTAIN, NEVER, Deferred

__all__ = [
    "CERTAIN",
    "NEVER",
    "Account",
    "AccountSnapshot",
    "Deferred",
    "Handover",
    "Passage",
    "Sampler",
    "SamplingPolicy",
    "randomness_of",
    "threshold_for",
    "threshold_hex",
    "threshold_of",
    "tracestate_with",
]
