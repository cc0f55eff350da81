"""Keys, tokens and passwords: what they look like, by issuer and by what stands before them."""

from typing import Final

from certtrace.redaction.detect import credentials
from certtrace.redaction.detect.pattern import Pattern


def _issuer(expression: str, *literals: str) -> Pattern:
    words = tuple(word.encode() for word in literals)
    return Pattern("SECRET", "secret.issuer", expression.encode(), words, credentials.token)


_NAMES_CREDENTIAL: Final = (
    r"(?:pass(?:word|wd|wrd|phrase|code)?|ps?s?w(?:r?d)?|pas+w(?:o?r)?d|secret|token|credentials?|authorization|"
    r"(?:secret|private|access|api|app|auth|signing|encryption|master|account|shared|subscription)[ _.-]?key)"
)
_CREDENTIAL_WORDS: Final = (
    b"pas",
    b"pw",
    b"psw",
    b"pssw",
    b"secret",
    b"token",
    b"key",
    b"credential",
    b"authorization",
)

_AWS_KEYS: Final = ("akia", "asia", "abia", "acca", "agpa", "aida", "aroa", "aipa", "anpa", "anva")

PATTERNS: Final = (
    Pattern("SECRET", "secret.pem", rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY", (b"-----begin",), credentials.pem),
    Pattern(
        "SECRET",
        "secret.bearer",
        rb"(?i)(?:bearer|basic|token)[ \t]{1,4}[A-Za-z0-9+/_~.=-]{12}",
        (b"bearer", b"basic", b"token"),
        credentials.bearer,
    ),
    Pattern(
        "SECRET",
        "secret.assignment",
        (
            f"(?i){_NAMES_CREDENTIAL}[a-z0-9_-]{{0,16}}\\\\?[\"'\\])]{{0,2}}[ \\t]{{0,8}}(?::=|=>|==|=|:)[ \\t]{{0,8}}"
            "\\\\?[^ \\t-\\r,;<>&(){}]"
        ).encode(),
        _CREDENTIAL_WORDS,
        credentials.assignment,
    ),
    Pattern(
        "SECRET",
        "secret.cookie",
        rb"(?i)(?:set-)?cookie[\"']{0,2}[ \t]{0,2}[:=][ \t]{0,4}[^ \t-\r;,=]{1,64}=",
        (b"cookie",),
        credentials.cookie,
    ),
    _issuer(r"[sp]k-(?:lf-|proj-|ant-|or-v1-|svcacct-|admin-|live-|test-)?[A-Za-z0-9_-]{20}", "sk-", "pk-"),
    _issuer(r"gh[pousr]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}", "gh", "github_pat_"),
    _issuer(r"A(?:KIA|SIA|BIA|CCA|GPA|IDA|ROA|IPA|NPA|NVA)[A-Z0-9]{16}", *_AWS_KEYS),
    _issuer(r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10}|xapp-[0-9]-[A-Za-z0-9-]{10}", "xox", "xapp-"),
    _issuer(r"AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20}|GOCSPX-[0-9A-Za-z_-]{20}", "aiza", "ya29", "gocspx"),
    _issuer(r"eyJ[A-Za-z0-9_-]{10}", "eyj"),
    _issuer(r"[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10}|whsec_[A-Za-z0-9+/=]{20}", "k_", "whsec_"),
    _issuer(r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[A-Za-z0-9_.-]{20}", "gl"),
    _issuer(
        r"npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40}|rubygems_[0-9a-f]{48}|oy2[a-z0-9]{43}",
        "npm_",
        "pypi-",
        "ms_",
        "oy2",
    ),
    _issuer(
        r"SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39}|hf_[A-Za-z0-9]{30}|gsk_[A-Za-z0-9]{40}", "sg.", "hf_", "gsk_"
    ),
    _issuer(
        r"d(?:op|oo|or)_v1_[0-9a-f]{64}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20}|r8_[A-Za-z0-9]{30}", "_v1_", "dckr_", "r8_"
    ),
    _issuer(r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{30}|shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}", "dp.", "shp"),
    _issuer(r"sq0[a-z]{3}-[0-9A-Za-z_-]{22}|EAAA[A-Za-z0-9_-]{60}|EAAC[A-Za-z0-9]{20}", "sq0", "eaa"),
    _issuer(r"figd_[A-Za-z0-9_-]{40}|lin_api_[A-Za-z0-9]{40}|ATATT3[A-Za-z0-9_=-]{60}", "figd_", "lin_api_", "atatt3"),
    _issuer(
        r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}|sntry[su]_[A-Za-z0-9_+/=.-]{40}|glsa_[A-Za-z0-9_]{32}",
        "pmak-",
        "sntry",
        "glsa_",
    ),
    _issuer(r"glc_[A-Za-z0-9+/=]{32}|NRA[AK]-[A-Za-z0-9]{27}|NRJS-[0-9a-f]{19}|NRII-[A-Za-z0-9-]{32}", "glc_", "nr"),
    _issuer(
        r"hv[sbr]\.[A-Za-z0-9_-]{24}|pplx-[A-Za-z0-9]{40}|xai-[A-Za-z0-9]{40}|dapi[0-9a-f]{32}",
        "hv",
        "pplx-",
        "xai-",
        "dapi",
    ),
    _issuer(
        r"tgp_v1_[A-Za-z0-9_-]{40}|jina_[A-Za-z0-9]{40}|fc-[0-9a-f]{32}|key-[0-9a-f]{32}",
        "tgp_v1_",
        "jina_",
        "fc-",
        "key-",
    ),
    _issuer(
        r"HRKU-[A-Za-z0-9_-]{36}|cfat_[A-Za-z0-9]{40}|bedrock-api-key-[A-Za-z0-9+/=]{20}|PMAT-[0-9A-Z]{26}",
        "hrku",
        "cfat_",
        "bedrock-",
        "pmat-",
    ),
    _issuer(
        r"AGE-SECRET-KEY-1[0-9A-Z]{50}|SWMTKN-1-[0-9a-z-]{60}|\.atlasv1\.[A-Za-z0-9_-]{60}",
        "age-s",
        "swmtkn",
        "atlasv1",
    ),
    _issuer(
        r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}|sl\.[A-Za-z0-9_-]{100}|ABSK[A-Za-z0-9+/=]{100}",
        "dt0",
        "sl.",
        "absk",
    ),
    _issuer(r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20}", "hooks.slack"),
    _issuer(r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60}", "discord"),
    _issuer(
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}|pat-[a-z]{2}[0-9]-[0-9a-f-]{36}", ".", "pat-"
    ),
)
