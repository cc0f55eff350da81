"""Tokens of issuers, made up at random: found wholly wherever they stand; words and hashes are not."""

import json
import string
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.detect.randomness import looks_random
from certtrace.redaction.detect.tokens import issuer
from certtrace.redaction.text.views import views

DETECTORS = Detectors({"SECRET"})
ALNUM = string.ascii_letters + string.digits
SAFE = ALNUM + "_-"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
LOWER = string.ascii_lowercase + string.digits

# What stands before the random part, its length and signs; several parts where the form has several.
TOKENS = {
    "github": (("ghp_", 36, ALNUM),),
    "gitlab": (("glpat-", 20, SAFE),),
    "npm": (("npm_", 36, ALNUM),),
    "pypi": (("pypi-AgEIcHlwaS5vcmc", 60, SAFE),),
    "rubygems": (("rubygems_", 48, HEX),),
    "docker": (("dckr_pat_", 27, SAFE),),
    "circleci": (("CCIPAT_", 22, ALNUM), ("_", 40, HEX)),
    "sonar": (("sqp_", 40, HEX),),
    "pulumi": (("pul-", 40, HEX),),
    "postman": (("PMAK-", 24, HEX), ("-", 34, HEX)),
    "linear": (("lin_api_", 40, ALNUM),),
    "notion": (("ntn_", 46, ALNUM),),
    "airtable": (("pat", 14, ALNUM), (".", 64, HEX)),
    "aws": (("AKIA", 16, UPPER),),
    "google": (("AIza", 35, SAFE),),
    "digitalocean": (("dop_v1_", 64, HEX),),
    "netlify": (("nfp_", 36, ALNUM),),
    "supabase": (("sbp_", 40, HEX),),
    "cloudflare": (("cfut_", 48, ALNUM),),
    "databricks": (("dapi", 32, HEX),),
    "vault": (("hvs.", 90, SAFE),),
    "doppler": (("dp.pt.", 43, ALNUM),),
    "tailscale": (("tskey-auth-", 12, ALNUM), ("-", 32, ALNUM)),
    "anthropic": (("sk-ant-api03-", 93, SAFE),),
    "openai": (("sk-proj-", 60, SAFE),),
    "langfuse": (("sk-lf-", 8, HEX), ("-", 4, HEX), ("-", 4, HEX), ("-", 4, HEX), ("-", 12, HEX)),
    "langsmith": (("lsv2_pt_", 32, HEX), ("_", 10, HEX)),
    "hugging-face": (("hf_", 34, string.ascii_letters),),
    "groq": (("gsk_", 52, ALNUM),),
    "perplexity": (("pplx-", 48, ALNUM),),
    "stripe": (("sk_live_", 24, ALNUM),),
    "square": (("sq0atp-", 22, SAFE),),
    "shopify": (("shpat_", 32, HEX),),
    "slack": (("xoxb-", 12, string.digits), ("-", 12, string.digits), ("-", 24, ALNUM)),
    "sendgrid": (("SG.", 22, SAFE), (".", 43, SAFE)),
    "mailgun": (("key-", 32, HEX),),
    "twilio": (("SK", 32, HEX),),
    "hubspot": (("pat-na1-", 8, HEX), ("-", 4, HEX), ("-", 4, HEX), ("-", 4, HEX), ("-", 12, HEX)),
    "new-relic": (("NRAK-", 27, UPPER),),
    "sentry": (("sntryu_", 64, HEX),),
    "grafana": (("glsa_", 32, ALNUM), ("_", 8, HEX)),
    "dynatrace": (("dt0c01.", 24, UPPER), (".", 64, UPPER)),
    "adafruit": (("aio_", 28, ALNUM),),
}


def token_of(parts, seed):
    random = Random(seed)
    return "".join(prefix + "".join(random.choices(signs, k=length)) for prefix, length, signs in parts)


def covered(text):
    places = set()
    for view in views(text):
        for finding in DETECTORS.find(view):
            places.update(range(*view.to_source(finding.start, finding.end)))
    return places


@pytest.mark.parametrize("name", TOKENS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_token_is_found_wholly_wherever_it_stands(name, seed):
    token = token_of(TOKENS[name], seed)
    for text in (
        token,
        f"The call failed for {token}, please rotate it.",
        json.dumps({"note": f"used {token}\n"}),
        f"https://api.example.org/v1?x={quote(token)}&y=1",
        f"export X={token} && run",
    ):
        start = text.index(token)
        missed = set(range(start, start + len(token.rstrip("-_")))) - covered(text)
        assert missed == set()


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_names_its_issuer(name):
    assert issuer(token_of(TOKENS[name], 1).encode()) == name


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "service",
                "network",
                "layer",
                "protocol",
                "routing",
                "packet",
                "address",
                "session",
                "server",
                "client",
                "exam",
                "grade",
            ]
        ),
        min_size=2,
        max_size=8,
    ),
    st.sampled_from(["-", "_", ".", "/", ""]),
    st.integers(0, 9999),
)
def test_words_are_no_token(words, joint, number):
    text = joint.join(words)
    assert covered(f"see {text} and {text}{joint or '-'}{number}") == set()
    assert not looks_random(text.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.sampled_from([32, 40, 64]))
def test_a_hash_is_no_token(digest, length):
    hashed = digest.hex()[:length]
    assert covered(f"commit {hashed}, sha256:{hashed}, id={hashed}") == set()


def test_a_picture_of_a_token_is_none():
    assert covered("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and sk_live_xxxxxxxxxxxxxxxxxxxxxxxx") == set()
