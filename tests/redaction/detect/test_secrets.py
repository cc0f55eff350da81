"""Secrets by name, command and form: what is found, what is left."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.text.views import views

NATIVE = Detectors({"SECRET", "URL"})
PLAIN = Detectors({"SECRET", "URL"}, native=False)
MIXED = "f3Kq9ZxT1vLm8RwYb2Ns7HdP"
HEX = "9b2f4c81d07e6a35b8c1f04e2d97a6c3"
UUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
ACCESS_KEY = "kQ8vN2pXrT5wZ7yB1mL4/cD+eF6gH9jK0aS3uV8o"
WORD = "Sommer2024"


def covered(text, detectors):
    places = set()
    for view in views(text):
        for finding in detectors.find(view):
            if finding.type == "SECRET":
                places.update(range(*view.to_source(finding.start, finding.end)))
    return places


FORMS = {
    "go": f'facebookToken := "{HEX}"',
    "go-typed": f'var facebookToken string = "{HEX}"',
    "make": f"fastly_TOKEN ?= {MIXED}",
    "ruby-default": f'fastlyToken ||= "{MIXED}"',
    "java": f'System.setProperty("FLICKR_TOKEN", "{MIXED}")',
    "setter": f'db.setPassword("{WORD}");',
    "python-annotated": f'def connect(passwd: str = "{WORD}"):',
    "python-compared": f'if password != "{WORD}":',
    "python-default": f'password = os.environ.get("PW", "{WORD}")',
    "javascript-default": f'const password = process.env.PW || "{WORD}";',
    "php": f"define('DB_PASSWORD', '{WORD}');",
    "c-macro": f'#define PASSWORD "{WORD}"',
    "bytes": f'hmac_key = b"{MIXED}"',
    "xml": f"<apiKey>{MIXED}</apiKey>",
    "xml-lines": f"<token>\n    {MIXED}\n</token>",
    "xml-attributes": f'<add key="ApiToken" value="{MIXED}" />',
    "json": f'{{"client_secret": "{MIXED}"}}',
    "json-in-string": f'{{"config": "FINICITY_TOKEN={MIXED}\\nBACKUP=true"}}',
    "yaml-pair": f"- name: DB_PASSWORD\n  value: {WORD}",
    "yaml": f"ansible_ssh_pass: {WORD}",
    "properties": f"spring.datasource.password={WORD}",
    "shell-default": f"${{DB_PASSWORD:-{WORD}}}",
    "powershell": f'$env:OKTA_TOKEN = "{MIXED}"',
    "securestring": f'ConvertTo-SecureString "{WORD}" -AsPlainText',
    "dockerfile": f"ENV API_TOKEN {MIXED}",
    "npmrc": f"//registry.npmjs.org/:_authToken={UUID}",
    "uuid-key": f"HEROKU_API_KEY: {UUID}",
    "wireguard": "PrivateKey = aB3dE6gH9jK2mN5pQ8sT1uVwXyZ0aB3dE6gH9jK2mN4=",
    "odbc": f"Server=db;User Id=sa;Password={WORD};Encrypt=yes",
    "jdbc": f"jdbc:mysql://db/x?user=root&password={WORD}&ssl=1",
    "oracle": f"jdbc:oracle:thin:scott/{WORD}@db:1521/x",
    "sql": f"CREATE USER bob IDENTIFIED BY '{WORD}';",
    "sql-server": f"CREATE LOGIN bob WITH PASSWORD = N'{WORD}'",
    "mongodb": f"mongodb+srv://bob:{WORD}@c.example.net/x",
    "redis-hash-sign": f"redis://:{WORD}#1@cache:6379/0",
    "netrc": f"machine x.example.org login bob password {WORD}",
    "redis-config": f"requirepass {WORD}",
    "cisco": f"enable secret {WORD}",
    "header": f"X-Api-Key: {MIXED}",
    "basic": "Authorization: Basic Ym9iOlNvbW1lcjIwMjQ=",
    "bearer": f"authorization: Bearer {MIXED}",
    "curl": f"curl -u admin:{WORD} https://x.example",
    "mysql": f"mysql -u root -p{WORD} db",
    "docker": f"docker login -u me -p {WORD} registry.example",
    "sshpass": f'sshpass -p "{WORD}" ssh root@host',
    "psexec": f"psexec \\\\host -u bob -p {WORD} cmd",
    "net-use": f"net use z: \\\\srv\\share /user:dom\\bob {WORD}",
    "rdp": f"xfreerdp /u:bob /p:{WORD} /v:host",
    "sudo": f'echo "{WORD}" | sudo -S reboot',
    "flag": f"vault login --token {MIXED}",
    "helm": f"helm install --set db.password={WORD} x",
    "call": f'client.login("bob", "{WORD}")',
    "auth-pair": f"requests.get(u, auth=('bob', '{WORD}'))",
    "sentence": f"The password for the lab is {WORD}.",
    "sentence-quoted": 'my password was "correct-horse"',
    "german": f"Das Passwort lautet {WORD}",
    "spanish": f"contrase\u00f1a: {WORD}",
    "mnemonic": "seed phrase: abandon ability able about above absent absorb abstract absurd abuse access accident",
    "aws-pair": f"AKIAZ7QW3ERT5YUI9OPA,{ACCESS_KEY}",
    "slack-hook": f"https://hooks.slack.com/services/T00000000/B00000000/{MIXED}",
    "ifttt-hook": f"https://maker.ifttt.com/trigger/x/with/key/{MIXED}",
    "shadow": f"root:$6$saltsalt${'aB3/' * 21}x:18000:0:99999:7:::",
    "wifi": f"WIFI:S:home;T:WPA;P:{WORD};;",
    "jwk": f'{{"kty":"oct","k":"{MIXED}"}}',
    "pem-in-json": '"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADAN\\n-----END PRIVATE KEY-----\\n"',
}
SECRETS = (
    MIXED,
    HEX,
    UUID,
    ACCESS_KEY,
    WORD,
    "correct-horse",
    "Ym9iOlNvbW1lcjIwMjQ=",
    "MIIEvQIBADAN",
    "abandon ability",
)


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("detectors", [NATIVE, PLAIN], ids=["re2", "re"])
def test_a_secret_is_found_in_every_form_of_assignment(text, detectors):
    secret = next((secret for secret in SECRETS if secret in text), "aB3")
    start = text.index(secret)
    assert covered(text, detectors).issuperset(range(start, start + len(secret)))


HARMLESS = {
    "prose": "The password is checked by the server. Token: a frame that circulates. Key: value store.",
    "prose-network": "The session key is issued by the KDC; key differences: A vs B; token ring (IEEE 802.5).",
    "policy": "password policy: min 12 characters, password is required, API key is missing",
    "environment": 'password=os.environ["DB_PASSWORD"] and password: ${DB_PASSWORD} and ${{ secrets.TOKEN }}',
    "call": "password = getpass.getpass()",
    "types": "def login(password: str, api_key: Optional[str] = None) -> None:",
    "type-name": "password: SecretStr",
    "schema": '"password": {"type": "string", "minLength": 8}',
    "placeholder": 'api_key="YOUR_API_KEY", password: <your password>, password: ********',
    "counts": 'max_tokens=4096 prompt_tokens: 1250 "token_type": "bearer"',
    "database-keys": "primary_key=12345678, cache_key='user:123:profile:v2', sort_key: created_at",
    "identifiers": f'{{"id": "{UUID}", "trace_id": "{HEX}", "idempotency_key": "{UUID}"}}',
    "hashes": f"sha256:{HEX}{HEX} and commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "rubric": "cert.rubric.sha=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "image": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ports": "docker run -p 8080:80 -u 1000:1000 nginx; ssh -p 2222 host; mkdir -p /var/lib/x",
    "models": "gpt-4o-2024-08-06 and claude-3-5-sonnet-20241022",
    "traceparent": f"traceparent: 00-{HEX}-00f067aa0ba902b7-01",
    "resource-name": "arn:aws:secretsmanager:eu-west-1:123:secret:db-AbCdEf",
    "routes": 'forgotPassword: "/forgot-password", passwordLabel: "Password:"',
    "paths": "4_architecture_and_design/003_Use_GPT_NeoX_for_Self_Hosted_LLM/adr-5-performance-control.md",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
@pytest.mark.parametrize("detectors", [NATIVE, PLAIN], ids=["re2", "re"])
def test_what_only_speaks_of_secrets_is_left(text, detectors):
    assert covered(text, detectors) == set()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(list(FORMS.values()) + list(HARMLESS.values())), min_size=1, max_size=4))
def test_both_engines_find_the_same_secrets(texts):
    text = "\n".join(texts)
    assert covered(text, NATIVE) == covered(text, PLAIN)


@pytest.mark.parametrize(
    "seed",
    [
        "key=",
        'key="key=',
        "-u a ",
        "curl -u a:b ",
        "auth('",
        '"d":"aaaaaaaaaaaaaaaaaaaa"',
        "password for a ",
        "a.",
        "/A1b2",
    ],
)
def test_repeated_beginnings_are_examined_in_bounded_steps(seed):
    text = seed * (60_000 // len(seed))
    half = text[: len(text) // 2]
    assert len(list(NATIVE.find(next(iter(views(text)))))) <= 2 * len(list(NATIVE.find(next(iter(views(half)))))) + 64
