"""`ai/doctor`, over the wire: what is configured, from where, and what to do next."""

from __future__ import annotations

import sys
from pathlib import Path

from ai_gateway.fakes import FakeOpenAI
from ai_gateway.messages.doctor import DoctorResult
from ai_gateway.messages.schema import adapter_of
from support.rpc import running_server

SECRET = "sk-" + "a1B2" * 10
MODEL = "gpt|4[o](https://elsewhere.test)"


async def test_tells_what_is_set_and_how_each_provider_is_reached_without_a_secret(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    environ = {**cloud, "OPENAI_API_KEY": SECRET, "AI_GATEWAY_NETWORK__PROXY": "http://me:hidden@127.0.0.1:9"}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize({"breaker": {"failure_threshold": 7}, "cloud": {"model": "gpt-4.1"}})
        told = await server.result("ai/doctor")
    adapter_of(DoctorResult).validate_python(told)
    settings = {setting["path"]: (setting["value"], setting["source"]) for setting in told["settings"]}
    assert settings["openai.api_key"] == ("set (not shown)", "environment: OPENAI_API_KEY")
    assert settings["breaker.failure_threshold"] == ("7", "the editor")
    [road] = told["roads"]
    assert (road["provider"], road["base_url"], road["proxy"]) == ("openai", upstream.base_url, "no proxy")
    [provider] = told["health"]["providers"]
    assert (provider["name"], provider["model"], provider["reachable"]) == ("openai", "gpt-4.1", True)
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    page = told["page"]
    assert "| cloud | openai | gpt-4.1 | ✓ there |  |" in page
    assert "| `breaker.failure_threshold` | `7` | the editor |" in page
    assert f"| openai | `{upstream.base_url}` | no proxy | no TLS |" in page
    assert SECRET not in repr(told)
    assert "hidden" not in repr(told)


async def test_says_what_to_do_about_a_wrong_setting_and_a_provider_that_is_down(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    await upstream.stop()
    async with running_server(tmp_path, environ={**cloud, "CLOUD_MODEL": MODEL}) as server:
        await server.initialize({"cache": {"ttl_second": 5}})
        told = await server.result("ai/doctor")
    assert told["health"]["status"] == "down"
    [wrong, down, *_] = told["next_steps"]
    assert wrong.startswith("mend the setting cache.ttl_second (the editor)")
    assert down.startswith("openai: ")
    assert f"- {wrong}\n" in told["page"]
    assert r"| cloud | openai | gpt\|4\[o\](https://elsewhere.test) | ✗ " in told["page"]


async def test_what_it_does_not_take_is_refused(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        error = (await server.request("ai/doctor", {"probe": True}))["error"]
    assert (error["code"], error["data"]) == (-32602, {"field": "probe"})
