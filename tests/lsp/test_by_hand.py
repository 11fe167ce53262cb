"""What a person does by hand over the wire: keeps a breaker open, resets it, wipes answers, says yes to spending."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from ai_gateway.messages.results import ForceResult, HealthResult
from ai_gateway.messages.schema import adapter_of
from support.rpc import running_server


async def test_a_provider_is_kept_out_until_it_is_reset(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.notification("ai/status")
        forced = await server.result("ai/force", {"provider": "openai", "state": "open", "seconds": 600})
        status = await server.notification("ai/status", lambda status: status["status"] == "down")
        await server.request("ai/query", {"prompt": "hello"})
        assert upstream.calls == 0
        await server.result("ai/reset", {"provider": "openai"})
        health = await server.result("ai/health")
        await server.result("ai/query", {"prompt": "hello"})
    adapter_of(ForceResult).validate_python(forced)
    assert forced == {"status": "ok", "provider": "openai", "state": "open", "seconds": 600}
    [kept_out] = status["providers"]
    assert (kept_out["forced"], kept_out["reason"]) == ("open", "forced")
    assert 590 < kept_out["retry_after_seconds"] <= 600
    assert "by hand" in kept_out["hint"]
    assert health["providers"][0]["forced"] is None
    assert upstream.calls == 1


async def test_another_window_notices_without_asking_anything(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with running_server(tmp_path, environ=cloud) as one, running_server(tmp_path, environ=cloud) as other:
        for window in (one, other):
            await window.initialize()
            await window.notification("ai/status")
        await one.result("ai/force", {"provider": "openai", "state": "open"})
        status = await other.notification("ai/status", lambda status: status["status"] == "down")
    assert status["providers"][0]["forced"] == "open"


async def test_health_says_what_tiers_cost_and_what_may_be_spent(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with FakeOllama(models=["llama3"]) as local:
        environ = {
            **cloud,
            "OLLAMA_BASE_URL": local.base_url,
            "AI_GATEWAY_EMERGENCY": "local",
            "AI_GATEWAY_SPENDING__DAILY_CAP_USD": "5",
        }
        async with running_server(tmp_path, environ=environ) as server:
            await server.initialize()
            await server.notification("ai/status")
            health = await server.result("ai/health")
    adapter_of(HealthResult).validate_python(health)
    openai, ollama = health["providers"]
    assert (openai["price_class"], openai["is_emergency"], openai["preload_problem"]) == ("metered", False, None)
    assert (ollama["price_class"], ollama["is_emergency"]) == ("free", True)
    assert (health["spent_today_usd"], health["daily_cap_usd"]) == (0.0, 5.0)


async def test_a_model_that_could_not_be_loaded_ahead_is_told_of(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.rate_limited(retry_after=60), times=None)
    async with FakeOllama(models=["another"]) as local:
        environ = {
            **cloud,
            "OLLAMA_BASE_URL": local.base_url,
            "AI_GATEWAY_ORDER": "cloud,local",
            "AI_GATEWAY_LOCAL__WARM_STANDBY": "true",
        }
        async with running_server(tmp_path, environ=environ) as server:
            await server.initialize()
            await server.request("ai/query", {"prompt": "hello", "backend": "cloud"})
            status = await server.notification("ai/status", lambda status: status["providers"][-1]["preload_problem"])
    assert status["providers"][-1]["preload_problem"].startswith("llama3 was not loaded ahead: ")


async def test_answers_that_outlive_the_process_are_wiped_with_the_cache(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    environ = {**cloud, "AI_GATEWAY_CACHE__PERSISTENT": "true"}
    async with running_server(tmp_path, environ=environ) as one:
        await one.initialize()
        await one.result("ai/query", {"prompt": "hello"})
    async with running_server(tmp_path, environ=environ) as other:
        await other.initialize()
        assert (await other.result("ai/query", {"prompt": "hello"}))["cached"]
        assert (await other.result("ai/reset", {"cache": True}))["forgotten"] == 1
        assert not (await other.result("ai/query", {"prompt": "hello"}))["cached"]
    assert upstream.calls == 2


async def test_answers_that_were_kept_are_wiped_also_when_none_are_kept_any_more(
    tmp_path: Path, cloud: dict[str, str]
) -> None:
    kept = {**cloud, "AI_GATEWAY_CACHE__PERSISTENT": "true"}
    async with running_server(tmp_path, environ=kept) as one:
        await one.initialize()
        await one.result("ai/query", {"prompt": "hello"})
    async with running_server(tmp_path, environ=cloud) as other:
        await other.initialize()
        assert (await other.result("ai/reset", {"cache": True}))["forgotten"] == 1


@pytest.mark.parametrize(("choice", "answers"), [("This time", "openai"), ("No", "ollama")])
async def test_the_person_is_asked_in_the_editor_before_something_dearer_answers(
    tmp_path: Path, upstream: FakeOpenAI, choice: str, answers: str
) -> None:
    async with FakeOllama(models=["llama3"]) as local, FakeOpenAI() as included:
        included.fault(Fault.rate_limited(retry_after=60), times=None)
        environ = {
            "AI_GATEWAY_SERVICES__PLAN__BASE_URL": included.base_url,
            "AI_GATEWAY_SERVICES__PLAN__MODEL": "m",
            "AI_GATEWAY_SERVICES__PLAN__PRICE": "included",
            "OPENAI_BASE_URL": upstream.base_url,
            "OPENAI_API_KEY": "key",
            "OLLAMA_BASE_URL": local.base_url,
            "AI_GATEWAY_ORDER": "plan,cloud,local",
        }
        async with running_server(tmp_path, environ=environ) as server:
            await server.initialize()
            msg_id = server.ask("ai/query", {"prompt": "hello", "spend": "ask"})
            question = await server.wait_for(lambda message: message.get("method") == "window/showMessageRequest")
            [action] = [action for action in question["params"]["actions"] if action["title"] == choice]
            server.send({"jsonrpc": "2.0", "id": question["id"], "result": action})
            answer = (await server.reply_to(msg_id))["result"]
            told = await server.result("ai/explain")
    assert answer["provider"] == answers
    [consent] = [step for step in told["steps"] if step["action"] == "consent"]
    assert consent["outcome"] == (None if choice == "This time" else "skipped")
    assert "asked the person whether **openai** may answer" in told["page"]
