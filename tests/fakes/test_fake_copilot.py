import json
from collections.abc import Mapping
from urllib.parse import parse_qs

import aiohttp
import pytest

from ai_gateway.fakes import FakeCopilot, Fault, ToolCall, catalogue_entry, copilot_failures
from ai_gateway.fakes.copilot.account import UNLIMITED, Quota
from ai_gateway.fakes.copilot.device_flow import GRANT_TYPE
from fakes.raw_http import RawResponse, ask

MESSAGES = [{"role": "user", "content": "Say hello"}]
EDITOR = {"Editor-Version": "Test/1.0"}


async def get(upstream: FakeCopilot, path: str, authorization: str) -> RawResponse:
    return await ask(upstream, path, method="GET", headers={"Authorization": authorization})


async def exchange(upstream: FakeCopilot, authorization: str = "token ghu_fake") -> RawResponse:
    return await get(upstream, upstream.exchange_path, authorization)


async def session(upstream: FakeCopilot) -> str:
    return str(json.loads((await exchange(upstream)).body)["token"])


async def chat(
    upstream: FakeCopilot, bearer: str, *, headers: Mapping[str, str] = EDITOR, **body: object
) -> RawResponse:
    return await ask(
        upstream,
        "/chat/completions",
        {"model": "gpt-4o", "messages": MESSAGES, "stream": True, **body},
        headers={"Authorization": f"Bearer {bearer}", **headers},
    )


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
async def test_an_oauth_token_is_exchanged_for_a_session(scheme: str) -> None:
    async with FakeCopilot(refresh_in=60) as upstream:
        response = await exchange(upstream, f"{scheme} ghu_fake")
        given = json.loads(response.body)
        assert response.status == 200
        assert given["token"].startswith("tid=")
        assert given["refresh_in"] == 60
        assert given["endpoints"]["api"] == upstream.url
        assert f"exp={given['expires_at']};" in given["token"]
        assert upstream.exchanges == 1


async def test_each_session_is_a_new_one() -> None:
    async with FakeCopilot() as upstream:
        assert await session(upstream) != await session(upstream)


async def test_the_exchange_can_name_another_host() -> None:
    async with FakeCopilot() as upstream:
        upstream.api_url = "http://127.0.0.1:1"
        assert json.loads((await exchange(upstream)).body)["endpoints"]["api"] == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("authorization", "status", "message"),
    [
        ("token ghu_other", 401, "Bad credentials"),
        ("", 401, "Bad credentials"),
        ("token github_pat_x", 403, "Resource not accessible by personal access token"),
    ],
)
async def test_other_tokens_are_not_exchanged(authorization: str, status: int, message: str) -> None:
    async with FakeCopilot() as upstream:
        response = await exchange(upstream, authorization)
    assert (response.status, json.loads(response.body)["message"]) == (status, message)


async def test_accepted_tokens_can_change() -> None:
    async with FakeCopilot(oauth_tokens=["gho_a"]) as upstream:
        assert (await exchange(upstream, "token gho_a")).status == 200
        upstream.oauth_tokens.clear()
        assert (await exchange(upstream, "token gho_a")).status == 401


async def test_every_answer_shows_that_github_gave_it() -> None:
    async with FakeCopilot() as upstream:
        upstream.fault(Fault.status(500), path="")
        responses = [await exchange(upstream), await exchange(upstream), await exchange(upstream, "token no")]
        unknown = await get(upstream, "/nowhere", "")
    assert [response.status for response in (*responses, unknown)] == [500, 200, 401, 404]
    assert all("x-github-request-id" in response.headers for response in (*responses, unknown))


async def test_an_answer_of_a_proxy_does_not() -> None:
    async with FakeCopilot() as upstream:
        upstream.fault(Fault.proxy_error(), path=upstream.exchange_path)
        assert "x-github-request-id" not in (await exchange(upstream)).headers


