from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

import pytest

from ai_gateway import __version__
from ai_gateway.account import CopilotAccount
from ai_gateway.assemble import Assembly, assemble, network_of
from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI
from ai_gateway.model import Backend
from ai_gateway.tier import LOCAL_DEADLINES, Deadlines, ProviderTier
from support.asking import ask, failure_of
from support.fake_clock import FakeClock

KEYS = {"GITHUB_COPILOT_TOKEN": "ghu_secret", "OPENAI_API_KEY": "sk-secret"}


def load(environ: Mapping[str, str] | None = None, **editor: object) -> LoadedSettings:
    return load_settings(environ=environ or {}, editor=editor)


def made_of(loaded: LoadedSettings, *keep: ProviderTier) -> Assembly:
    account = CopilotAccount(loaded, network=network_of(loaded), clock=FakeClock(), on_sign_in=lambda _: None)
    return assemble(loaded, copilot_tokens=account.finder, clock=FakeClock(), keep=keep)


def tiers_of(environ: Mapping[str, str] | None = None, **editor: object) -> dict[str, ProviderTier]:
    return {tier.name: tier for tier in made_of(load(environ, **editor)).tiers}


def test_without_settings_only_the_local_tier_can_be_asked() -> None:
    tiers = tiers_of()
    assert [(tier.name, tier.backend) for tier in tiers.values()] == [
        ("copilot", Backend.COPILOT),
        ("openai", Backend.CLOUD),
        ("ollama", Backend.LOCAL),
    ]
    assert "GITHUB_COPILOT_TOKEN" in (tiers["copilot"].missing or "")
    assert "OPENAI_API_KEY" in (tiers["openai"].missing or "")
    assert tiers["ollama"].missing is None


async def test_a_tier_without_a_credential_is_asked_nothing() -> None:
    for name in ("copilot", "openai"):
        failure = await failure_of(ask(tiers_of()[name].provider))
        assert failure.kind is FailureKind.SIGNED_OUT


def test_with_its_credential_every_tier_can_be_asked_in_order() -> None:
    tiers = list(tiers_of(KEYS).values())
    assert [tier.missing for tier in tiers] == [None, None, None]
    assert [tier.models for tier in tiers] == [("gpt-4o",), ("gpt-4o-mini",), ("llama3",)]
    priorities = [tier.priority for tier in tiers]
    assert priorities == sorted(set(priorities), reverse=True)


def test_a_server_of_ones_own_needs_no_key() -> None:
    assert tiers_of({"OPENAI_BASE_URL": "http://127.0.0.1:1234/v1"})["openai"].missing is None


def test_an_empty_key_is_none() -> None:
    assert tiers_of(openai={"api_key": ""}, copilot={"token": " "})["openai"].missing is not None


def test_a_tier_that_is_switched_off_is_not_there() -> None:
    assert list(tiers_of(KEYS, copilot={"enabled": False}, cloud={"enabled": False})) == ["ollama"]


def test_the_order_says_who_is_there_and_who_is_asked_first() -> None:
    service = {"base_url": "https://groq.test/v1", "model": "m"}
    tiers = tiers_of(KEYS, order=["local", "groq", "nobody", "copilot"], services={"groq": service})
    assert list(tiers) == ["ollama", "groq", "copilot"]
    assert tiers["ollama"].priority > tiers["groq"].priority > tiers["copilot"].priority


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"copilot": {"model": ""}}, "copilot"),
        ({"copilot": {"server_url": "x"}}, "copilot"),
        ({"cloud": {"model": ""}}, "openai"),
        ({"openai": {"base_url": "x"}}, "openai"),
        ({"local": {"base_url": "x"}}, "ollama"),
    ],
)
def test_a_wrong_setting_disables_exactly_its_tier_and_is_named(wrong: dict[str, object], name: str) -> None:
    tiers = tiers_of(KEYS, **wrong)
    assert [tier.name for tier in tiers.values() if tier.missing is not None] == [name]
    [(section, [setting])] = [(section, list(value)) for section, value in wrong.items() if isinstance(value, dict)]
    assert f"mend the setting {section}.{setting} (the editor)" in (tiers[name].missing or "")


