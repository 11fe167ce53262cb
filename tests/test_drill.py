"""The outage drill: real faults on real sockets in one's own gateway, and everything as it was afterwards."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.drill.advice import advice_for
from ai_gateway.drill.faults import FAULTS
from ai_gateway.drill.rehearsal import Drill, DrillUnderWay, rehearse
from ai_gateway.drill.report import DrillReport, Ending, QuestionOutcome
from ai_gateway.drill.stand_in import stand_in_for
from ai_gateway.drill.vendors import OPENAI, VENDORS, Vendor
from ai_gateway.failures import FailureKind, GatewayClosed, InvalidQuery, NoTierAnswered, OpenReason, ProviderFailure
from ai_gateway.fakes import FakeAnthropic, FakeAzure, FakeCopilot, FakeGemini, FakeOllama, FakeOpenAI, FakeUpstream
from ai_gateway.gateway import Gateway
from ai_gateway.model import BreakerState, Delta, Outcome
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.chains import HANG_SECONDS, HELLO_PROMPT

SHORT_SECONDS = 0.1
LONG_SECONDS = 60.0
"""A drill of this length is ended by the test."""
IDLE = "it stays so"
SERVICE = "service"
OWN_ORDER = {"ollama": "local"}
SECTIONS = {"ollama": "LOCAL", SERVICE: "SERVICES__SERVICE"}
FAILURES = {
    "refuse": FailureKind.NETWORK,
    "reset": FailureKind.NETWORK,
    "hang": FailureKind.TIMEOUT,
    "slow-first-token": FailureKind.TIMEOUT,
    "stall": FailureKind.TIMEOUT,
    "cut": FailureKind.STREAM_BROKEN,
    "garbage": FailureKind.SERVER,
    "empty": FailureKind.EMPTY,
    "error-200": FailureKind.SERVER,
    "html-502": FailureKind.SERVER,
    "server-error": FailureKind.SERVER,
    "overloaded": FailureKind.OVERLOADED,
    "rate-limit": FailureKind.RATE_LIMIT,
    "rate-limit-unnamed": FailureKind.RATE_LIMIT,
    "quota": FailureKind.QUOTA,
    "auth": FailureKind.AUTH,
    "blocked": FailureKind.ENTITLEMENT,
    "model-not-found": FailureKind.MODEL_NOT_FOUND,
    "context-too-long": FailureKind.CONTEXT_TOO_LONG,
    "content-filter": FailureKind.CONTENT_FILTER,
}
OF_COPILOT = {
    "html-502": FailureKind.NETWORK,  # it hides GitHub too, and a page instead of a session is a portal's
    "model-not-found": FailureKind.ENTITLEMENT,  # Copilot does not say whether it is unknown or not in the plan
}
ALL_VENDORS: Mapping[str, Vendor] = {**VENDORS, SERVICE: OPENAI}
SPOKEN = [(name, fault) for name, vendor in ALL_VENDORS.items() for fault in vendor.faults()]


@dataclass(frozen=True)
class World:
    """The real upstreams of a person, and the environment that names them."""

    upstreams: Mapping[str, FakeUpstream]
    environ: Mapping[str, str]

    def settings(self, *order: str, **more: str) -> LoadedSettings:
        """Settings for these tiers in this order; each with a short limit for its silence."""
        wanted = {"AI_GATEWAY_ORDER": ",".join(OWN_ORDER.get(name, name) for name in order)}
        for name in order:
            for limit in ("FIRST_TOKEN_SECONDS", "IDLE_SECONDS"):
                wanted[f"AI_GATEWAY_{SECTIONS.get(name, name.upper())}__{limit}"] = str(SHORT_SECONDS)
        loaded = load_settings(file=None, environ={**self.environ, **wanted, **more})
        assert loaded.problems == ()
        return loaded

    def gateway(self, *order: str, **more: str) -> Gateway:
        """A gateway made of them."""
        return Gateway.from_settings(self.settings(*order, **more))

    @property
    def copilot(self) -> FakeUpstream:
        return self.upstreams["copilot"]

    @property
    def openai(self) -> FakeUpstream:
        return self.upstreams["openai"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with (
        FakeCopilot(oauth_tokens=("ghu_real",)) as copilot,
        FakeOpenAI(api_key="sk-real") as openai,
        FakeAnthropic(api_key="sk-ant-real") as anthropic,
        FakeGemini(api_key="AIza-real") as gemini,
        FakeAzure(api_key="azure-real", deployments={"our-gpt": "gpt-4.1"}) as azure,
        FakeOllama(models=("llama3",)) as ollama,
        FakeOpenAI(api_key="service-real") as service,
    ):
        yield World(
            {
                "copilot": copilot,
                "openai": openai,
                "anthropic": anthropic,
                "gemini": gemini,
                "azure": azure,
                "ollama": ollama,
                SERVICE: service,
            },
            {
                "GITHUB_COPILOT_TOKEN": "ghu_real",
                "GITHUB_COPILOT_API_URL": copilot.url,
                "OPENAI_API_KEY": "sk-real",
                "OPENAI_BASE_URL": openai.base_url,
                "ANTHROPIC_API_KEY": "sk-ant-real",
                "ANTHROPIC_BASE_URL": anthropic.base_url,
                "GEMINI_API_KEY": "AIza-real",
                "GEMINI_ENDPOINT": gemini.base_url,
                "AZURE_OPENAI_API_KEY": "azure-real",
                "AZURE_OPENAI_ENDPOINT": azure.base_url,
                "AZURE_OPENAI_DEPLOYMENT": "our-gpt",
                "OLLAMA_BASE_URL": ollama.base_url,
                "AI_GATEWAY_SERVICES__SERVICE__BASE_URL": service.base_url,
                "AI_GATEWAY_SERVICES__SERVICE__API_KEY": "service-real",
                "AI_GATEWAY_SERVICES__SERVICE__MODEL": "gpt-4.1",
            },
        )


class Watched:
    """A drill that a test watches, and ends as soon as there is nothing more to see."""

    def __init__(
        self, gateway: Gateway, provider: str | None, fault: str, *, seconds: float = LONG_SECONDS, ends: bool = True
    ) -> None:
        self.lines: list[str] = []
        self._changed = asyncio.Event()
        self._ends = ends
        self.drill = Drill(gateway, provider, fault, seconds, tell=self._hear)

    def _hear(self, line: str) -> None:
        self.lines.append(line)
        self._changed.set()
        if self._ends and line.startswith(IDLE):
            self.drill.stop()

    async def hears(self, text: str) -> None:
        """Return when a line with this text was told."""
        async with asyncio.timeout(HANG_SECONDS):
            while not any(text in line for line in self.lines):
                self._changed.clear()
                await self._changed.wait()

    async def report(self) -> DrillReport:
        async with asyncio.timeout(HANG_SECONDS):
            return await self.drill.run()


def answers_of(report: DrillReport) -> list[str | None]:
    return [question.provider for question in report.questions]


@pytest.mark.parametrize(("provider", "fault"), SPOKEN)
async def test_a_fault_is_what_its_name_says_and_is_never_an_answer(world: World, provider: str, fault: str) -> None:
    other = "anthropic" if provider == "openai" else "openai"
    async with world.gateway(provider, other, AI_GATEWAY_BREAKER__FAILURE_THRESHOLD="1") as gateway:
        report = await Watched(gateway, provider, fault).report()
    [failed] = report.questions[0].attempts_of(provider)
    assert failed.outcome is Outcome.FAILED
    assert failed.reason == (OF_COPILOT.get(fault) if provider == "copilot" else None) or FAILURES[fault]
    assert provider not in answers_of(report)
    assert not world.upstreams[provider].requests
    assert report.questions[0].was_retracted is (fault in {"stall", "cut"})


def test_every_fault_is_spoken_by_somebody_and_told_in_a_sentence() -> None:
    assert {fault for _, fault in SPOKEN} == set(FAULTS)
    assert all(fault.meaning and fault.past for fault in FAULTS.values())


@pytest.mark.parametrize("provider", ALL_VENDORS)
async def test_the_stand_in_has_no_credential_of_ones_own(world: World, provider: str) -> None:
    loaded = world.settings(provider)
    async with Gateway.from_settings(loaded) as gateway:
        [tier] = gateway.tiers
        vendor = ALL_VENDORS[provider]
        async with vendor.make(0, tier.default_model) as upstream:
            stand_in = stand_in_for(tier, upstream, loaded, clock=SYSTEM_CLOCK)
            assert stand_in.breaker is not tier.breaker
            assert (stand_in.name, stand_in.models, stand_in.limits) == (tier.name, tier.models, tier.limits)
            async with aclosing(stand_in.provider) as asked:
                pieces = [piece async for piece in asked.stream(HELLO_PROMPT, stand_in.default_model)]
            assert any(isinstance(piece, Delta) for piece in pieces)
            seen = [(request.path, request.query, dict(request.headers), request.body) for request in upstream.requests]
        assert seen
        assert "real" not in str(seen).replace("rehearsal", "")
    assert not world.upstreams[provider].requests


async def test_the_failover_the_open_breaker_and_the_recovery_are_seen(world: World) -> None:
    async with world.gateway("copilot", "openai", AI_GATEWAY_BREAKER__FAILURE_THRESHOLD="2") as gateway:
        [tier, _] = gateway.tiers
        watched = Watched(gateway, "copilot", "hang", seconds=4 * SHORT_SECONDS, ends=False)
        report = await watched.report()
        assert gateway.tiers[0] is tier
        assert tier.breaker.state is BreakerState.CLOSED
        assert tier.breaker.consecutive_failures == 0
    assert (report.ending, report.all_answered) == (Ending.IN_TIME, True)
    assert [(question.provider, question.attempts[0].reason) for question in report.questions] == [
        ("openai", FailureKind.TIMEOUT),
        ("openai", FailureKind.TIMEOUT),
        ("openai", OpenReason.SLOW),
    ]
    assert report.questions[0].elapsed_ms >= 1000 * SHORT_SECONDS > report.questions[2].elapsed_ms
    [opened] = report.breaker
    assert (opened.before, opened.after, opened.reason) == (BreakerState.CLOSED, BreakerState.OPEN, OpenReason.SLOW)
    assert report.recovery is not None
    assert report.recovery.provider == "copilot"
    assert world.copilot.calls == 1
    assert report.verdict.startswith("3 of 3 questions were answered while copilot hung; the first took 0.")


async def test_whom_it_will_ask_is_said_before_anybody_is_asked(world: World) -> None:
    async with world.gateway("copilot", "openai", "ollama") as gateway:
        watched = Watched(gateway, "copilot", "auth")
        await watched.report()
    told_at = next(at for at, line in enumerate(watched.lines) if "openai (gpt-4o-mini), ollama (llama3)" in line)
    asked_at = next(at for at, line in enumerate(watched.lines) if "answered" in line)
    assert told_at < asked_at
    assert all(len(str(request.json["messages"])) < 200 for request in world.openai.requests)


async def test_an_open_breaker_is_probed_when_its_time_is_up(world: World) -> None:
    brief = {"AI_GATEWAY_BREAKER__FAILURE_THRESHOLD": "1", "AI_GATEWAY_BREAKER__RECOVERY_TIMEOUT_SECONDS": "0.1"}
    async with world.gateway("copilot", "openai", **brief) as gateway:
        watched = Watched(gateway, "copilot", "refuse", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears("copilot's breaker: half_open to open (outage)")
        watched.drill.stop()
        report = await holding
    states = [change.after for change in report.breaker]
    assert states[:3] == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.OPEN]
    assert {question.provider for question in report.finished} == {"openai"}
    assert report.ending is Ending.STOPPED


async def test_a_persons_own_queries_fail_over_too_and_never_reach_the_tier_itself(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        watched = Watched(gateway, "copilot", "cut", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears(IDLE)
        answer = await gateway.query("a question of one's own")
        assert answer.provider == "openai"
        watched.drill.stop()
        await holding
        assert not world.copilot.requests
        assert (await gateway.query("another one")).provider == "copilot"


async def begun(gateway: Gateway, holding: asyncio.Task[DrillReport]) -> None:
    """Return when a drill has put its own tier in place."""
    changed = asyncio.Event()
    gateway.on_change = changed.set
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.wait({holding, asyncio.ensure_future(changed.wait())}, return_when=asyncio.FIRST_COMPLETED)
    assert not holding.done()


async def test_a_question_that_outlasts_the_drill_counts_neither_way(world: World) -> None:
    async with world.gateway("copilot", "openai", AI_GATEWAY_COPILOT__FIRST_TOKEN_SECONDS="60") as gateway:
        report = await rehearse(gateway, "copilot", "hang", SHORT_SECONDS)
    [waiting] = report.questions
    assert waiting.outcome is QuestionOutcome.UNFINISHED
    assert (report.all_answered, report.recovery) == (False, None)
    assert report.verdict.startswith("no question came to an end while copilot hung; the first was still waiting")
    assert report.advice[0].startswith("it was too short to see an end: rehearse for longer than 60 s")


async def test_a_query_that_still_waits_when_the_drill_ends_is_answered_by_another(world: World) -> None:
    async with world.gateway("copilot", "openai", AI_GATEWAY_COPILOT__FIRST_TOKEN_SECONDS="60") as gateway:
        drill = Drill(gateway, "copilot", "hang", LONG_SECONDS)
        holding = asyncio.create_task(drill.run())
        await begun(gateway, holding)
        asking = asyncio.create_task(gateway.query("a question of one's own"))
        await asyncio.sleep(0)
        drill.stop()
        async with asyncio.timeout(HANG_SECONDS):
            assert (await asking).provider == "openai"
            await holding


async def test_nobody_is_given_invented_vectors(world: World) -> None:
    async with world.gateway("copilot") as gateway:
        watched = Watched(gateway, "copilot", "cut", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears(IDLE)
        with pytest.raises(NoTierAnswered):
            await gateway.embed("text")
        watched.drill.stop()
        await holding
        assert (await gateway.embed("text")).provider == "copilot"


async def test_if_nobody_else_can_answer_it_says_so_and_what_to_do(world: World) -> None:
    await world.upstreams["ollama"].stop()
    async with world.gateway("copilot", "ollama", AI_GATEWAY_BREAKER__FAILURE_THRESHOLD="1") as gateway:
        report = await Watched(gateway, "copilot", "overloaded").report()
    assert not report.all_answered
    assert {question.outcome for question in report.questions} == {QuestionOutcome.UNANSWERED}
    assert report.verdict.startswith("0 of ")
    named = "ollama could not answer either, for it could not be reached: "
    assert any(advice.startswith(named) for advice in report.advice)


async def test_who_was_never_configured_is_not_named_among_those_who_could_not_take_over(world: World) -> None:
    async with world.gateway("copilot", "anthropic", "ollama", ANTHROPIC_API_KEY="") as gateway:
        report = await Watched(gateway, "copilot", "overloaded").report()
    attempts = [attempt for question in report.questions for attempt in question.attempts]
    assert OpenReason.NOT_CONFIGURED in {attempt.reason for attempt in attempts if attempt.provider == "anthropic"}
    assert not any("anthropic" in advice for advice in report.advice)


async def test_a_chain_of_one_is_advised_to_grow(world: World) -> None:
    async with world.gateway("copilot", AI_GATEWAY_BREAKER__FAILURE_THRESHOLD="1") as gateway:
        report = await Watched(gateway, "copilot", "quota").report()
    assert any("nobody but copilot" in advice for advice in report.advice)
    assert any("no local tier" in advice for advice in report.advice)


async def test_an_outage_behind_a_tier_that_answers_goes_unnoticed(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        report = await Watched(gateway, "openai", "refuse").report()
    assert answers_of(report) == ["copilot"]
    assert "nobody noticed" in report.verdict
    assert report.all_answered
    assert any("AI_GATEWAY_ORDER" in advice for advice in report.advice)


async def test_a_refusal_of_the_query_itself_is_told_apart_from_an_outage(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        report = await Watched(gateway, "copilot", "content-filter").report()
    assert not world.openai.calls
    assert report.breaker == ()
    assert any(advice.startswith("content_filter is about the query") for advice in report.advice)


async def test_a_breaker_that_was_open_before_is_open_afterwards(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        tier = gateway.tiers[0]
        gateway.notice_credentials()
        tier.breaker.trip(OpenReason.QUOTA, open_seconds=600)
        report = await rehearse(gateway, "copilot", "reset", SHORT_SECONDS)
        assert report.questions[0].attempts[0].reason == FailureKind.NETWORK
        assert (gateway.tiers[0], tier.breaker.reason) == (tier, OpenReason.QUOTA)
    assert report.recovery is not None
    assert report.recovery.provider == "openai"
    assert report.recovery.why == "copilot skipped (quota)"
    assert not world.copilot.calls


async def test_the_tier_is_back_after_a_cancel(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        tier = gateway.tiers[0]
        watched = Watched(gateway, "copilot", "hang", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears(IDLE)
        assert gateway.tiers[0] is not tier
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        assert gateway.tiers[0] is tier
        assert (await gateway.query("hello", cache="off")).provider == "copilot"


async def test_a_gateway_that_is_closed_meanwhile_ends_it_and_all_is_closed(world: World) -> None:
    async with world.gateway("copilot", "openai", AI_GATEWAY_COPILOT__FIRST_TOKEN_SECONDS="60") as gateway:
        tier = gateway.tiers[0]
        holding = asyncio.create_task(rehearse(gateway, "copilot", "hang", LONG_SECONDS))
        await begun(gateway, holding)
    async with asyncio.timeout(HANG_SECONDS):
        with pytest.raises(GatewayClosed):
            await holding
    with pytest.raises(ProviderFailure, match="closed"):
        await anext(tier.provider.stream(HELLO_PROMPT, None))
    assert not world.copilot.requests


async def test_other_settings_end_it_and_their_tier_is_asked(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        before = gateway.tiers[0]
        watched = Watched(gateway, "copilot", "refuse", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears(IDLE)
        await gateway.reconfigure(world.settings("copilot", "openai", COPILOT_MODEL="gpt-4.1"))
        report = await holding
        assert report.ending is Ending.SETTINGS_CHANGED
        assert gateway.tiers[0] is not before
        answer = await gateway.query("hello", cache="off")
        assert (answer.provider, answer.model) == ("copilot", "gpt-4.1")


async def test_settings_that_leave_the_tier_as_it_was_leave_the_drill_going(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        before = gateway.tiers[0]
        watched = Watched(gateway, "copilot", "refuse", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears(IDLE)
        await gateway.reconfigure(world.settings("copilot", "openai", "ollama"))
        assert (await gateway.query("hello", cache="off")).provider == "openai"
        watched.drill.stop()
        assert (await holding).ending is Ending.STOPPED
        assert gateway.tiers[0] is before
        assert [tier.name for tier in gateway.tiers] == ["copilot", "openai", "ollama"]


async def test_there_is_one_drill_at_a_time_and_then_another(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        watched = Watched(gateway, "copilot", "refuse", ends=False)
        holding = asyncio.create_task(watched.report())
        await watched.hears(IDLE)
        with pytest.raises(DrillUnderWay, match="wait until it is over"):
            await rehearse(gateway, "openai", "hang", SHORT_SECONDS)
        watched.drill.stop()
        await holding
        assert (await Watched(gateway, "copilot", "refuse").report()).all_answered


async def test_without_a_name_the_first_tier_is_rehearsed(world: World) -> None:
    async with world.gateway("openai", "anthropic") as gateway:
        assert (await Watched(gateway, None, "refuse").report()).provider == "openai"


@pytest.mark.parametrize(
    ("wanted", "field", "says"),
    [
        (("nobody", "hang", 1), "provider", "there is: copilot, ollama"),
        (("copilot", "flood", 1), "fault", "there is: refuse, "),
        (("copilot", "hang", 0), "seconds", "at most 3600 s"),
        (("copilot", "hang", 1e9), "seconds", "at most 3600 s"),
        (("copilot", "hang", math.nan), "seconds", "at most 3600 s"),
        (("ollama", "quota", 1), "fault", "ollama never fails by 'quota'; it can by: refuse, "),
    ],
)
async def test_what_cannot_be_rehearsed_is_refused_with_what_can(
    world: World, wanted: tuple[str, str, float], field: str, says: str
) -> None:
    async with world.gateway("copilot", "ollama") as gateway:
        tiers = gateway.tiers
        with pytest.raises(InvalidQuery, match=says) as refused:
            await rehearse(gateway, *wanted)
        assert refused.value.field == field
        assert gateway.tiers == tiers
        assert (await Watched(gateway, "copilot", "refuse").report()).all_answered


async def test_a_tier_that_nobody_asks_has_nothing_to_rehearse(world: World) -> None:
    loaded = load_settings(file=None, environ={**world.environ, "AI_GATEWAY_ORDER": "openai", "OPENAI_API_KEY": "\x00"})
    async with Gateway.from_settings(loaded) as gateway:
        with pytest.raises(InvalidQuery, match="openai is not asked as it is"):
            await rehearse(gateway, "openai", "hang", 1)


async def test_a_tier_made_by_code_is_not_ours_to_break() -> None:
    async with Gateway([ProviderTier("mine", ScriptedProvider("hello"))]) as gateway:
        with pytest.raises(InvalidQuery, match="added by code"):
            await rehearse(gateway, "mine", "hang", 1)


async def test_a_long_wait_is_advised_to_be_shortened_and_a_short_drill_to_be_longer(world: World) -> None:
    async with world.gateway("copilot", "openai") as gateway:
        [tier, *others] = gateway.tiers
        report = await rehearse(gateway, "copilot", "hang", 1.5 * SHORT_SECONDS)
        [asked, *_] = report.questions
        slow = replace(asked, attempts=(replace(asked.attempts[0], elapsed_ms=20_100.0), *asked.attempts[1:]))
        advice = advice_for(replace(report, questions=(slow,), seconds=30.0), tier, others)
    waiting, breaker, *_ = advice
    assert waiting.startswith("a question waited 20 s for copilot: lower copilot.first_token_seconds (now 0.1)")
    assert breaker.startswith("copilot's breaker opens after 3 failures in a row and has seen 1: rehearse for 65 s")


def test_neither_the_fakes_nor_their_server_are_imported_before_a_drill() -> None:
    code = (
        "import sys, ai_gateway.drill.faults, ai_gateway.drill.report, ai_gateway.drill.rehearsal\n"
        "print([name for name in sys.modules if name.startswith(('ai_gateway.fakes', 'aiohttp.web'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
