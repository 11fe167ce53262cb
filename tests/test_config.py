from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from ai_gateway.config import (
    ENVIRONMENT,
    LARGEST_FILE_BYTES,
    LoadedSettings,
    default_config_file,
    load_settings,
)
from ai_gateway.model import Backend
from ai_gateway.settings import Settings

SECRET = "sk-very-secret"

SAMPLES: dict[str, tuple[str, object]] = {
    "copilot.token": (SECRET, SECRET),
    "copilot.model": ("gpt-5", "gpt-5"),
    "copilot.api_url": ("https://api.acme.test/", "https://api.acme.test"),
    "copilot.server_url": ("https://acme.test", "https://acme.test"),
    "cloud.provider": ("openai", "openai"),
    "cloud.model": ("gpt-5", "gpt-5"),
    "openai.api_key": (SECRET, SECRET),
    "openai.base_url": ("http://127.0.0.1:1234/v1", "http://127.0.0.1:1234/v1"),
    "openai.organization": ("org-1", "org-1"),
    "openai.project": ("proj_1", "proj_1"),
    "azure.endpoint": ("https://acme.openai.azure.com/", "https://acme.openai.azure.com"),
    "azure.api_key": (SECRET, SECRET),
    "azure.entra_token": (SECRET, SECRET),
    "azure.api_version": ("2024-10-21", "2024-10-21"),
    "azure.model": ("my-deployment", "my-deployment"),
    "anthropic.api_key": (SECRET, SECRET),
    "anthropic.base_url": ("https://claude.test", "https://claude.test"),
    "gemini.api_key": (SECRET, SECRET),
    "gemini.base_url": ("https://gemini.test/v1beta", "https://gemini.test/v1beta"),
    "local.model": ("qwen3", "qwen3"),
    "local.base_url": ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    "breaker.failure_threshold": ("7", 7),
    "breaker.recovery_timeout_seconds": ("12.5", 12.5),
    "services.primary.base_url": ("https://a.test/v1", "https://a.test/v1"),
    "services.primary.api_key": (SECRET, SECRET),
    "services.primary.model": ("m", "m"),
    "services.primary.first_token_seconds": ("9", 9.0),
    "services.primary.backend": ("local", Backend.LOCAL),
}


def load(
    toml: str | bytes | None = None, *, tmp_path: Path | None = None, environ: Mapping[str, str] | None = None
) -> LoadedSettings:
    if toml is None or tmp_path is None:
        return load_settings(environ=environ or {})
    file = tmp_path / "config.toml"
    file.write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return load_settings(file=file, environ=environ or {})


def value_at(loaded: LoadedSettings, path: str) -> object:
    value: object = loaded.settings
    for name in path.split("."):
        value = value[name] if isinstance(value, Mapping) else getattr(value, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def problems(loaded: LoadedSettings) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def test_without_any_layer_there_are_defaults_and_no_problems() -> None:
    loaded = load()
    assert loaded == LoadedSettings(Settings())
    assert loaded.settings.tier_names == ("editor", "copilot", "cloud", "local")


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_every_name_of_the_environment_sets_its_setting_and_is_remembered(name: str) -> None:
    path = ENVIRONMENT[name]
    said, value = SAMPLES[path.replace("fallback", "primary")]
    service = {"FALLBACK_OPENAI_BASE_URL": "https://a.test/v1", "FALLBACK_OPENAI_MODEL": "m"}
    pair = service | {key.replace("FALLBACK", "PRIMARY"): url for key, url in service.items()}
    loaded = load(environ={**(pair if "OPENAI_" in name and name.startswith(("P", "F")) else {}), name: said})
    assert problems(loaded) == []
    assert value_at(loaded, path) == value
    assert loaded.sources[path] == f"environment: {name}"


def test_the_address_that_ollama_listens_on_becomes_one_that_a_client_can_use() -> None:
    assert load(environ={"OLLAMA_HOST": "0.0.0.0:5"}).settings.local.base_url == "http://127.0.0.1:5"
    both = {"OLLAMA_HOST": "0.0.0.0:5", "OLLAMA_BASE_URL": "http://127.0.0.1:6"}
    assert load(environ=both).settings.local.base_url == "http://127.0.0.1:6"


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({"GITHUB_TOKEN": "ghu_1"}, None),
        ({"GITHUB_TOKEN": "ghu_1", "CODESPACES": "true"}, "ghu_1"),
        ({"GITHUB_TOKEN": "ghu_1", "CODESPACES": "true", "COPILOT_GITHUB_TOKEN": "gho_2"}, "gho_2"),
        ({"COPILOT_GITHUB_TOKEN": "gho_2", "GITHUB_COPILOT_TOKEN": "gho_3"}, "gho_3"),
        ({"GITHUB_COPILOT_TOKEN": "gho_3", "GH_COPILOT_TOKEN": "gho_4"}, "gho_4"),
        ({"GITHUB_COPILOT_TOKEN": "gho_3", "GH_COPILOT_TOKEN": "tid=1;exp=2:3"}, "gho_3"),
    ],
)
def test_copilots_token_is_read_from_the_variable_that_says_most(environ: dict[str, str], token: str | None) -> None:
    found = load(environ=environ).settings.copilot.token
    assert (found.get_secret_value() if found else None) == token