@pytest.mark.parametrize(
    "wrong",
    [{"breaker": {"failure_threshold": 0}}, {"cache": {"ttl_seconds": 0}}, {"copilot": {"modell": "x"}}, {"x": 1}],
)
def test_what_is_wrong_elsewhere_or_unknown_disables_no_tier(wrong: dict[str, object]) -> None:
    assert all(tier.missing is None for tier in tiers_of(KEYS, **wrong).values())


def test_the_setting_to_mend_is_the_wrong_one_and_not_an_unknown_one() -> None:
    disabled = tiers_of(KEYS, copilot={"aaa": 1, "modell": "x", "token": 5})["copilot"].missing
    assert "copilot.token" in (disabled or "")


def test_a_wrong_service_is_left_out_and_the_others_stay() -> None:
    tiers = tiers_of(KEYS, services={"groq": {"model": "m"}, "own": {"base_url": "http://127.0.0.1:1", "model": "m"}})
    assert list(tiers) == ["copilot", "openai", "own", "ollama"]
    assert tiers["own"].missing is None


@pytest.mark.parametrize(
    ("editor", "name", "host"),
    [
        ({"copilot": {"api_url": "http://github.acme.test"}}, "copilot", "github.acme.test"),
        ({"openai": {"base_url": "http://gpu-box:8000/v1"}}, "openai", "gpu-box"),
        (
            {"services": {"own": {"base_url": "http://GPU-box/v1", "model": "m", "api_key": "k"}}},
            "own",
            "gpu-box",
        ),
    ],
)
def test_a_credential_is_not_sent_in_the_open_unless_that_host_is_allowed(
    editor: dict[str, object], name: str, host: str
) -> None:
    disabled = tiers_of(KEYS, **editor)[name].missing
    assert disabled is not None
    assert f"not sent to {host} without TLS" in disabled
    assert "sk-secret" not in disabled
    assert tiers_of(KEYS, network={"allow_plain_http": ["other", host.upper()]}, **editor)[name].missing is None


def test_without_a_credential_or_outside_the_network_no_tls_is_needed() -> None:
    own = {"base_url": "http://gpu-box:8000/v1", "model": "m"}
    tiers = tiers_of(
        {**KEYS, "OPENAI_BASE_URL": "http://localhost:1/v1"},
        services={"own": own},
        local={"base_url": "http://box:11434"},
    )
    assert all(tier.missing is None for tier in tiers.values())


def test_a_service_is_local_only_if_somebody_says_so() -> None:
    def service(**more: object) -> dict[str, object]:
        return {"base_url": "http://127.0.0.1:1234/v1", "model": "m", **more}

    tiers = tiers_of(services={"a": service(), "b": service(backend="local")})
    assert (tiers["a"].backend, tiers["b"].backend) == (Backend.CLOUD, Backend.LOCAL)
    assert tiers["b"].limits == LOCAL_DEADLINES


def test_limits_come_from_the_settings_or_else_from_the_backend() -> None:
    tiers = tiers_of(
        KEYS, copilot={"first_token_seconds": 5, "idle_seconds": 6, "context_tokens": 7}, local={"idle_seconds": 8}
    )
    assert tiers["copilot"].limits == Deadlines(5, 6)
    assert tiers["openai"].limits == Deadlines()
    assert tiers["ollama"].limits == Deadlines(LOCAL_DEADLINES.first_token_seconds, 8)
    assert [tier.context_tokens for tier in tiers.values()] == [7, None, 8192]


def test_breakers_are_set_as_the_settings_say() -> None:
    breaker = tiers_of(KEYS, breaker={"failure_threshold": 2, "recovery_timeout_seconds": 9})["copilot"].breaker
    for _ in range(2):
        permit = breaker.acquire()
        assert permit is not None
        permit.fail()
    assert breaker.reopens_in_seconds == 9


