"""The settings: where each value comes from, and what a wrong one says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import AliasChoices

import certtrace
from certtrace.errors import ConfigurationError
from certtrace.settings import DESTINATIONS, PREFIX, Settings, isolated, load

VENDORS = {
    "enabled": ["LANGFUSE_TRACING_ENABLED"],
    "service_name": ["OTEL_SERVICE_NAME"],
    "environment": ["LANGFUSE_TRACING_ENVIRONMENT"],
    "release": ["LANGFUSE_RELEASE"],
    "resource_attributes": ["OTEL_RESOURCE_ATTRIBUTES"],
    "langfuse_base_url": ["LANGFUSE_BASE_URL", "LANGFUSE_HOST"],
    "langfuse_public_key": ["LANGFUSE_PUBLIC_KEY"],
    "langfuse_secret_key": ["LANGFUSE_SECRET_KEY"],
    "delivery_timeout_seconds": ["LANGFUSE_TIMEOUT"],
    "sample_rate": ["LANGFUSE_SAMPLE_RATE"],
}
"""Variables of Langfuse and OpenTelemetry that keep their usual meaning, in the order in which they are asked."""

SAMPLES = {
    "home": ("/srv/one", "/srv/two"),
    "destinations": ("store", "langfuse,store"),
    "enabled": ("false", "true"),
    "environment": ("staging", "live"),
    "resource_attributes": ("team=exams", "team=grading"),
    "langfuse_base_url": ("https://one.example", "https://two.example"),
    "langfuse_secret_key": ("sk-lf-one", "sk-lf-two"),
    "delivery_timeout_seconds": ("3", "4"),
    "sample_rate": ("0.25", "0.5"),
    "keep_errors": ("false", "true"),
    "keep_confidence_below": ("0.2", "0.3"),
    "drop_names": ("health", "health,ready"),
    "sampling_dry_run": ("true", "false"),
    "max_unit_spans": ("100", "200"),
    "max_unit_bytes": ("131072", "262144"),
    "max_unit_age_seconds": ("5", "6"),
    "stress_sample_rate": ("0.2", "0.3"),
    "recorder_max_bytes": ("1048576", "2097152"),
    "recorder_max_seconds": ("60", "90"),
    "spool_max_bytes": ("2097152", "4194304"),
    "spool_min_free_bytes": ("1", "2"),
    "spool_fsync": ("process", "always"),
    "redaction_profile": ("strict", "open"),
    "redaction_key": ("k" * 16, "l" * 16),
    "recognizers": ("package:one", "package:one,package:two"),
    "max_value_bytes": ("2048", "4096"),
    "max_backlog_bytes": ("2097152", "4194304"),
    "shutdown_timeout_seconds": ("1", "3"),
    "instrument_httpx": ("false", "true"),
    "instrument_langfuse": ("false", "true"),
    "server_port": ("3001", "0"),
    "server_base_url": ("https://one.example", "https://two.example/traces"),
    "server_max_body_bytes": ("131072", "262144"),
    "server_max_packed_bytes": ("131072", "262144"),
    "server_max_requests": ("8", "16"),
    "server_failed_logins_per_minute": ("5", "6"),
    "server_reads_kept_days": ("30", "60"),
    "server_retention_days": ("default=30", "default=60,failed=90,staging/default=7"),
}
"""Two valid texts for each setting; `one` and `two` for those that take any text."""


def sample(name: str, index: int = 0) -> str:
    return SAMPLES.get(name, ("one", "two"))[index]


def set_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-x")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-x")


def value_of(name: str, text: str) -> object:
    """What `text` means as the value of a setting."""
    keys = {"langfuse_public_key": "pk-lf-x", "langfuse_secret_key": "sk-lf-x"} if name == "destinations" else {}
    return getattr(isolated(**keys, **{name: text}), name)


def variables(name: str) -> list[str]:
    alias = Settings.model_fields[name].validation_alias
    assert isinstance(alias, AliasChoices)
    return [str(choice) for choice in alias.choices]


ALL = list(Settings.model_fields)


def test_every_setting_has_a_default():
    assert not [name for name, field in Settings.model_fields.items() if field.is_required()]
    assert load().destinations == ("store",)


@pytest.mark.parametrize("name", ALL)
def test_every_setting_has_its_own_variable_and_the_vendors_ones_after_it(name):
    own = name.upper()
    assert variables(name) == [f"{PREFIX}{own}", *VENDORS.get(name, [])]


@pytest.mark.parametrize("name", ALL)
def test_the_own_variable_sets_it(monkeypatch, name):
    if name == "destinations":
        set_keys(monkeypatch)
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", sample(name, 1))
    assert getattr(load(), name) == value_of(name, sample(name, 1))


@pytest.mark.parametrize("name", ALL)
def test_an_argument_wins_over_every_variable(monkeypatch, name):
    for variable in variables(name):
        monkeypatch.setenv(variable, sample(name, 1))
    if name == "destinations":
        set_keys(monkeypatch)
    assert getattr(load(**{name: sample(name)}), name) == value_of(name, sample(name))


@pytest.mark.parametrize(("name", "variable"), [(name, each) for name, many in VENDORS.items() for each in many])
def test_a_vendors_variable_sets_it_and_the_own_one_wins(monkeypatch, name, variable):
    monkeypatch.setenv(variable, sample(name, 0))
    assert getattr(load(), name) == value_of(name, sample(name, 0))
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", sample(name, 1))
    assert getattr(load(), name) == value_of(name, sample(name, 1))


@pytest.mark.parametrize(
    ("sampler", "argument", "rate"),
    [
        ("always_on", "", 1.0),
        ("parentbased_always_off", "", 0.0),
        ("traceidratio", "0.25", 0.25),
        ("parentbased_traceidratio", "0.5", 0.5),
        ("traceidratio", "", 1.0),
    ],
)
def test_opentelemetrys_sampler_gives_the_baseline_that_nothing_else_gives(monkeypatch, sampler, argument, rate):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    assert load().sample_rate == rate
    assert load(sample_rate=0.125).sample_rate == 0.125
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.75")
    assert load().sample_rate == 0.75


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER cannot be 'jaeger_remote'"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "many"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "7"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG"),
    ],
    ids=["unknown", "no-number", "too-much", "nan"],
)
def test_an_unusable_sampler_of_opentelemetry_is_named(monkeypatch, variables, said):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        load()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALLOWED_HOSTS", "https://traces.example", "without http"),
        ("ALLOWED_HOSTS", "traces.example:3000", "without a port"),
    ],
)
def test_an_unusable_setting_of_the_server_says_what_to_write(monkeypatch, variable, value, said):
    monkeypatch.setenv(f"CERTTRACE_SERVER_{variable}", value)
    with pytest.raises(ConfigurationError, match=said) as raised:
        load()
    assert f"environment variable CERTTRACE_SERVER_{variable}" in str(raised.value)


def test_an_option_of_the_server_is_named_as_it_is_written():
    with pytest.raises(ConfigurationError, match=r"option --base-url cannot be"):
        load(server_base_url="traces.example")


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLE_RATE", "")
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.5")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "")
    assert load().sample_rate == 0.5
    assert load().service_name == "unknown_service"


def test_an_argument_that_is_none_counts_as_not_given(monkeypatch):
    monkeypatch.setenv("CERTTRACE_RELEASE", "2026.11")
    assert load(release=None).release == "2026.11"


@pytest.mark.parametrize("variable", ["langfuse_public_key", "certtrace_home"])
def test_variables_are_read_in_their_own_spelling_only(monkeypatch, variable):
    monkeypatch.setenv(variable, "/srv/other")
    assert load() == load()
    assert load().langfuse_public_key is None
    assert str(load().home) != "/srv/other"


# --- what a value means ----------------------------------------------------------------------------------------------


def test_lists_are_separated_by_commas_in_variables_and_arguments(monkeypatch):
    set_keys(monkeypatch)
    monkeypatch.setenv("CERTTRACE_DESTINATIONS", " store , langfuse,")
    monkeypatch.setenv("CERTTRACE_DROP_NAMES", "health, ready")
    assert load().destinations == ("store", "langfuse")
    assert load().drop_names == {"health", "ready"}
    assert load(destinations=["store"]).destinations == ("store",)
    assert load(destinations="store").destinations == ("store",)


def test_resource_attributes_are_percent_decoded_and_carry_the_service_name(monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=grader, team=exams%20and%20appeals,broken,eq=a=b")
    settings = load()
    assert settings.resource_attributes == {"service.name": "grader", "team": "exams and appeals", "eq": "a=b"}
    assert settings.effective_service_name == "grader"


def test_a_service_name_of_its_own_wins_over_the_one_among_the_resource_attributes(monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-resource")
    assert load(service_name="from-argument").effective_service_name == "from-argument"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-variable")
    assert load().effective_service_name == "from-variable"


def test_the_home_folder_is_expanded_and_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load(home="~/traces").home == tmp_path / "traces"
    assert load(home="traces").home == tmp_path / "traces"


def test_store_spool_ledger_and_keys_lie_below_home():
    settings = load(home="/srv/traces")
    folders = [settings.store_path, settings.spool_path, settings.ledger_path, settings.keys_path]
    assert [path.parent for path in folders] == [Path("/srv/traces")] * 4
    assert len(set(folders)) == 4


def test_the_default_home_is_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    home = load().home
    assert home.name == "certtrace"
    assert home.is_relative_to(tmp_path)


@pytest.mark.parametrize(("text", "enabled"), [("true", False), ("TRUE ", False), ("false", True), ("1", True)])
def test_otel_sdk_disabled_switches_off_as_opentelemetry_defines_it(monkeypatch, text, enabled):
    monkeypatch.setenv("OTEL_SDK_DISABLED", text)
    assert load().enabled is enabled


def test_an_argument_switches_on_what_otel_sdk_disabled_switches_off(monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert load(enabled=True).enabled is True


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        load().home = Path("/elsewhere")


# --- what is wrong is named ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CERTTRACE_HOEM", "CERTTRACE_HOME"),
        ("CERTTRACE_DESTINATION", "CERTTRACE_DESTINATIONS"),
        ("CERTTRACE_SAMPLERATE", "CERTTRACE_SAMPLE_RATE"),
        ("CERTTRACE_SERVICENAME", "CERTTRACE_SERVICE_NAME"),
    ],
)
def test_a_misspelt_variable_is_refused_and_the_one_meant_is_named(monkeypatch, variable, meant):
    monkeypatch.setenv(variable, "a value of someone")
    with pytest.raises(ConfigurationError, match=rf"{variable}\. Did you mean {meant}\?") as caught:
        load()
    assert "someone" not in str(caught.value)


def test_a_variable_that_resembles_none_gets_the_list_of_all(monkeypatch):
    monkeypatch.setenv("CERTTRACE_QQ", "1")
    with pytest.raises(ConfigurationError, match="CERTTRACE_QQ") as caught:
        load()
    assert all(f"{PREFIX}{name.upper()}" in str(caught.value) for name in ALL)


def test_a_misspelt_argument_is_refused_and_the_one_meant_is_named():
    with pytest.raises(ConfigurationError, match=r"configure\(\) sample_rat\. Did you mean sample_rate\?"):
        load(sample_rat=0.5)


def test_foreign_variables_are_left_alone(monkeypatch):
    monkeypatch.setenv("LANGFUSE_SOMETHING_NEW", "1")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    assert load().sample_rate == 1.0


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("CERTTRACE_SAMPLE_RATE", "2", "less than or equal to 1"),
        ("LANGFUSE_SAMPLE_RATE", "often", "valid number"),
        ("CERTTRACE_DESTINATIONS", "stor", "Choose from store, langfuse"),
        ("CERTTRACE_ENVIRONMENT", "Production", "pattern"),
        ("LANGFUSE_TRACING_ENVIRONMENT", "langfuse-x", "reserved by Langfuse"),
        ("CERTTRACE_REDACTION_PROFILE", "lax", "'standard', 'strict' or 'open'"),
        ("LANGFUSE_HOST", "langfuse.example", "pattern"),
        ("CERTTRACE_KEEP_ERRORS", "perhaps", "boolean"),
        ("CERTTRACE_MAX_VALUE_BYTES", "10", "greater than or equal to 1024"),
        ("LANGFUSE_TIMEOUT", "0", "greater than 0"),
        ("CERTTRACE_SERVER_RETENTION_DAYS", "all=3", "default=90"),
        ("CERTTRACE_SERVER_RETENTION_DAYS", "default=0", "days above 0"),
        ("CERTTRACE_SERVER_RETENTION_DAYS", "default", "default=90"),
        ("CERTTRACE_SERVER_PORT", "70000", "less than or equal to 65535"),
        ("CERTTRACE_SERVER_BASE_URL", "traces.example", "write an address"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_what_is_allowed(monkeypatch, variable, value, says):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"environment variable {variable}") as caught:
        load()
    assert repr(value) in str(caught.value)
    assert says in str(caught.value)


def test_a_wrong_argument_is_named_as_an_argument_even_where_a_variable_is_set(monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLE_RATE", "0.5")
    with pytest.raises(ConfigurationError, match=r"sample_rate given to configure\(\) cannot be 7"):
        load(sample_rate=7)


def test_every_wrong_value_is_named_at_once(monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLE_RATE", "2")
    monkeypatch.setenv("CERTTRACE_ENVIRONMENT", "BAD")
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert "CERTTRACE_SAMPLE_RATE" in str(caught.value)
    assert "CERTTRACE_ENVIRONMENT" in str(caught.value)


@pytest.mark.parametrize("missing", ["LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"])
def test_langfuse_without_both_keys_says_which_variables_it_needs(monkeypatch, missing):
    set_keys(monkeypatch)
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigurationError, match="needs LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"):
        load(destinations=["store", "langfuse"])


# --- secrets ---------------------------------------------------------------------------------------------------------

SECRET = "sk-lf-do-not-show"


def test_secrets_show_in_no_text_of_the_settings():
    settings = load(langfuse_secret_key=SECRET, redaction_key=SECRET)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert settings.langfuse_secret_key is not None
    assert settings.langfuse_secret_key.get_secret_value() == SECRET


def test_a_secret_argument_that_cannot_be_used_is_not_shown():
    for name, wrong in (
        ("redaction_key", "short-secret"),
        ("langfuse_secret_key", b"\xff\xfe-short-secret"),
        ("langfuse_public_key", b"\xff\xfe-short-secret"),
    ):
        with pytest.raises(ConfigurationError, match=f"{name} given to .* a value that is not shown") as caught:
            load(**{name: wrong})
        assert_hidden(caught.value)


def test_a_secret_variable_that_cannot_be_used_is_not_shown(monkeypatch):
    monkeypatch.setenv("CERTTRACE_REDACTION_KEY", "short-secret")
    with pytest.raises(ConfigurationError, match=r"CERTTRACE_REDACTION_KEY .* not shown") as caught:
        load()
    assert_hidden(caught.value)


def assert_hidden(error: ConfigurationError) -> None:
    assert "short-secret" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__  # the traceback does not quote pydantic's error either


def test_credentials_in_an_address_that_cannot_be_used_are_not_shown(monkeypatch):
    monkeypatch.setenv("LANGFUSE_BASE_URL", "ftp://operator:swordfish@langfuse.example")
    with pytest.raises(ConfigurationError, match="LANGFUSE_BASE_URL") as caught:
        load()
    assert "swordfish" not in str(caught.value)


# --- isolated --------------------------------------------------------------------------------------------------------


def test_isolated_settings_read_no_variable(monkeypatch):
    for name in ALL:
        for variable in variables(name):
            monkeypatch.setenv(variable, "not a valid value of anything")
    monkeypatch.setenv("CERTTRACE_UNKNOWN", "1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    settings = isolated(sample_rate=0.5)
    assert settings.sample_rate == 0.5
    assert settings.service_name == "unknown_service"
    assert settings.enabled is True


@pytest.mark.parametrize("given", [{"sample_rate": 7}, {"sample_rat": 0.5}])
def test_isolated_settings_refuse_what_is_wrong(given):
    with pytest.raises(ConfigurationError, match=next(iter(given))):
        isolated(**given)


def test_isolated_settings_are_settings():
    assert isinstance(isolated(), Settings)


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_configure_refuses_a_wrong_setting_before_it_writes_anything(monkeypatch, tmp_path):
    monkeypatch.setenv("CERTTRACE_SAMPLE_RAET", "0.5")
    with pytest.raises(certtrace.ConfigurationError, match="CERTTRACE_SAMPLE_RATE"):
        certtrace.configure(home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["traces"], ["--home", "elsewhere", "traces"], ["show", "ab"], ["demo"]])
def test_every_command_refuses_a_misspelt_variable_with_exit_code_2(tmp_path, arguments):
    environment = {**os.environ, "CERTTRACE_HOEM": "x", "CERTTRACE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "certtrace", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert re.search(r"^certtrace: .*CERTTRACE_HOEM.*CERTTRACE_HOME", done.stderr, re.MULTILINE)
    assert not done.stdout
    assert not list(tmp_path.iterdir())


def test_the_destinations_that_errors_list_are_those_that_the_setting_takes():
    for destination in DESTINATIONS:
        keys = {"langfuse_public_key": "pk", "langfuse_secret_key": "sk"}
        assert isolated(destinations=[destination], **keys).destinations == (destination,)


def test_the_production_environment_is_accepted_as_it_stands(monkeypatch):
    lines = (Path(__file__).parent.parent / "deploy" / "production.env").read_text().splitlines()
    for name, _, value in (line.partition("=") for line in lines if line and not line.startswith("#")):
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.destinations == ("langfuse",)
    assert settings.sample_rate == 0.2
    assert settings.environment == "production"
    assert settings.model_fields_set == {
        "destinations", "langfuse_base_url", "langfuse_public_key", "langfuse_secret_key", "home", "redaction_key",
        "service_name", "environment", "release", "sample_rate",
    }  # fmt: skip