def test_the_token_that_every_codespace_has_overrides_none_that_a_person_chose(tmp_path: Path) -> None:
    codespace = {"CODESPACES": "true", "GITHUB_TOKEN": "ghu_of_the_codespace"}
    toml = '[copilot]\ntoken = "ghu_mine"'
    env_file = tmp_path / ".env"
    env_file.write_text("COPILOT_GITHUB_TOKEN=ghu_mine")
    for loaded in (
        load(toml, tmp_path=tmp_path, environ=codespace),
        load_settings(environ=codespace, env_file=env_file),
    ):
        token = loaded.settings.copilot.token
        assert token is not None
        assert token.get_secret_value() == "ghu_mine"


def test_a_session_token_is_named_as_what_it_is_and_not_taken() -> None:
    loaded = load(environ={"GH_COPILOT_TOKEN": "tid=1;exp=2:3"})
    assert loaded.settings.copilot.token is None
    [problem] = problems(loaded)
    assert problem.startswith("copilot.token (environment: GH_COPILOT_TOKEN): is a session token")


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        ({}, "openai"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic"),
        ({"GEMINI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://a.test", "AZURE_OPENAI_API_KEY": "k"}, "gemini"),
        ({"AZURE_OPENAI_ENDPOINT": "https://a.test", "AZURE_OPENAI_AD_TOKEN": "k"}, "azure"),
        ({"AZURE_OPENAI_ENDPOINT": "https://a.test"}, "openai"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "ANTHROPIC_API_KEY": "k"}, "openai"),
        ({"OPENAI_API_KEY": "k", "CLOUD_PROVIDER": "gemini"}, "gemini"),
        ({"OPENAI_API_KEY": "k", "AI_GATEWAY_OPENAI__ENABLED": "false", "ANTHROPIC_API_KEY": "k"}, "anthropic"),
    ],
)
def test_the_cloud_is_who_there_is_a_credential_for_unless_somebody_is_named(
    environ: dict[str, str], provider: str
) -> None:
    assert load(environ=environ).settings.cloud_provider == provider


@pytest.mark.parametrize(
    ("server_url", "rest_url"),
    [(None, "https://api.github.com"), ("https://acme.ghe.com", "https://api.acme.ghe.com")],
)
def test_githubs_api_is_the_one_of_its_web_host(server_url: str | None, rest_url: str) -> None:
    environ = {"GITHUB_COPILOT_SERVER_URL": server_url} if server_url else {}
    assert load(environ=environ).settings.copilot.rest_url == rest_url


KNOWN = """
GITHUB_COPILOT_TOKEN COPILOT_MODEL CLOUD_PROVIDER CLOUD_MODEL OPENAI_API_KEY OPENAI_BASE_URL
GITHUB_COPILOT_API_URL GITHUB_COPILOT_SERVER_URL LOCAL_MODEL OLLAMA_BASE_URL FAILURE_THRESHOLD RECOVERY_TIMEOUT
PRIMARY_OPENAI_BASE_URL PRIMARY_OPENAI_API_KEY PRIMARY_OPENAI_MODEL PRIMARY_OPENAI_TIMEOUT_S
FALLBACK_OPENAI_BASE_URL FALLBACK_OPENAI_API_KEY FALLBACK_OPENAI_MODEL FALLBACK_OPENAI_TIMEOUT_S
"""


@pytest.mark.parametrize("name", KNOWN.split())
def test_the_names_that_people_know_already_still_work(name: str) -> None:
    assert name in ENVIRONMENT