async def test_a_stream_begins_with_an_event_without_choices() -> None:
    async with FakeCopilot() as upstream:
        upstream.reply("Hello there", model="gpt-4o-2024-11-20")
        response = await chat(upstream, await session(upstream))
    first, *events, last = response.events
    assert (first["choices"], first["id"]) == ([], "")
    assert "prompt_filter_results" in first
    choices = [event["choices"][0] for event in events]  # type: ignore[index] # a JSON list
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "Hello there"
    assert choices[-1]["finish_reason"] == "stop"
    assert all("object" not in event for event in events)
    assert {event["model"] for event in events} == {"gpt-4o-2024-11-20"}
    assert last["choices"] == []
    assert last["usage"] == {**dict(last["usage"]), "prompt_tokens": 2, "completion_tokens": 2}  # type: ignore[call-overload] # a JSON object
    assert last["copilot_usage"] == {"total_nano_aiu": 4_000_000}
    assert response.payloads[-1] == b"[DONE]"


async def test_a_whole_answer_tells_its_price() -> None:
    async with FakeCopilot() as upstream:
        upstream.reply("Hello there", tool_calls=[ToolCall("f")])
        body = json.loads((await chat(upstream, await session(upstream), stream=False)).body)
    assert body["choices"][0]["message"]["content"] == "Hello there"
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert body["copilot_usage"]["total_nano_aiu"] > 0


async def test_thinking_has_a_field_of_its_own() -> None:
    async with FakeCopilot() as upstream:
        upstream.reply("Yes", thinking="Hmm")
        body = (await chat(upstream, await session(upstream))).body
    assert b'{"reasoning_text":"Hmm"}' in body


async def test_an_error_within_a_stream_has_copilots_shape() -> None:
    async with FakeCopilot() as upstream:
        upstream.fault(Fault.error_event("boom"))
        response = await chat(upstream, await session(upstream))
    assert response.events[-1] == {"error": {"code": 500, "message": "boom"}}


async def test_a_chat_tells_how_much_quota_remains() -> None:
    async with FakeCopilot() as upstream:
        upstream.quota_percent_remaining = 3.5
        response = await chat(upstream, await session(upstream))
    snapshot = parse_qs(response.headers["x-quota-snapshot-premium_interactions"])
    assert snapshot["rem"] == ["3.5"]
    assert snapshot["rst"] == ["2026-12-01T00:00:00Z"]