def test_stronger_models_are_the_cloud_providers() -> None:
    escalation = made_of(load(KEYS, escalation={"model": "big", "strongest_model": "bigger"})).escalation
    assert [(tier.name, tier.backend, tier.models) for tier in escalation] == [
        ("openai", Backend.CLOUD, ("big",)),
        ("openai", Backend.CLOUD, ("bigger",)),
    ]
    assert [tier.models for tier in made_of(load(KEYS, escalation={"strongest_model": "b"})).escalation] == [("b",)]


@pytest.mark.parametrize("editor", [{"cloud": {"enabled": False}}, {"openai": {"api_key": ""}}])
def test_without_the_cloud_there_is_nothing_stronger(editor: dict[str, object]) -> None:
    assert made_of(load(KEYS, escalation={"model": "big"}, **editor)).escalation == ()


def test_tiers_whose_settings_stay_are_used_again() -> None:
    before = made_of(load(KEYS, escalation={"model": "big"}))
    after = made_of(
        load(KEYS, escalation={"model": "big"}, order=["local", "copilot"]), *before.tiers, *before.escalation
    )
    assert after.tiers == (before.tiers[2], before.tiers[0])
    assert after.escalation == before.escalation
    assert after.tiers[0].priority > after.tiers[1].priority


@pytest.mark.parametrize(
    ("environ", "editor", "changed"),
    [
        ({"GITHUB_COPILOT_TOKEN": "ghu_2"}, {}, {"copilot"}),
        ({"OPENAI_API_KEY": "sk-2"}, {}, {"openai"}),
        ({}, {"cloud": {"model": "m"}}, {"openai"}),
        ({}, {"local": {"context_tokens": 1}}, {"ollama"}),
        ({}, {"copilot": {"model": ""}}, {"copilot"}),
        ({}, {"cache": {"ttl_seconds": 1}}, set()),
        ({}, {"network": {"proxy": "http://proxy:1"}}, {"copilot", "openai", "ollama"}),
        ({}, {"breaker": {"failure_threshold": 9}}, {"copilot", "openai", "ollama"}),
    ],
)
def test_a_tier_is_made_anew_where_something_about_it_changed(
    environ: dict[str, str], editor: dict[str, object], changed: set[str]
) -> None:
    before = made_of(load(KEYS)).tiers
    after = made_of(load({**KEYS, **environ}, **editor), *before).tiers
    assert {tier.name for tier in after} - {tier.name for tier in after if tier in before} == changed


async def test_the_providers_ask_as_the_settings_say() -> None:
    async with (
        FakeCopilot(oauth_tokens=["ghu_secret"]) as copilot,
        FakeOpenAI(api_key="sk-secret") as openai,
        FakeOllama() as ollama,
    ):
        tiers = tiers_of(
            KEYS,
            copilot={"api_url": copilot.url, "integration_id": "mine"},
            openai={"base_url": openai.base_url},
            local={"base_url": ollama.base_url, "context_tokens": 1234, "model": "llama3.2"},
        )
        for tier in tiers.values():
            async with aclosing(tier.provider):
                assert (await ask(tier.provider, tier.default_model)).content.startswith("Hello from the fake")
    assert copilot.requests[0].headers["User-Agent"] == f"AI-Gateway/{__version__}"
    assert copilot.requests[1].headers["Copilot-Integration-Id"] == "mine"
    assert openai.requests[0].bearer == "sk-secret"
    assert ollama.requests[-1].json["options"] == {"num_ctx": 1234}
    assert [tier.base_url for tier in tiers.values()] == [copilot.url, openai.base_url, ollama.base_url]


def test_no_secret_is_in_a_tiers_repr() -> None:
    for tier in tiers_of(KEYS, network={"proxy": "http://user:secret@proxy:1"}).values():
        assert "secret" not in repr(tier)