def test_of_several_names_for_the_copilot_token_the_most_particular_wins() -> None:
    names = ["COPILOT_GITHUB_TOKEN", "GITHUB_COPILOT_TOKEN", "GH_COPILOT_TOKEN"]
    for count in range(1, 4):
        loaded = load(environ={name: f"token-of-{name}" for name in names[:count]})
        assert value_at(loaded, "copilot.token") == f"token-of-{names[count - 1]}"
        assert loaded.sources["copilot.token"] == f"environment: {names[count - 1]}"


def test_any_setting_has_a_name_in_the_environment() -> None:
    environ = {
        "AI_GATEWAY_CACHE__TTL_SECONDS": "60",
        "AI_GATEWAY_ORDER": "local, copilot",
        "AI_GATEWAY_NETWORK__ALLOW_PLAIN_HTTP": "gpu-box",
        "AI_GATEWAY_SERVICES__GROQ__BASE_URL": "https://groq.test/v1",
        "AI_GATEWAY_SERVICES__GROQ__MODEL": "m",
        "AI_GATEWAY_CONFIG": "/elsewhere",
        "AI_GATEWAY_COPILOT__MODEL": "",
    }
    loaded = load(environ=environ)
    assert problems(loaded) == []
    assert loaded.settings.cache.ttl_seconds == 60
    assert loaded.settings.order == ("local", "copilot")
    assert loaded.settings.network.allow_plain_http == ("gpu-box",)
    assert loaded.settings.services["groq"].base_url == "https://groq.test/v1"
    assert loaded.sources["cache.ttl_seconds"] == "environment: AI_GATEWAY_CACHE__TTL_SECONDS"


def test_an_empty_variable_is_no_variable() -> None:
    assert load(environ=dict.fromkeys(ENVIRONMENT, "")) == LoadedSettings(Settings())


def test_the_process_environment_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name in ENVIRONMENT or name.startswith("AI_GATEWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOCAL_MODEL", "qwen3")
    assert load_settings().settings.local.model == "qwen3"


def test_each_layer_overrides_those_under_it_and_is_remembered(tmp_path: Path) -> None:
    file, env_file = tmp_path / "config.toml", tmp_path / ".env"
    file.write_text('[copilot]\nmodel = "1"\n[cloud]\nmodel = "1"\n[local]\nmodel = "1"\n[cache]\nttl_seconds = 1\n')
    env_file.write_text("COPILOT_MODEL=2\nCLOUD_MODEL=2\nLOCAL_MODEL=2\n")
    layers: list[dict[str, object]] = [
        {"file": file},
        {"env_file": env_file},
        {"environ": {"COPILOT_MODEL": "3", "CLOUD_MODEL": "3", "LOCAL_MODEL": "3"}},
        {"editor": {"copilot": {"model": "4"}, "cloud": {"model": "4"}}},
        {"workspaces": [{"copilot": {"model": "5"}}]},
    ]
    seen = []
    for count in range(1, len(layers) + 1):
        given: dict[str, object] = {"environ": {}}
        for layer in layers[:count]:
            given |= layer
        loaded = load_settings(**given)  # type: ignore[arg-type]  # each as its parameter wants it
        assert problems(loaded) == []
        settings = loaded.settings
        seen.append((settings.copilot.model, settings.cloud.model, settings.local.model, settings.cache.ttl_seconds))
    assert seen == [("1", "1", "1", 1), ("2", "2", "2", 1), ("3", "3", "3", 1), ("4", "4", "3", 1), ("5", "4", "3", 1)]
    assert loaded.sources == {
        "copilot.model": "workspace",
        "cloud.model": "the editor",
        "local.model": "environment: LOCAL_MODEL",
        "cache.ttl_seconds": str(file),
    }


def test_the_env_file_is_named_with_its_variable(tmp_path: Path) -> None:
    env_file = tmp_path / "my.env"
    env_file.write_text(f"# keys\nexport OPENAI_API_KEY='{SECRET}'\nEMPTY=\nNONE\n")
    loaded = load_settings(environ={}, env_file=env_file)
    assert value_at(loaded, "openai.api_key") == SECRET
    assert loaded.sources == {"openai.api_key": f"{env_file}: OPENAI_API_KEY"}


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_env_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    env_file = tmp_path / "my.env"
    if content is not None:
        env_file.write_bytes(content)
    loaded = load_settings(environ={"LOCAL_MODEL": "m"}, env_file=env_file)
    assert loaded.settings.local.model == "m"
    [problem] = loaded.problems
    assert (problem.path, problem.source, problem.breaks) == ("env file", str(env_file), False)


