"""The editor's own models as a provider, with an editor that plays what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.chain import FailoverChain
from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.explaining.page import page_of
from ai_gateway.failures import MAX_OPEN_SECONDS, FailureKind, NoTierAnswered, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import (
    Backend,
    BreakerState,
    Delta,
    Finish,
    FinishReason,
    Infill,
    LLMResponse,
    PriceClass,
    Query,
    ToolCall,
    Usage,
)
from ai_gateway.providers.base import prompt_of
from ai_gateway.providers.editor_models import EditorModel, EditorModelsProvider, EditorRefused, Loan
from ai_gateway.providers.editor_reply import read_reply
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.any_json import any_json
from support.asking import HANG_SECONDS, MESSAGES, SECRET_PROMPT, all_texts_of, ask, failure_of, stream
from support.chains import watch

GPT = EditorModel("gpt-4o", "copilot", "gpt-4o", "GPT 4o", 64000)
CLAUDE = EditorModel("c-9", "copilot", "claude", "Claude 9")
STRANGER = EditorModel("s-1", "somebody", "claude", "S")
WHOLE: Mapping[str, object] = {
    "text": "one two",
    "model": "gpt-4o",
    "finish_reason": "stop",
    "usage": None,
    "tool_calls": [],
}

Step = str | Mapping[str, object] | EditorRefused


class ScriptedEditor:
    """An editor that plays one script for each question, and the last one over and over."""

    lender = "An Editor"

    def __init__(self, *scripts: list[Step], loan: Loan | None = None) -> None:
        self.loan = loan
        self.scripts = scripts or ([WHOLE],)
        self.wanted: list[Mapping[str, object]] = []
        self.left = asyncio.Event()
        self.go_on: asyncio.Event | None = None

    async def chat(self, wanted: Mapping[str, object]) -> AsyncGenerator[str | Mapping[str, object], None]:
        script = self.scripts[min(len(self.wanted), len(self.scripts) - 1)]
        self.wanted.append(wanted)
        try:
            for step in script:
                if isinstance(step, EditorRefused):
                    raise step
                yield step
            if self.go_on is not None:
                await self.go_on.wait()
        finally:
            self.left.set()


def lending(*script: Step, models: tuple[EditorModel, ...] = (CLAUDE, GPT, STRANGER)) -> ScriptedEditor:
    return ScriptedEditor(list(script) or [WHOLE], loan=Loan(models))


def provider_of(editor: ScriptedEditor, vendor: str = "copilot", family: str = "gpt-4o") -> EditorModelsProvider:
    return EditorModelsProvider(editor, vendor=vendor, family=family)


async def ask_usual(editor: ScriptedEditor) -> LLMResponse:
    return await ask(provider_of(editor), "gpt-4o")


def tier_of(editor: ScriptedEditor, *models: str) -> ProviderTier:
    return ProviderTier("editor", provider_of(editor), models, backend=Backend.COPILOT)


class TestAnAnswer:
    async def test_streams_and_ends_with_what_was_not_streamed(self) -> None:
        deltas, finish = await stream(provider_of(lending("one", " ", WHOLE)), None)
        assert deltas == ["one", " ", "two"]
        assert finish == Finish(FinishReason.STOP, None, "gpt-4o")

    async def test_may_come_without_a_stream(self) -> None:
        assert (await stream(provider_of(lending()), None))[0] == ["one two"]

    async def test_says_what_was_read_and_called(self) -> None:
        call = {"id": "1", "name": "add", "arguments": "{}"}
        told = {"finish_reason": "tool_calls", "usage": {"input_tokens": 5, "output_tokens": 7}, "tool_calls": [call]}
        response = await ask_usual(lending({**WHOLE, **told, "text": ""}))
        assert (response.finish_reason, response.usage) == (FinishReason.TOOL_CALLS, Usage(5, 7))
        assert response.tool_calls == (ToolCall("1", "add", "{}"),)

    async def test_is_of_the_model_that_was_meant(self) -> None:
        editor = lending()
        provider = provider_of(editor)
        for name in ("gpt-4o", "GPT 4o", "c-9", "claude", "Claude 9"):
            await ask(provider, name)
        assert [wanted["model"] for wanted in editor.wanted] == ["gpt-4o", "gpt-4o", "c-9", "c-9", "c-9"]

    async def test_is_asked_for_with_all_that_shapes_it_and_nothing_else(self) -> None:
        editor = lending()
        await ask(provider_of(editor), "gpt-4o", temperature=0.1, max_tokens=5, stop=["X"])
        assert editor.wanted == [
            {"model": "gpt-4o", "messages": MESSAGES, "tools": [], "temperature": 0.1, "max_tokens": 5, "stop": ["X"]}
        ]

    async def test_in_json_is_asked_for_without_a_format_as_the_editor_knows_none(self) -> None:
        editor = lending()
        chain = FailoverChain([tier_of(editor)])
        answer = await chain.chat(MESSAGES, response_format={"type": "json_object"})
        assert (answer.content, len(editor.wanted)) == ("one two", 1)

    async def test_that_nobody_waits_for_is_left(self) -> None:
        editor = lending("one")
        editor.go_on = asyncio.Event()
        async with aclosing(provider_of(editor).stream(prompt_of(MESSAGES), None)) as pieces:
            assert await anext(pieces) == Delta("one")
        assert editor.left.is_set()

    async def test_costs_nothing_beyond_the_plan(self) -> None:
        editor = lending()
        tier = tier_of(editor)
        answer = await FailoverChain([tier]).chat(MESSAGES)
        assert tier.price_class is PriceClass.INCLUDED
        assert (answer.model, answer.cost_usd) == ("gpt-4o", None)


class TestTheModel:
    @pytest.mark.parametrize(
        ("models", "family", "expected"),
        [
            ((CLAUDE, GPT), "gpt-4o", "gpt-4o"),
            ((CLAUDE, GPT), "other", "claude"),
            ((STRANGER, GPT), "claude", "gpt-4o"),
            ((STRANGER,), "claude", None),
            ((), "gpt-4o", None),
        ],
    )
    def test_is_of_the_usual_family_or_the_first_of_the_vendor(
        self, models: tuple[EditorModel, ...], family: str, expected: str | None
    ) -> None:
        assert provider_of(lending(models=models), family=family).default_model == expected

    async def test_is_known_to_the_tier_before_it_answers(self) -> None:
        assert tier_of(lending()).default_model == "gpt-4o"
        assert tier_of(lending(), "claude").default_model == "claude"

    async def test_is_looked_up_by_its_id_before_any_other_name(self) -> None:
        editor = lending(models=(EditorModel("b", "copilot", "a", "A"), EditorModel("a", "copilot", "x", "X")))
        await ask(provider_of(editor), "a")
        assert editor.wanted[0]["model"] == "a"

    async def test_that_is_not_lent_is_unknown(self) -> None:
        for asking in (ask(provider_of(lending()), "s-1"), provider_of(lending()).check("gpt-9")):
            failure = await failure_of(asking)
            assert failure.kind is FailureKind.MODEL_NOT_FOUND
            assert failure.hint_for("editor").endswith("there is: c-9, gpt-4o")

    async def test_can_be_chosen_from_what_is_lent(self) -> None:
        provider = provider_of(lending())
        assert [(model.id, model.context_tokens) for model in await provider.models()] == [
            ("c-9", None),
            ("gpt-4o", 64000),
        ]
        await provider.check("c-9")

    async def test_is_not_asked_to_fill_gaps_where_somebody_types(self) -> None:
        editor = lending()
        local = ProviderTier("local", ScriptedProvider("x"), backend=Backend.LOCAL)
        seen = await watch(FailoverChain([tier_of(editor), local]), Query(Infill("def f(")))
        assert [(one.provider, one.reason) for one in seen.answer.attempts] == [
            ("editor", "no_completions"),
            ("local", None),
        ]
        assert not editor.wanted


class TestALoan:
    @pytest.mark.parametrize(
        ("loan", "missing"),
        [
            (None, "the editor has not said yet which models it lends"),
            (Loan(), "the editor lends no models"),
            (Loan((), "sign in to GitHub in VS Code"), "sign in to GitHub in VS Code"),
            (Loan((STRANGER,)), "the editor lends no models of 'copilot', only of: somebody; set editor.vendor"),
            (Loan((STRANGER,), "sign in"), "sign in"),
            (Loan((STRANGER, GPT)), None),
        ],
    )
    def test_says_why_nobody_can_be_asked(self, loan: Loan | None, missing: str | None) -> None:
        assert provider_of(ScriptedEditor(loan=loan)).missing == missing

    async def test_that_has_ended_meanwhile_is_a_failure(self) -> None:
        assert (await failure_of(ask(provider_of(lending(models=())), None))).kind is FailureKind.SIGNED_OUT

    def test_is_another_credential_when_it_changes_and_only_then(self) -> None:
        editor = lending(models=(GPT,))
        provider = provider_of(editor)
        versions = [provider.credential_version]
        for models in ((GPT,), (GPT, CLAUDE), (GPT, CLAUDE), ()):
            editor.loan = Loan(models)
            versions.append(provider.credential_version)
        first, again, more, more_again, none = versions
        assert first == again
        assert more == more_again
        assert len({first, more, none}) == 3

    @pytest.mark.parametrize(
        ("kind", "is_another"), [("auth", True), ("entitlement", True), ("quota", False), ("server", False)]
    )
    async def test_that_is_renewed_after_a_refusal_of_access_may_be_another(self, kind: str, is_another: bool) -> None:
        editor = lending(EditorRefused(kind), models=(GPT,))
        provider = provider_of(editor)
        before = provider.credential_version
        await failure_of(ask(provider, "gpt-4o"))
        assert provider.credential_version == before
        editor.loan = Loan((GPT,))
        assert (provider.credential_version != before) is is_another
        assert provider.credential_version == provider.credential_version

    def test_says_whose_it_is(self) -> None:
        provider = provider_of(lending())
        assert (provider.credential_source, provider.address) == (
            "An Editor's own models",
            "the models of An Editor",
        )


ABOUT_THE_GATEWAY = {FailureKind.CRASHED, FailureKind.DEADLINE}


class TestARefusal:
    @pytest.mark.parametrize("kind", list(FailureKind))
    async def test_is_of_the_kind_that_the_editor_names(self, kind: FailureKind) -> None:
        failure = await failure_of(ask_usual(lending(EditorRefused(kind.value, "Do this.", 5))))
        assert failure.kind is (FailureKind.SERVER if kind in ABOUT_THE_GATEWAY else kind)
        assert failure.retry_after_seconds == 5

    @pytest.mark.parametrize(
        ("said", "seconds"), [(None, None), ("5", None), (True, None), (-5, 0.0), (10**400, MAX_OPEN_SECONDS)]
    )
    async def test_names_a_time_or_none(self, said: object, seconds: float | None) -> None:
        refusal = EditorRefused("rate_limit", "Wait.", said)
        assert (await failure_of(ask_usual(lending(refusal)))).retry_after_seconds == seconds

    async def test_is_told_to_the_person_where_they_can_mend_it_in_one_line(self) -> None:
        refusal = EditorRefused("quota", "Buy\nmore\x1b[31m " + "." * 1000)
        hint = (await failure_of(ask_usual(lending(refusal)))).hint_for("editor")
        assert hint.startswith("Buy more[31m ...")
        assert len(hint) <= 300

    @pytest.mark.parametrize("kind", ["server", "bad_request", "content_filter", "invalid_request", "mood", None, 5])
    async def test_quotes_nothing_where_it_might_be_the_prompt(self, kind: object) -> None:
        chain = FailoverChain([tier_of(lending(EditorRefused(kind, SECRET_PROMPT)))])
        with pytest.raises(NoTierAnswered) as raised:
            await chain.chat([{"role": "user", "content": SECRET_PROMPT}])
        assert SECRET_PROMPT not in all_texts_of(raised.value) + raised.value.hint

    async def test_of_one_tier_leaves_the_others(self) -> None:
        local = ProviderTier("local", ScriptedProvider("fine"), backend=Backend.LOCAL)
        seen = await watch(FailoverChain([tier_of(lending("half", EditorRefused("quota"))), local]))
        assert (seen.text, seen.answer.provider) == ("fine", "local")

    async def test_is_waited_for_no_longer_than_any_other_tier(self) -> None:
        editor = lending("half")
        editor.go_on = asyncio.Event()
        tier = tier_of(editor)
        with pytest.raises(NoTierAnswered) as raised:
            await asyncio.wait_for(FailoverChain([tier]).chat(MESSAGES, timeout_seconds=0.1), HANG_SECONDS)
        assert raised.value.attempts[0].reason == FailureKind.DEADLINE
        assert editor.left.is_set()


def settings(**sections: object) -> LoadedSettings:
    return load_settings(environ={}, editor={"store": {"enabled": False}, **sections})


class TestAGateway:
    async def test_asks_them_first_once_they_are_lent_and_not_after_that(self) -> None:
        editor = lending()
        async with Gateway.from_settings(settings()) as gateway:
            before = gateway.tiers
            gateway.lend(editor)
            assert [tier.name for tier in gateway.tiers] == ["editor", *(tier.name for tier in before)]
            assert gateway.tiers[1:] == before
            assert (await gateway.query("hello")).provider == "editor"
            gateway.lend(None)
            assert gateway.tiers == before

    async def test_announces_that(self) -> None:
        told: list[str] = []
        async with Gateway.from_settings(settings()) as gateway:
            gateway.on_change = lambda: told.append("changed")
            gateway.lend(lending())
        assert told

    async def test_has_no_such_tier_for_an_order_that_names_it_where_nothing_is_lent(self) -> None:
        async with Gateway.from_settings(settings(order=["editor", "local"])) as gateway:
            assert [tier.name for tier in gateway.tiers] == ["ollama"]
            assert gateway.problems == ()

    async def test_keeps_the_tier_while_its_own_settings_stay_and_its_usual_model(self) -> None:
        async with Gateway.from_settings(settings(order=["editor"])) as gateway:
            gateway.lend(lending())
            [tier] = gateway.tiers
            await gateway.reconfigure(settings(order=["editor"], cache={"ttl_seconds": 5}, copilot={"token": "ghu_x"}))
            assert gateway.tiers == (tier,)
            await gateway.reconfigure(settings(order=["editor"], copilot={"model": "claude"}))
            assert gateway.tiers != (tier,)
            assert gateway.tiers[0].default_model == "claude"
            await gateway.reconfigure(settings(order=["editor"], editor={"model": "GPT 4o"}))
            assert (await gateway.query("hello")).content == "one two"

    async def test_asks_whoever_lends_last(self) -> None:
        first, second = lending(), lending()
        async with Gateway.from_settings(settings(order=["editor"])) as gateway:
            gateway.lend(first)
            gateway.lend(second)
            await gateway.query("hello")
        assert (len(first.wanted), len(second.wanted)) == (0, 1)

    async def test_does_not_share_its_breaker_as_each_window_has_its_own_editor(self, tmp_path: Path) -> None:
        store = {"path": str(tmp_path / "gateway.db")}
        loaded = settings(order=["editor"], store=store)
        refusing, willing = lending(EditorRefused("quota", "Buy more.", 3600)), lending()
        async with Gateway.from_settings(loaded) as one, Gateway.from_settings(loaded) as other:
            one.lend(refusing)
            other.lend(willing)
            with pytest.raises(NoTierAnswered):
                await one.query("hello")
            await one.told()
            assert one.tiers[0].breaker.state is BreakerState.OPEN
            assert (await other.query("hello", cache="off")).provider == "editor"

    async def test_shows_them_in_its_health(self) -> None:
        async with Gateway.from_settings(settings(order=["editor"])) as gateway:
            gateway.lend(lending())
            health = await gateway.health(probe=True)
        [found] = health.providers
        assert (found.name, found.model, found.reachable) == ("editor", "gpt-4o", True)
        assert (found.credential, found.price_class) == ("An Editor's own models", PriceClass.INCLUDED)
        assert health.copilot_available

    async def test_tells_whom_the_prompt_went_to(self) -> None:
        async with Gateway.from_settings(settings(order=["editor"])) as gateway:
            gateway.lend(lending())
            await gateway.query("hello")
            trace = await gateway.explain()
        assert trace is not None
        page = page_of(trace)
        assert "5 characters to editor at the models of An Editor" in page
        assert "nothing left this machine" not in page


NAMES = "text model finish_reason usage tool_calls input_tokens output_tokens id name arguments stop length"
TEXTS = st.sampled_from(["one", "one two", "stop", "length", "tool_calls", "content_filter", "refusal"])


@given(reply=any_json(NAMES, leaf=TEXTS), streamed=st.sampled_from(["", "one"]))
def test_whatever_an_editor_answers_is_an_answer_or_a_failure_of_a_kind(reply: object, streamed: str) -> None:
    try:
        rest, finish = read_reply(reply, streamed)
    except ProviderFailure as failure:
        kind = failure.kind
    else:
        assert isinstance(reply, Mapping)
        assert (streamed + rest, finish.reason) == (reply["text"], reply["finish_reason"])
        return
    assert kind in {FailureKind.SERVER, FailureKind.STREAM_BROKEN}


@given(kind=any_json(NAMES), advice=any_json(NAMES), seconds=any_json(NAMES))
async def test_whatever_an_editor_refuses_with_is_a_failure_of_a_kind(
    kind: object, advice: object, seconds: object
) -> None:
    failure = await failure_of(ask_usual(lending(EditorRefused(kind, advice, seconds))))
    assert failure.kind is FailureKind.SERVER
    assert failure.retry_after_seconds is None or 0 <= failure.retry_after_seconds <= MAX_OPEN_SECONDS
