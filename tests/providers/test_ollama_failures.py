"""Every documented refusal of Ollama, said by a real server."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from ai_gateway.fakes import Answer, FakeOllama
from ai_gateway.fakes import ollama_failures as refusals
from ai_gateway.model import EmbeddingInput
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.ollama.refusals import OLLAMA_ROWS, PULL_ROWS
from support.asking import ask, failure_of
from support.refusals import Case, Kind, assert_every_row_has_its_case, check, named, page

SMALLER = "ai-gateway pull --recommended"
CLOUD = "cloud models"
PULL = "ai-gateway pull llama3 (or: ollama pull llama3)"
PORTAL = "sign-in page"

OLLAMA_CASES = [
    Case("a model that was not pulled", refusals.model_not_found("x"), Kind.MODEL_NOT_FOUND, PULL),
    Case(
        "a model that was not pulled, in the scheduler's words",
        refusals.refusal(404, 'model "x" not found, try pulling it first'),
        Kind.MODEL_NOT_FOUND,
        PULL,
    ),
    Case("another server", Answer.of("404 page not found", 404), Kind.MODEL_NOT_FOUND, "base URL"),
    Case("no model", refusals.model_required(), Kind.MODEL_NOT_FOUND, "local.model"),
    Case("no name of a model", refusals.invalid_model_name(), Kind.MODEL_NOT_FOUND, "local.model"),
    Case(
        "a model that writes nothing",
        refusals.does_not_support("llama3", "chat"),
        Kind.MODEL_NOT_FOUND,
        "llama3 writes no text",
    ),
    Case("no vectors", refusals.embeddings_unsupported(), Kind.MODEL_NOT_FOUND, "local.embedding_model"),
    Case("no tools", refusals.does_not_support(), Kind.UNSUPPORTED),
    Case("no tools, in the scheduler's words", refusals.tools_unsupported_by_model(), Kind.UNSUPPORTED),
    Case("no thinking", refusals.does_not_support(feature="thinking"), Kind.UNSUPPORTED),
    Case("no such format", refusals.invalid_format(), Kind.UNSUPPORTED),
    Case("no such schema", refusals.schema_refused(), Kind.UNSUPPORTED),
    Case("a prompt too long", refusals.prompt_too_long(), Kind.CONTEXT_TOO_LONG),
    Case("a prompt too long, in llama.cpp's words", refusals.context_size_exceeded(), Kind.CONTEXT_TOO_LONG),
    Case("no body", refusals.missing_body(), Kind.BAD_REQUEST),
    Case("too little memory", refusals.out_of_memory(), Kind.SERVER, SMALLER),
    Case("too little memory to start", refusals.out_of_memory_at_start(), Kind.SERVER, SMALLER),
    Case("a dead runner", refusals.runner_terminated(), Kind.SERVER, SMALLER),
    Case("a runner that died meanwhile", refusals.runner_stopped(), Kind.SERVER, SMALLER),
    Case("a load without end", refusals.load_timed_out(), Kind.SERVER, "OLLAMA_LOAD_TIMEOUT"),
    Case("a model for another release", refusals.incompatible_model(), Kind.SERVER, "update Ollama"),
    Case("a full queue", refusals.server_busy(), Kind.OVERLOADED),
    Case("a request that was canceled", refusals.canceled(), Kind.SERVER),
    Case("a name that it does not answer to", refusals.host_not_allowed(), Kind.ENTITLEMENT, "127.0.0.1"),
    Case("a cloud model without sign-in", refusals.cloud_unauthorized(), Kind.ENTITLEMENT, CLOUD),
    Case("a cloud model without the cloud", refusals.cloud_disabled(), Kind.ENTITLEMENT, CLOUD),
    Case("a cloud model without quota", refusals.cloud_limited(), Kind.RATE_LIMIT),
    Case("an unreachable cloud", refusals.cloud_unreachable(), Kind.ENTITLEMENT, CLOUD),
    Case("a remote model refused", refusals.remote_model_refused(), Kind.ENTITLEMENT, CLOUD),
    Case("a proxy before it", page(502), Kind.SERVER),
    Case("a proxy before it, in plain words", Answer.of("Bad Gateway", 502), Kind.SERVER),
    Case("a portal before it", page(403), Kind.NETWORK, PORTAL),
    Case("a proxy that wants a sign-in", page(401), Kind.AUTH),
]

PULL_CASES = [
    Case("no such model", refusals.pull_of_unknown_model(), Kind.MODEL_NOT_FOUND, "ollama.com/library"),
    Case("no such name", refusals.invalid_model_name(), Kind.MODEL_NOT_FOUND, "ollama.com/library"),
    Case("a model for a later release", refusals.pull_for_newer_ollama(), Kind.BAD_REQUEST, "update Ollama"),
    Case("a full disk", refusals.pull_without_space(), Kind.SERVER, "free some space"),
    Case("somebody's own model", refusals.pull_of_private_model(), Kind.ENTITLEMENT, "ollama signin"),
    Case("damage", refusals.pull_damaged(), Kind.STREAM_BROKEN, "run this again"),
    Case("no network", refusals.pull_without_network(), Kind.NETWORK, "HTTPS_PROXY of the Ollama service"),
    Case("a network that gives up", refusals.pull_failure("max retries exceeded: EOF"), Kind.NETWORK, "goes on where"),
]


@pytest.mark.parametrize("case", named(OLLAMA_CASES))
async def test_ollama_refuses(case: Case) -> None:
    async with FakeOllama(models=["llama3"]) as upstream, aclosing(OllamaProvider(base_url=upstream.base_url)) as given:
        upstream.fault(case.answer)
        check(await failure_of(ask(given, "llama3")), case)


@pytest.mark.parametrize("case", named(OLLAMA_CASES))
@pytest.mark.parametrize("path", ["/api/show", "/api/embed"])
async def test_ollama_refuses_the_same_way_wherever_it_is_asked(path: str, case: Case) -> None:
    async with FakeOllama(models=["llama3"]) as upstream, aclosing(OllamaProvider(base_url=upstream.base_url)) as given:
        upstream.fault(case.answer, path=path)
        check(await failure_of(given.embed(EmbeddingInput(("text",)), "llama3")), case)
        assert not upstream.calls


@pytest.mark.parametrize("case", named(PULL_CASES))
async def test_ollama_can_not_pull(case: Case) -> None:
    async with FakeOllama() as upstream, aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(case.answer, path="/api/pull")
        failure = await failure_of(_pulled(provider))
    assert failure.kind is case.kind
    assert case.hint in (failure.hint or "")


async def _pulled(provider: OllamaProvider) -> None:
    async with aclosing(provider.pull("llama3")) as steps:
        async for _ in steps:
            pass


def test_every_row_has_its_case() -> None:
    assert_every_row_has_its_case(OLLAMA_ROWS, OLLAMA_CASES)
    as_said_before_the_headers = [
        Case(case.name, refusals.refusal(500, _error_of(case.answer)), case.kind) for case in PULL_CASES
    ]
    assert_every_row_has_its_case(PULL_ROWS, as_said_before_the_headers)


def _error_of(answer: Answer) -> str:
    body = b"".join(frame.data for frame in answer.frames).decode()
    return body.rpartition('{"error":"')[2].rstrip('"}\n')


@pytest.mark.parametrize(
    ("answer", "parameter"),
    [
        (refusals.does_not_support(), "tools"),
        (refusals.tools_unsupported_by_model(), "tools"),
        (refusals.invalid_format(), "response_format"),
        (refusals.schema_refused(), "response_format"),
        (refusals.does_not_support(feature="thinking"), None),
    ],
)
async def test_what_is_unsupported_names_the_part_of_the_query_to_leave_out(
    answer: Answer, parameter: str | None
) -> None:
    async with FakeOllama(models=["llama3"]) as upstream, aclosing(OllamaProvider(base_url=upstream.base_url)) as given:
        upstream.fault(answer)
        assert (await failure_of(ask(given, "llama3"))).parameter == parameter


@pytest.mark.parametrize("name", ["x; rm -rf ~", "$(id)", "-rf", "a b", "`id`"])
async def test_a_hint_never_holds_a_command_that_a_name_was_made_to_change(name: str) -> None:
    async with FakeOllama() as upstream, aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        for asking in (ask(provider, name), provider.check(name)):
            failure = await failure_of(asking)
            assert failure.kind is Kind.MODEL_NOT_FOUND
            assert name not in (failure.hint or "")