def test_a_missing_configuration_file_is_an_empty_one(tmp_path: Path) -> None:
    assert load_settings(file=tmp_path / "none.toml", environ={}) == LoadedSettings(Settings())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[copilot", "is not valid TOML"),
        (b"a = " + b"9" * 5000, "can't be read"),
        (b"a = " + b"[" * 100_000, "can't be read"),
        (b"\xff\xfe", "can't be read"),
        (b"#" * (LARGEST_FILE_BYTES + 1), "too large"),
    ],
    ids=["syntax", "a giant number", "a deep nest", "no UTF-8", "size"],
)
def test_a_configuration_file_that_cannot_be_read_is_named_and_the_rest_works(
    content: bytes, words: str, tmp_path: Path
) -> None:
    loaded = load(content, tmp_path=tmp_path, environ={"LOCAL_MODEL": "m"})
    assert loaded.settings.local.model == "m"
    [problem] = loaded.problems
    assert words in problem.message
    assert (problem.source, problem.breaks) == (str(tmp_path / "config.toml"), False)


@pytest.mark.parametrize("name", ["", "a\x00b"])
def test_a_path_that_is_no_file_is_named(name: str, tmp_path: Path) -> None:
    [problem] = load_settings(file=tmp_path / name, environ={}).problems
    assert "can't be read" in problem.message


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert load('\ufeff[local]\nmodel = "m"\n', tmp_path=tmp_path).settings.local.model == "m"


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("[copilot]\nmodell = 1\n", "copilot.modell (FILE): there is no such setting; did you mean 'model'?"),
        ("[brekaer]\nx = 1\n", "brekaer (FILE): there is no such setting; did you mean 'breaker'?"),
        ("[zzz]\nx = 1\n", "zzz (FILE): there is no such setting"),
        (
            '[services.a]\nbase_url = "https://a.test"\nmodel = "m"\napi_kye = "k"\n',
            "services.a.api_kye (FILE): there is no such setting; did you mean 'api_key'?",
        ),
        ('order = ["clod"]\n', "order (FILE): there is no tier 'clod'; did you mean 'cloud'?"),
    ],
)
def test_an_unknown_name_is_named_with_what_was_meant_and_breaks_nothing(
    toml: str, problem: str, tmp_path: Path
) -> None:
    loaded = load(toml, tmp_path=tmp_path)
    assert problems(loaded) == [problem.replace("FILE", str(tmp_path / "config.toml"))]
    assert not loaded.problems[0].breaks


def test_an_unknown_variable_of_our_own_is_named() -> None:
    loaded = load(environ={"AI_GATEWAY_COPILOT__MODELL": "x"})
    assert problems(loaded) == [
        "copilot.modell (environment: AI_GATEWAY_COPILOT__MODELL): there is no such setting; did you mean 'model'?"
    ]