async def test_a_session_needs_the_name_of_an_editor() -> None:
    async with FakeCopilot() as upstream:
        response = await chat(upstream, await session(upstream), headers={})
    assert (response.status, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert response.body == b"bad request: missing Editor-Version header for IDE auth\n"


async def test_an_oauth_token_can_be_used_directly_and_needs_none() -> None:
    async with FakeCopilot() as upstream:
        assert (await chat(upstream, "ghu_fake", headers={})).status == 200


async def test_an_expired_session_is_refused_until_a_new_exchange() -> None:
    async with FakeCopilot() as upstream:
        old = await session(upstream)
        assert (await chat(upstream, old)).status == 200
        upstream.expire_session()
        refused = await chat(upstream, old)
        assert (refused.status, refused.body) == (401, b"unauthorized: token expired\n")
        assert (await chat(upstream, await session(upstream))).status == 200


@pytest.mark.parametrize(
    ("bearer", "status", "text"),
    [
        ("tid=unknown;exp=1", 401, b"unauthorized: token expired\n"),
        ("ghu_other", 401, b"unauthorized: token expired\n"),
        ("github_pat_x", 400, b"checking third-party user token: bad request: Personal Access Tokens"),
    ],
)
async def test_other_bearers_are_refused(bearer: str, status: int, text: bytes) -> None:
    async with FakeCopilot() as upstream:
        response = await chat(upstream, bearer)
    assert response.status == status
    assert response.body.startswith(text)


async def test_the_catalogue_lists_models_and_refuses_others() -> None:
    locked = catalogue_entry("locked", policy={"state": "disabled", "terms": "…"})
    async with FakeCopilot(models=["gpt-4o", locked]) as upstream:
        bearer = await session(upstream)
        listed = json.loads(
            (await ask(upstream, "/models", method="GET", headers={"Authorization": f"Bearer {bearer}", **EDITOR})).body
        )
        refused = await chat(upstream, bearer, model="gpt-0")
        assert (await chat(upstream, bearer)).status == 200
    states = {model["id"]: model["policy"]["state"] for model in listed["data"]}
    assert states == {"gpt-4o": "enabled", "locked": "disabled"}
    assert all(model["capabilities"]["type"] == "chat" for model in listed["data"])
    assert (refused.status, refused.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert json.loads(refused.body)["error"]["code"] == "model_not_supported"


async def test_the_catalogue_is_not_for_strangers() -> None:
    async with FakeCopilot() as upstream:
        assert (await get(upstream, "/models", "Bearer ghu_other")).status == 401


async def test_a_chat_without_a_model_is_answered_by_the_first() -> None:
    async with FakeCopilot(models=["alpha", "beta"]) as upstream:
        response = await chat(upstream, "ghu_fake", model=None)
    assert response.events[1]["model"] == "alpha"


async def test_a_chat_without_messages_is_refused() -> None:
    async with FakeCopilot() as upstream:
        assert (await chat(upstream, "ghu_fake", messages=[])).status == 400


async def test_the_account_and_its_endpoints_can_be_asked_for() -> None:
    async with FakeCopilot() as upstream:
        account = json.loads((await get(upstream, "/copilot_internal/user", "token ghu_fake")).body)
        query = {"query": "query { viewer { copilotEndpoints { api } } }"}
        found = await ask(upstream, "/graphql", query, headers={"Authorization": "Bearer ghu_fake"})
        stranger = await ask(upstream, "/graphql", query)
        assert account["login"] == "octocat"
        assert account["endpoints"]["api"] == upstream.url
        assert json.loads(found.body) == {"data": {"viewer": {"copilotEndpoints": {"api": upstream.url}}}}
        assert stranger.status == 401


async def test_texts_can_be_embedded_and_the_host_pinged() -> None:
    async with FakeCopilot() as upstream:
        body = {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 4}
        response = await ask(upstream, "/embeddings", body, headers={"Authorization": "Bearer ghu_fake"})
        assert [len(item["embedding"]) for item in json.loads(response.body)["data"]] == [4, 4]
        assert (await get(upstream, "/_ping", "")).status == 200


async def sign_in(upstream: FakeCopilot, step: str, accept: str = "application/json", **fields: str) -> RawResponse:
    paths = {"begin": "/login/device/code", "poll": "/login/oauth/access_token"}
    return await ask(upstream, paths[step], {"client_id": "Iv1.fake", **fields}, headers={"Accept": accept})


async def test_a_sign_in_follows_its_script_and_its_token_is_accepted() -> None:
    async with FakeCopilot() as upstream:
        upstream.device_flow.script = ["authorization_pending", "slow_down"]
        codes = json.loads((await sign_in(upstream, "begin")).body)
        assert codes["user_code"] == "ABCD-1234"
        assert codes["verification_uri"] == f"{upstream.url}/login/device"
        assert b"nothing to enter" in (await ask(upstream, "/login/device", method="GET")).body
        assert codes["interval"] == 5
        poll = {"device_code": codes["device_code"], "grant_type": GRANT_TYPE}
        responses = [await sign_in(upstream, "poll", **poll) for _ in range(3)]
        assert [response.status for response in responses] == [200, 200, 200]
        pending, slower, given = (json.loads(response.body) for response in responses)
        assert pending["error"] == "authorization_pending"
        assert (slower["error"], slower["interval"]) == ("slow_down", 10)
        assert (await exchange(upstream, f"token {given['access_token']}")).status == 200
        assert upstream.device_flow.polls == 3


async def test_a_token_is_not_accepted_before_the_sign_in_gave_it() -> None:
    async with FakeCopilot() as upstream:
        token = upstream.device_flow.access_token
        wrong = await sign_in(upstream, "poll", device_code="wrong", grant_type=GRANT_TYPE)
        assert json.loads(wrong.body)["error"] == "incorrect_device_code"
        unknown = await sign_in(upstream, "poll", device_code="device-code-fake", grant_type="other")
        assert json.loads(unknown.body)["error"] == "unsupported_grant_type"
        assert (await exchange(upstream, f"token {token}")).status == 401


async def test_a_sign_in_answers_in_form_encoding_unless_json_is_accepted() -> None:
    async with FakeCopilot() as upstream:
        response = await sign_in(upstream, "begin", accept="*/*")
    assert response.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert parse_qs(response.body.decode())["user_code"] == ["ABCD-1234"]


async def test_a_sign_in_may_be_asked_for_in_form_encoding_and_needs_a_client() -> None:
    async with FakeCopilot() as upstream, aiohttp.ClientSession() as client:
        path, accept = f"{upstream.url}/login/device/code", {"Accept": "application/json"}
        async with client.post(path, data={"client_id": "Iv1.fake"}, headers=accept) as response:
            assert "user_code" in await response.json()
        async with client.post(path, data={"scope": "read:user"}, headers=accept) as response:
            assert await response.json() == {"error": "Not Found"}


async def test_a_refused_exchange_can_be_planned() -> None:
    async with FakeCopilot() as upstream:
        upstream.fault(copilot_failures.not_entitled(), path=upstream.exchange_path)
        response = await exchange(upstream)
    assert response.status == 403
    assert json.loads(response.body)["error_details"]["notification_id"] == "no_copilot_access"


async def test_each_host_serves_one_plan_and_refuses_accounts_of_another() -> None:
    async with FakeCopilot() as individual, FakeCopilot(plan="business", beside=individual) as business:
        bearer = await session(individual)
        assert (await chat(business, bearer)).status == 421
        individual.account.plan = "business"
        given = json.loads((await exchange(individual)).body)
        assert given["endpoints"]["api"] == business.url
        misdirected = await chat(individual, given["token"])
        assert (misdirected.status, misdirected.body) == (421, b"Misdirected Request\n")
        assert (await chat(business, given["token"])).status == 200
        assert (await chat(business, bearer)).status == 200


async def test_an_app_may_be_kept_from_exchanging() -> None:
    async with FakeCopilot() as upstream:
        upstream.offers_exchange = False
        assert (await exchange(upstream)).status == 404
        assert (await chat(upstream, "ghu_fake")).status == 200


async def test_graphql_knows_the_endpoints_and_nothing_else() -> None:
    async with FakeCopilot() as upstream:
        query = {"query": "query { viewer { login } }"}
        response = await ask(upstream, "/graphql", query, headers={"Authorization": "Bearer ghu_fake"})
    answer = json.loads(response.body)
    assert (response.status, answer["data"]) == (200, None)
    assert answer["errors"]


async def test_the_catalogue_has_models_for_vectors_that_no_editor_shows() -> None:
    async with FakeCopilot() as upstream:
        listed = json.loads((await get(upstream, "/models", "Bearer ghu_fake")).body)["data"]
    entries = {entry["id"]: entry for entry in listed}
    assert entries["text-embedding-3-small"]["capabilities"]["type"] == "embeddings"
    assert [name for name, entry in entries.items() if not entry["model_picker_enabled"]] == ["text-embedding-3-small"]


@pytest.mark.parametrize("texts", [[], ["x"] * 257])
async def test_too_few_or_too_many_texts_are_not_embedded(texts: list[str]) -> None:
    async with FakeCopilot() as upstream:
        body = {"model": "text-embedding-3-small", "input": texts}
        response = await ask(upstream, "/embeddings", body, headers={"Authorization": "Bearer ghu_fake"})
    assert (response.status, json.loads(response.body)["error"]["code"]) == (400, "invalid_request_body")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"policy": {"state": "disabled", "terms": ""}}, "model_not_supported"),
        ({"supported_endpoints": ["/responses"]}, "unsupported_api_for_model"),
    ],
)
async def test_a_model_that_is_off_or_elsewhere_does_not_chat(changes: Mapping[str, object], code: str) -> None:
    async with FakeCopilot(models=[catalogue_entry("m", **changes)]) as upstream:
        response = await chat(upstream, "ghu_fake", model="m")
    assert (response.status, json.loads(response.body)["error"]["code"]) == (400, code)


async def test_headers_and_account_tell_of_the_same_quotas() -> None:
    async with FakeCopilot() as upstream:
        upstream.account.quotas = {
            "chat": Quota(UNLIMITED, 100.0),
            "premium_models": Quota(50, 10.0, overage_permitted=True),
        }
        response = await chat(upstream, "ghu_fake")
        account = json.loads((await get(upstream, "/copilot_internal/user", "token ghu_fake")).body)
    headers = {name: parse_qs(response.headers[f"x-quota-snapshot-{name}"]) for name in upstream.account.quotas}
    assert (headers["chat"]["ent"], headers["chat"]["ovPerm"]) == (["-1"], ["false"])
    assert (headers["premium_models"]["rem"], headers["premium_models"]["ovPerm"]) == (["10.0"], ["true"])
    snapshots = account["quota_snapshots"]
    assert snapshots["chat"]["unlimited"]
    assert (snapshots["premium_models"]["remaining"], snapshots["premium_models"]["overage_permitted"]) == (5, True)
