"""Which units are kept: the rules, the decision and the account of it."""

from certtrace.sampling.account import Account, AccountSnapshot
from certtrace.sampling.policy import CERTAIN, NEVER, SamplingPolicy, randomness_of, threshold_hex, tracestate_with

__all__ = [
    "CERTAIN",
    "NEVER",
    "Account",
    "AccountSnapshot",
    "SamplingPolicy",
    "randomness_of",
    "threshold_hex",
    "tracestate_with",
]