WRONG: dict[str, list[object]] = {
    "copilot.enabled": ["maybe", 5],
    "copilot.token": ["sk\n1", "“sk”", "skü", 5],
    "copilot.model": ["", " ", "x" * 201, 5],
    "copilot.integration_id": ["", "é", "a b"],
    "copilot.api_url": ["api.github.com", "ftp://x", "https://", "https://u:p@x", "https://@x", "https://x:99999"],
    "copilot.first_token_seconds": [0, -1, "soon", float("nan"), float("inf")],
    "cloud.provider": ["antropic"],
    "azure.endpoint": ["acme"],
    "anthropic.max_tokens": [0],
    "copilot.mode": ["indirect"],
    "copilot.usd_per_credit": [-1],
    "cloud.context_tokens": [0, 1.5, "many"],
    "openai.base_url": ["https://[secret]", "https://[::1", "https://u:pa℀ss@x", 5],
    "local.base_url": ["127.0.0.1:11434", "http://x:0"],
    "breaker.failure_threshold": [0, -1, 1.5],
    "breaker.recovery_timeout_seconds": [0, "x"],
    "cache.ttl_seconds": [0, -1],
    "cache.max_entries": [0],
    "query.timeout_seconds": [0, float("nan")],
    "network.connect_seconds": [0],
    "network.allow_plain_http": ["x", 5],
    "order": ["copilot", 5, [""]],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named_never_quoted_and_left_out(path: str, value: object) -> None:
    section, _, name = path.rpartition(".")
    tree = {section: {name: value}} if section else {name: value}
    loaded = load_settings(environ={"LOCAL_MODEL": "kept"}, editor=tree)
    [problem] = loaded.problems
    assert (problem.path, problem.source) == (path, "the editor")
    assert problem.breaks
    assert problem.section == (section or name)
    assert loaded.problem_of(section or name) == problem
    assert loaded.settings == Settings(local={"model": "kept"})  # type: ignore[arg-type]  # pydantic makes a section of it
    for quoted in ("u:p", "pa℀ss", "secret", "“sk”", "sk\n1", "skü"):
        assert quoted not in str(problem)


def test_a_value_of_the_environment_that_is_no_text_is_named() -> None:
    loaded = load(environ={"COPILOT_MODEL": "a\udcff", "OPENAI_API_KEY": "b\udcff"})
    assert {problem.path for problem in loaded.problems} == {"copilot.model", "openai.api_key"}


def test_a_credential_may_be_surrounded_by_space() -> None:
    assert value_at(load(environ={"OPENAI_API_KEY": f" {SECRET}\n"}), "openai.api_key") == SECRET


def test_several_wrong_values_are_all_named_with_their_own_sources(tmp_path: Path) -> None:
    toml = "[breaker]\nfailure_threshold = 0\n[cloud]\nmodel = 5\n"
    loaded = load(toml, tmp_path=tmp_path, environ={"RECOVERY_TIMEOUT": "x", "LOCAL_MODEL": "m"})
    file = str(tmp_path / "config.toml")
    assert {(problem.path, problem.source) for problem in loaded.problems} == {
        ("breaker.failure_threshold", file),
        ("cloud.model", file),
        ("breaker.recovery_timeout_seconds", "environment: RECOVERY_TIMEOUT"),
    }
    assert loaded.settings.local.model == "m"
    assert loaded.sources == {"local.model": "environment: LOCAL_MODEL"}


def test_a_scalar_in_the_place_of_a_section_is_named_and_leaves_lower_layers_alone() -> None:
    loaded = load_settings(environ={"COPILOT_MODEL": "mine"}, editor={"copilot": 5})
    [problem] = loaded.problems
    assert (problem.path, problem.source) == ("copilot", "the editor")
    assert loaded.settings.copilot.model == "mine"


def test_of_a_service_that_lacks_parts_each_is_named() -> None:
    loaded = load(environ={"PRIMARY_OPENAI_API_KEY": SECRET, "LOCAL_MODEL": "m"})
    assert problems(loaded) == [
        "services.primary.base_url (environment: PRIMARY_OPENAI_API_KEY): is missing",
        "services.primary.model (environment: PRIMARY_OPENAI_API_KEY): is missing",
    ]
    assert loaded.settings.services == {}
    assert {problem.section for problem in loaded.problems} == {"primary"}


def test_an_empty_service_is_no_service(tmp_path: Path) -> None:
    loaded = load("[services.groq]\n[copilot]\n", tmp_path=tmp_path)
    assert [problem.path for problem in loaded.problems] == ["services.groq.base_url", "services.groq.model"]


@pytest.mark.parametrize(
    "name", ["editor", "copilot", "cloud", "local", "openai", "azure", "anthropic", "gemini", "ollama"]
)
def test_a_service_may_not_take_the_name_of_a_tier(name: str, tmp_path: Path) -> None:
    service = 'base_url = "https://a.test"\nmodel = "m"\n'
    loaded = load(f"[services.{name}]\n{service}[services.groq]\n{service}", tmp_path=tmp_path)
    [problem] = loaded.problems
    assert problem.path == f"services.{name}"
    assert "choose another" in problem.message
    assert list(loaded.settings.services) == ["groq"]


def test_a_service_keeps_the_name_that_a_person_chose(tmp_path: Path) -> None:
    toml = 'order = ["LMStudio"]\n[services.LMStudio]\nbaseUrl = "http://127.0.0.1:1"\nmodel = "m"\n'
    loaded = load(toml, tmp_path=tmp_path)
    assert problems(loaded) == []
    assert loaded.settings.services["LMStudio"].base_url == "http://127.0.0.1:1"


def test_services_stand_between_cloud_and_local(tmp_path: Path) -> None:
    toml = "".join(f'[services.{name}]\nbase_url = "https://a.test"\nmodel = "m"\n' for name in ("b", "a"))
    assert load(toml, tmp_path=tmp_path).settings.tier_names == ("editor", "copilot", "cloud", "b", "a", "local")


def test_a_tier_that_is_named_twice_is_asked_once() -> None:
    assert load(environ={"AI_GATEWAY_ORDER": "local,cloud,local"}).settings.tier_names == ("local", "cloud")


PRIMARY = {"PRIMARY_OPENAI_BASE_URL": "https://a.test/v1", "PRIMARY_OPENAI_MODEL": "m"}
FALLBACK = {"FALLBACK_OPENAI_BASE_URL": "https://b.test/v1", "FALLBACK_OPENAI_MODEL": "n"}


def test_a_primary_and_a_fallback_are_the_whole_chain() -> None:
    loaded = load(environ={**FALLBACK, **PRIMARY})
    assert loaded.settings.tier_names == ("primary", "fallback")
    assert loaded.sources["order"] == "PRIMARY_OPENAI_BASE_URL and FALLBACK_OPENAI_BASE_URL"
    assert load(environ=FALLBACK).settings.tier_names == ("fallback",)


def test_a_primary_and_a_fallback_may_come_from_different_places(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in PRIMARY.items()))
    assert load_settings(environ=FALLBACK, env_file=env_file).settings.tier_names == ("primary", "fallback")


