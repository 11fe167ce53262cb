"""`ai/history`, over the wire: what was, in all windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from ai_gateway.messages.history import HistoryResult
from ai_gateway.messages.schema import adapter_of
from support.rpc import ServerProcess, running_server

SECRET = "my innermost thought"


async def test_a_window_tells_what_another_has_done_without_a_word_of_it(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with FakeOllama(models=["llama3"]) as local:
        environ = {**cloud, "OLLAMA_BASE_URL": local.base_url, "AI_GATEWAY_ORDER": "cloud,local"}
        async with running_server(tmp_path, environ=environ) as one:
            await one.initialize()
            first = await one.result("ai/query", {"prompt": SECRET})
            await one.result("ai/query", {"prompt": SECRET})
            upstream.fault(Fault.overloaded(), times=None)
            last = await one.result("ai/query", {"prompt": "and now"})
            here = await one.result("ai/history")
            await one.result("shutdown")
        async with running_server(tmp_path, environ=environ) as other:
            await other.initialize()
            there = await other.result("ai/history", {"days": 2, "queries": 2, "hours": 1})
    for told in (here, there):
        adapter_of(HistoryResult).validate_python(told)
        assert SECRET not in repr(told)
    assert here == {**there, "queries": here["queries"], "states": here["states"]}
    assert [query["cached"] for query in here["queries"]] == [False, True, False]
    assert here["queries"][:2] == there["queries"]
    assert (there["queries"][0]["query_id"], there["queries"][0]["provider"]) == (last["query_id"], "ollama")
    [failed, answered] = there["queries"][0]["attempts"]
    assert (failed["provider"], failed["outcome"], failed["reason"]) == ("openai", "failed", "overloaded")
    assert (answered["provider"], answered["outcome"], answered["reason"]) == ("ollama", "answered", None)
    [opened] = there["transitions"]
    assert (opened["provider"], opened["before"], opened["after"]) == ("openai", "closed", "open")
    assert [(state["provider"], state["state"], state["reason"]) for state in there["states"]] == [
        ("openai", "open", opened["reason"]),
        ("ollama", "closed", None),
    ]
    of_openai, of_ollama = there["days"]
    assert (of_openai["provider"], of_openai["queries"], of_openai["failures"]) == ("openai", 1, 1)
    assert of_openai["input_tokens"] == first["usage"]["input_tokens"]
    assert (of_ollama["provider"], of_ollama["model"], of_ollama["queries"]) == ("ollama", "llama3", 1)
    assert sum(day["hits"] for day in there["cache"]) == 1
    assert sum(day["misses"] for day in there["cache"]) == 2


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("field", "wrong"), [("days", 0), ("days", 91), ("queries", -1), ("queries", 501), ("hours", 169), ("weeks", 1)]
)
async def test_what_is_not_kept_can_t_be_asked_for(server: ServerProcess, field: str, wrong: int) -> None:
    error = (await server.request("ai/history", {field: wrong}))["error"]
    assert (error["code"], error["data"]) == (-32602, {"field": field})
