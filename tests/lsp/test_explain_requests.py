"""`ai/explain`, over the wire: how a query went, in whichever window it was asked."""

from __future__ import annotations

from pathlib import Path

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from ai_gateway.messages.results import ExplainResult
from ai_gateway.messages.schema import adapter_of
from support.rpc import Json, running_server

SECRET = "my innermost thought"


async def test_the_steps_of_a_query_and_its_page_are_told_without_its_text(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.status(500), times=2)
    async with (
        FakeOllama(models=["llama3"]) as local,
        running_server(tmp_path, environ=with_local(cloud, local)) as server,
    ):
        await server.initialize()
        asked = await server.result("ai/query", {"prompt": SECRET, "system": SECRET, "timeout_seconds": 60})
        told = await server.result("ai/explain", {"query_id": asked["query_id"]})
    adapter_of(ExplainResult).validate_python(told)
    assert (told["query_id"], told["outcome"], told["cache"]) == (asked["query_id"], "answered", "miss")
    assert (told["provider"], told["usage"]) == ("ollama", asked["usage"])
    assert (told["asked"]["characters"], told["asked"]["timeout_seconds"]) == (2 * len(SECRET), 60)
    first, second = told["steps"]
    assert (first["action"], first["provider"], first["state"]) == ("ask", "openai", "closed")
    assert (first["outcome"], first["failure"], first["reason"]) == ("failed", "server", None)
    assert (first["address"], first["replayed"]) == (upstream.base_url, None)
    assert [failed["kind"] for failed in first["tries"]] == ["server", "server"]
    assert [failed["retried_after_ms"] is None for failed in first["tries"]] == [False, True]
    assert (second["provider"], second["outcome"]) == ("ollama", "answered")
    assert (second["reason"], second["failure"], second["tries"]) == (None, None, [])
    assert second["first_token_ms"] <= second["elapsed_ms"] <= told["elapsed_ms"]
    assert [tier["standing"] for tier in second["situation"]["tiers"]] == ["done", "fresh"]
    assert told["page"].startswith("# ollama (llama3) answered in ")
    assert SECRET not in repr(told)


async def test_the_last_query_is_meant_where_none_is_named_also_after_a_failure(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        nothing = (await server.request("ai/explain"))["error"]
        await server.result("ai/query", {"prompt": "hello"})
        upstream.fault(Fault.rate_limited(retry_after=30), times=None)
        error = (await server.request("ai/query", {"prompt": "again"}))["error"]
        told = await server.result("ai/explain")
    assert nothing["code"] == -32602
    assert nothing["message"].startswith("no query is known yet; kept are the last 50 queries of this process, and the")
    assert (told["outcome"], told["provider"], told["hint"]) == ("failed", None, error["data"]["hint"])
    assert error["data"]["last_answer"]["provider"] == "openai"
    assert 0 <= error["data"]["last_answer"]["age_seconds"] < 60
    assert error["data"]["query_id"] == told["query_id"]
    assert told["steps"][-1]["action"] == "give_up"
    assert told["steps"][-1]["provider"] is None


async def test_a_replay_makes_every_decision_again(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.result("ai/query", {"prompt": "hello"})
        told = await server.result("ai/explain", {"replay": True})
    adapter_of(ExplainResult).validate_python(told)
    assert told["steps"][0]["replayed"] == {
        "is_same": True,
        "action": "ask",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "reason": None,
        "others_may_follow": False,
    }
    assert "## Decided again" in told["page"]


async def test_another_windows_query_can_be_explained_unless_the_windows_share_nothing(
    tmp_path: Path, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as one:
        await one.initialize()
        asked = await one.result("ai/query", {"prompt": "hello"})
        await one.result("shutdown")
    async with running_server(tmp_path, environ=cloud) as other:
        await other.initialize()
        told = await other.result("ai/explain", {"query_id": asked["query_id"]})
    async with running_server(tmp_path, environ={**cloud, "AI_GATEWAY_STORE__ENABLED": "false"}) as alone:
        await alone.initialize()
        unknown = (await alone.request("ai/explain", {"query_id": asked["query_id"]}))["error"]
    assert (told["query_id"], told["provider"]) == (asked["query_id"], "openai")
    assert (unknown["code"], unknown["data"]) == (-32602, {"field": "query_id"})
    assert unknown["message"].endswith("alone, for the store is off (store.enabled)")


async def test_a_file_that_the_person_keeps_private_reaches_local_tiers_only(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    entry = {"uri": "file:///home/me/secrets/plan.md", "text": "the plan"}
    async with FakeOllama(models=["llama3", "nomic-embed-text"]) as local:
        environ = {**with_local(cloud, local), "AI_GATEWAY_PRIVACY__PRIVATE_PATHS": "secrets/"}
        async with running_server(tmp_path, environ=environ) as server:
            await server.initialize()
            for quoting in ({"context": [entry]}, {"paths": ["secrets/plan.md"]}):
                asked: Json = await server.result("ai/query", {"prompt": "explain", **quoting})
                assert asked["provider"] == "ollama"
                told = await server.result("ai/explain")
                assert told["private"] == "it quotes a file that privacy.private_paths names"
            vectors = await server.result("ai/embed", {"input": "the plan", "paths": ["secrets/plan.md"]})
            assert vectors["provider"] == "ollama"
    assert upstream.calls == 0


def with_local(cloud: dict[str, str], local: FakeOllama) -> dict[str, str]:
    return {**cloud, "OLLAMA_BASE_URL": local.base_url, "AI_GATEWAY_ORDER": "cloud,local"}