def test_an_order_that_somebody_set_stays(tmp_path: Path) -> None:
    assert load('order = ["local", "primary"]', tmp_path=tmp_path, environ=PRIMARY).settings.tier_names == (
        "local",
        "primary",
    )
    loaded = load_settings(environ={**PRIMARY, **FALLBACK}, workspaces=[{"order": ["fallback", "primary"]}])
    assert loaded.settings.tier_names == ("fallback", "primary")


def test_a_service_that_is_called_primary_in_a_file_is_one_of_many(tmp_path: Path) -> None:
    loaded = load('[services.primary]\nbase_url = "https://a.test"\nmodel = "m"\n', tmp_path=tmp_path)
    assert loaded.settings.tier_names == ("editor", "copilot", "cloud", "primary", "local")


def test_an_editor_may_write_camel_case() -> None:
    editor = {"copilot": {"firstTokenSeconds": 5}, "breaker": {"failureThreshold": 2}, "cache": {"enabled": False}}
    loaded = load_settings(environ={}, editor=editor)
    assert problems(loaded) == []
    assert (loaded.settings.copilot.first_token_seconds, loaded.settings.breaker.failure_threshold) == (5, 2)
    assert loaded.sources["copilot.first_token_seconds"] == "the editor"


def test_what_an_editor_leaves_null_or_empty_is_not_set() -> None:
    editor: dict[str, object] = {"copilot": {"model": None}, "cloud": {}, "services": {}}
    loaded = load_settings(environ={"COPILOT_MODEL": "m"}, editor=editor)
    assert problems(loaded) == []
    assert loaded.settings.copilot.model == "m"


def test_the_gateway_is_not_told_to_ask_itself() -> None:
    loaded = load_settings(environ={}, editor={"editor": {"vendor": "ai-gateway", "model": "claude"}})
    [problem] = loaded.problems
    assert (problem.path, problem.breaks) == ("editor.vendor", True)
    assert "it would ask itself" in problem.message
    assert loaded.settings.editor.vendor == "copilot"


def test_a_workspace_may_say_what_is_asked_and_how_long() -> None:
    workspace = {
        "order": ["local", "copilot"],
        "copilot": {"enabled": False, "model": "m", "firstTokenSeconds": 5, "idleSeconds": 6},
        "editor": {"enabled": False, "model": "m"},
        "local": {"contextTokens": 10},
        "escalation": {"model": "big", "strongestModel": "bigger"},
        "breaker": {"failureThreshold": 2},
        "cache": {"ttlSeconds": 9},
        "query": {"timeoutSeconds": 8},
    }
    loaded = load_settings(environ={}, workspaces=[workspace])
    assert problems(loaded) == []
    assert (loaded.settings.copilot.model, loaded.settings.query.timeout_seconds) == ("m", 8)


@pytest.mark.parametrize(
    "workspace",
    [
        {"copilot": {"token": SECRET}},
        {"copilot": {"api_url": "https://evil.test"}},
        {"copilot": {"apiUrl": "https://evil.test"}},
        {"copilot": {"server_url": "https://evil.test"}},
        {"copilot": {"integration_id": "x"}},
        {"copilot.api_url": "https://evil.test"},
        {"cloud": {"provider": "openai"}},
        {"editor": {"vendor": "evil"}},
        {"openai": {"api_key": SECRET}},
        {"openai": {"base_url": "https://evil.test"}},
        {"openai": {"base_url": {"model": "https://evil.test"}}},
        {"local": {"base_url": "https://evil.test"}},
        {"network": {"proxy": "http://evil.test"}},
        {"network": {"ca_file": "evil.pem"}},
        {"network": {"connect_seconds": 1}},
        {"network": {"allow_plain_http": ["evil.test"]}},
        {"services": {"evil": {"base_url": "https://evil.test"}}},
        {"services": {"evil": {"model": "m"}}},
        {"services": {"evil": {"enabled": True}}},
        {"services": 5},
        {"copilot": 5},
    ],
)
def test_a_workspace_may_set_no_host_no_credential_and_no_trust(workspace: dict[str, object]) -> None:
    loaded = load_settings(environ={}, workspaces=[workspace])
    assert loaded.settings == Settings()
    [problem] = loaded.problems
    assert "can't be set by a workspace" in problem.message
    assert not problem.breaks
    assert loaded.sources == {}


