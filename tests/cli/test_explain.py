"""`ai-gateway explain`, and `ask --explain`: how it came to an answer."""

from __future__ import annotations

import json

from ai_gateway.fakes import Fault
from cli.command import run, run_on_terminal
from cli.conftest import World

SECRET = "my innermost thought"


async def test_the_last_query_of_any_process_is_explained(world: World) -> None:
    world.copilot.fault(Fault.status(502), times=None)
    await run("ask", SECRET, environ=world.environ)
    told = await run("explain", environ=world.environ)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("# openai (gpt-4o-mini) answered in ")
    assert "**Passed over:** copilot (gpt-4o), which had a fault of its own." in told.out
    assert SECRET not in told.out


async def test_a_query_can_be_named_and_its_decisions_be_made_again(world: World) -> None:
    first = json.loads((await run("ask", "--json", "one", environ=world.environ)).out)
    await run("ask", "two", environ=world.environ)
    told = await run("explain", first["query_id"], "--replay", environ=world.environ)
    assert told.code == 0
    assert f"Query `{first['query_id']}`" in told.out
    assert "every decision comes out today as it did" in told.out


async def test_json_holds_the_whole_result(world: World) -> None:
    asked = json.loads((await run("ask", "--json", "--backend", "local", "hello", environ=world.environ)).out)
    told = json.loads((await run("explain", "--json", environ=world.environ)).out)
    assert (told["query_id"], told["provider"]) == (asked["query_id"], "ollama")
    assert [step["action"] for step in told["steps"]] == ["ask"]


async def test_on_a_terminal_the_page_is_laid_out(world: World) -> None:
    await run("ask", "hello", environ=world.environ)
    told = await run_on_terminal("explain", environ=world.environ)
    assert told.code == 0
    assert "What happened" in told.out
    assert "##" not in told.out
    assert "\x1b[" in told.out


async def test_before_anything_was_asked_there_is_nothing_to_explain(world: World) -> None:
    nothing = await run("explain", environ=world.environ)
    unknown = await run("explain", "no-such-query", environ=world.environ)
    assert (nothing.code, nothing.out) == (1, "")
    assert nothing.err.startswith("ai-gateway: no query is known yet; kept are ")
    assert (unknown.code, unknown.out) == (2, "")
    assert "there is no query 'no-such-query'; kept are " in unknown.err


async def test_without_a_store_it_says_why_nothing_is_known(world: World) -> None:
    environ = world.environ | {"AI_GATEWAY_STORE__ENABLED": "false"}
    await run("ask", "hello", environ=environ)
    told = await run("explain", environ=environ)
    assert told.code == 1
    assert "the store is off (store.enabled)" in told.err


async def test_ask_says_on_standard_error_how_it_came_to_the_answer(world: World) -> None:
    asked = await run("ask", "--explain", "hello", environ=world.environ | {"AI_GATEWAY_STORE__ENABLED": "false"})
    assert (asked.code, asked.out) == (0, "Hello from Copilot\n")
    assert "\n# copilot (gpt-4o) answered in " in asked.err


async def test_ask_explains_a_failure_as_well(world: World) -> None:
    world.ollama.fault(Fault.status(500), times=None)
    asked = await run("ask", "--explain", "--private", "hello", environ=world.environ)
    assert (asked.code, asked.out) == (3, "")
    assert asked.err.startswith("ai-gateway: no tier answered: ")
    assert "\n# Nobody answered, after " in asked.err
    assert "- only local tiers may see this query: the query says so" in asked.err