@pytest.mark.parametrize(
    ("mine", "workspace", "message"),
    [
        ({"copilot": {"enabled": False}}, {"copilot": {"enabled": True}}, "can only switch off, not on"),
        ({"cache": {"enabled": False}}, {"cache": {"enabled": True}}, "can only switch off, not on"),
        ({"order": ["local"]}, {"order": ["local", "cloud"]}, "can't add the tier 'cloud'"),
        ({}, {"order": ["copilot", "openai"]}, "can't add the tier 'openai'"),
        ({"order": ["local"]}, {"order": []}, "can only choose among the tiers"),
        ({"order": ["local"]}, {"order": "copilot"}, "can only choose among the tiers"),
        ({"privacy": {"privatePaths": ["*.key"]}}, {"privacy": {"privatePaths": [" !my.key"]}}, "an exception"),
        ({"privacy": {"privatePaths": ["*.key"]}}, {"privacy": {"privatePaths": [""]}}, "at least 1 character"),
        ({"privacy": {"privatePaths": ["*.key"]}}, {"privacy": {"privatePaths": [5]}}, "valid string"),
        ({"copilot": {"model": "mine"}}, {"copilot": {"model": ""}}, "at least 1 character"),
        ({"privacy": {"private": True}}, {"privacy": {"private": False}}, "can only ask for privacy, not end it"),
        ({"spending": {"rule": "never"}}, {"order": ["local"]}, "can't be set where spending.rule is not 'auto'"),
        ({"spending": {"rule": "ask"}}, {"copilot": {"enabled": False}}, "can't be set where spending.rule"),
        ({}, {"privacy": {"privatePaths": ["*.key", "!my.key"]}}, "can't make an exception"),
        ({"privacy": {"exclude": ["*.key"]}}, {"privacy": {"exclude": [" !my.key"]}}, "an exception from what is kept"),
        ({"privacy": {"exclude": ["*.key"]}}, {"privacy": {"exclude": [5]}}, "valid string"),
        ({}, {"privacy": {"useGitignore": False}}, "can only ask for it, not end it"),
        ({"privacy": {"useGitignore": False}}, {"privacy": {"useGitignore": "true"}}, "can only ask for it"),
        ({}, {"privacy": {"maskSecrets": False}}, "can't be set by a workspace"),
        ({}, {"spending": {"rule": "auto"}}, "can't be set by a workspace"),
        ({}, {"spending": {"dailyCapUsd": 100}}, "can't be set by a workspace"),
        ({}, {"store": {"enabled": False}}, "can't be set by a workspace"),
        ({}, {"store": {"path": "evil.db"}}, "can't be set by a workspace"),
        ({}, {"cache": {"persistent": True}}, "can't be set by a workspace"),
        ({}, {"local": {"warmStandby": True}}, "can't be set by a workspace"),
        ({}, {"copilot": {"price": "free"}}, "can't be set by a workspace"),
        ({}, {"telemetry": {"otel": True}}, "can't be set by a workspace"),
        ({}, {"completion": {"enabled": True}}, "can only switch it off"),
        ({}, {"completion": {"dearest": "metered"}}, "can only switch it off"),
        ({}, {"completion": {"maxTokens": 100_000}}, "can only switch it off"),
        ({}, {"actions": {"confirm": False}}, "can only switch it off"),
        ({}, {"actions": {"delivery": "resolve"}}, "can only switch it off"),
        ({}, {"emergency": "cloud"}, "can't be set by a workspace"),
    ],
)
def test_a_workspace_lets_no_more_out_than_the_person_does(
    mine: dict[str, object], workspace: dict[str, object], message: str
) -> None:
    loaded = load_settings(environ={}, editor=mine, workspaces=[workspace])
    assert loaded.settings == load_settings(environ={}, editor=mine).settings
    [problem] = loaded.problems
    assert message in problem.message


def test_a_workspace_may_switch_code_actions_off() -> None:
    loaded = load_settings(environ={}, workspaces=[{"actions": {"enabled": False}}])
    assert (loaded.problems, loaded.settings.actions.enabled) == ((), False)


def test_a_workspace_may_switch_completion_off_whatever_the_spending_rule() -> None:
    mine = {"completion": {"enabled": True}, "spending": {"rule": "ask"}}
    loaded = load_settings(environ={}, editor=mine, workspaces=[{"completion": {"enabled": False}}])
    assert (loaded.problems, loaded.settings.completion.enabled) == ((), False)


def test_a_workspace_may_ask_for_more_privacy() -> None:
    loaded = load_settings(
        environ={},
        editor={"privacy": {"privatePaths": ["*.pem"]}},
        workspaces=[{"privacy": {"private": True, "privatePaths": ["secrets/"]}}],
    )
    assert problems(loaded) == []
    assert loaded.settings.privacy.private
    assert loaded.settings.privacy.private_paths == ("*.pem", "secrets/")


def test_a_workspace_may_keep_more_files_out() -> None:
    loaded = load_settings(
        environ={},
        editor={"privacy": {"exclude": ["*.pem"], "useGitignore": False}},
        workspaces=[{"privacy": {"exclude": ["secrets/"], "useGitignore": True}}],
    )
    assert problems(loaded) == []
    assert loaded.settings.privacy.exclude == ("*.pem", "secrets/")
    assert loaded.settings.privacy.use_gitignore


def test_files_to_keep_out_can_be_named_in_the_environment() -> None:
    environ = {"AI_GATEWAY_PRIVACY__EXCLUDE": "*.pem, secrets/", "AI_GATEWAY_PRIVACY__USE_GITIGNORE": "false"}
    loaded = load_settings(environ=environ)
    assert loaded.settings.privacy.exclude == ("*.pem", "secrets/")
    assert not loaded.settings.privacy.use_gitignore


def test_the_configuration_file_is_where_the_platform_keeps_such_files() -> None:
    assert default_config_file().parts[-2:] == ("ai-gateway", "config.toml")


def test_no_secret_is_in_any_repr() -> None:
    environ = {"OPENAI_API_KEY": SECRET, "GITHUB_COPILOT_TOKEN": SECRET, **PRIMARY, "PRIMARY_OPENAI_API_KEY": SECRET}
    environ["AI_GATEWAY_NETWORK__PROXY"] = f"http://user:{SECRET}@proxy:1"
    loaded = load(environ=environ)
    assert problems(loaded) == []
    assert SECRET not in repr(loaded)
    assert SECRET not in str(loaded.settings)


def paths_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    paths: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            paths += paths_of(inner, f"{prefix}{name}.")
        else:
            paths.append(f"{prefix}{name}")
    return paths


PATHS = paths_of(Settings)
WORDS = sorted({word for path in PATHS for word in path.split(".")} | {"primary", "baseUrl", "", ".", "a.b"})
NAMES = st.sampled_from(WORDS) | st.text(max_size=6)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("https://a.test")
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
    ),
    max_size=5,
)
VARIABLES = st.sampled_from([*ENVIRONMENT, *(f"AI_GATEWAY_{path.upper().replace('.', '__')}" for path in PATHS)])
OWN_VARIABLES = st.text(max_size=8).map("AI_GATEWAY_".__add__)
VALUES = st.text(max_size=8) | st.just("https://a.test")
ENVIRONMENTS = st.dictionaries(VARIABLES | OWN_VARIABLES, VALUES, max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, ENVIRONMENTS, TREES, TREES)
def test_whatever_was_written_settings_come_of_it(
    tree: dict[str, object], environ: dict[str, str], editor: dict[str, object], workspace: dict[str, object]
) -> None:
    loaded = load_settings(environ=environ, editor={**tree, **editor}, workspaces=[workspace])
    assert isinstance(loaded.settings, Settings)
    for path in ("api_url", "server_url", "token"):
        assert loaded.sources.get(f"copilot.{path}") != "workspace"
    assert set(loaded.sources.values()) <= {
        "the editor",
        "workspace",
        *(f"environment: {name}" for name in environ),
    } | {source for source in loaded.sources.values() if "_OPENAI_BASE_URL" in source}


@given(st.binary(max_size=200) | st.text(alphabet='[]{}="\n.ab1', max_size=40).map(str.encode))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_settings_come_of_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    assert isinstance(load_settings(file=file, env_file=file, environ={}).settings, Settings)
