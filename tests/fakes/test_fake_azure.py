import json

import pytest

from ai_gateway.fakes import Answer, FakeAzure, Fault, azure_failures
from fakes.raw_http import RawResponse, ask

V1 = "/openai/v1"
DATED = "/openai/deployments/our-gpt"
VERSION = "?api-version=2024-10-21"
BOTH = pytest.mark.parametrize("path", [f"{V1}/chat/completions", f"{DATED}/chat/completions{VERSION}"])
MESSAGES = [{"role": "user", "content": "Say hello"}]
Body = dict[str, object]


async def chat(upstream: FakeAzure, path: str = f"{V1}/chat/completions", **body: object) -> RawResponse:
    said = {"model": "our-gpt", "messages": MESSAGES, **body}
    return await ask(upstream, path, said, headers={"api-key": upstream.api_key or "any"})


def error_of(response: RawResponse) -> Body:
    return dict(json.loads(response.body)["error"])


@BOTH
async def test_a_stream_begins_with_what_the_filter_saw_in_the_prompt(path: str) -> None:
    async with FakeAzure() as upstream:
        upstream.reply("Hello there")
        events = (await chat(upstream, path, stream=True)).events
    assert events[0]["choices"] == []
    assert "prompt_filter_results" in events[0]
    choices = [event["choices"][0] for event in events[1:] if isinstance(event["choices"], list)]
    assert all(choice["content_filter_results"]["hate"]["filtered"] is False for choice in choices)
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "Hello there"
    assert not any("obfuscation" in event for event in events)


@BOTH
async def test_a_whole_answer_says_what_the_filter_saw_and_which_model_spoke(path: str) -> None:
    async with FakeAzure() as upstream:
        document = json.loads((await chat(upstream, path)).body)
    assert document["model"] == "gpt-4.1"
    assert document["prompt_filter_results"]
    assert document["choices"][0]["content_filter_results"]


async def test_a_dated_request_is_for_the_deployment_in_its_path_whatever_its_body_says() -> None:
    async with FakeAzure() as upstream:
        said = await chat(upstream, f"{DATED}/chat/completions{VERSION}", model="nobody")
    assert (said.status, json.loads(said.body)["model"]) == (200, "gpt-4.1")


@pytest.mark.parametrize("query", ["", "?api-version=", "?api-version=preview", "?api-version=soon"])
async def test_the_dated_style_needs_a_date(query: str) -> None:
    async with FakeAzure() as upstream:
        for path in (f"{DATED}/chat/completions{query}", f"{DATED}/embeddings{query}", f"/openai/models{query}"):
            response = await chat(upstream, path) if "models" not in path else await ask(upstream, path, method="GET")
            assert (response.status, error_of(response)["message"]) == (404, "Resource not found")


@BOTH
async def test_a_deployment_that_is_not_there_is_refused(path: str) -> None:
    async with FakeAzure(deployments={"another": "gpt-4.1"}) as upstream:
        response = await chat(upstream, path)
    assert (response.status, error_of(response)["code"]) == (404, "DeploymentNotFound")


async def test_a_deployment_does_only_what_its_model_does() -> None:
    async with FakeAzure() as upstream:
        response = await chat(upstream, model="our-vectors")
        assert (response.status, error_of(response)["code"]) == (400, "OperationNotSupported")
        response = await chat(upstream, f"{V1}/embeddings", input="x")
        assert (response.status, error_of(response)["code"]) == (400, "OperationNotSupported")
        assert (await chat(upstream, f"{V1}/embeddings", model="our-vectors", input="x")).status == 200


async def test_the_model_behind_a_deployment_decides_what_it_takes() -> None:
    async with FakeAzure() as upstream:
        response = await chat(upstream, model="our-thinker", max_tokens=5)
    assert (response.status, error_of(response)["code"]) == (400, "unsupported_parameter")


@BOTH
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"api-key": "right"}, 200, None),
        ({"Authorization": "Bearer entra"}, 200, None),
        ({"Authorization": "Bearer right"}, 200, None),
        ({"api-key": "wrong"}, 401, "401"),
        ({}, 401, "401"),
        ({"Authorization": "Bearer wrong"}, 401, "PermissionDenied"),
        ({"api-key": "wrong", "Authorization": "Bearer entra"}, 401, "401"),
    ],
)
async def test_a_wrong_credential_is_refused(path: str, headers: dict[str, str], status: int, code: str | None) -> None:
    async with FakeAzure(api_key="right", entra_token="entra") as upstream:
        response = await ask(upstream, path, {"model": "our-gpt", "messages": MESSAGES}, headers=headers)
    assert response.status == status
    assert code is None or error_of(response)["code"] == code


async def test_the_list_is_of_models_and_not_of_deployments() -> None:
    async with FakeAzure() as upstream:
        for path in (f"{V1}/models", f"/openai/models{VERSION}"):
            response = await ask(upstream, path, method="GET", headers={"api-key": "any"})
            names = [model["id"] for model in json.loads(response.body)["data"]]
            assert "gpt-4.1" in names
            assert not set(names) & set(upstream.deployments)


async def test_every_answer_carries_azures_ids() -> None:
    async with FakeAzure() as upstream:
        response = await chat(upstream)
    assert {"apim-request-id", "x-ms-region", "x-ms-client-request-id"} <= response.headers.keys()


async def test_a_body_that_is_not_an_object_is_refused() -> None:
    async with FakeAzure() as upstream:
        path = f"{DATED}/chat/completions{VERSION}"
        assert (await ask(upstream, path, [1], headers={"api-key": "any"})).status == 400


REFUSALS = [
    (azure_failures.content_filtered(), 400, "content_filter"),
    (azure_failures.operation_not_supported(), 400, "OperationNotSupported"),
    (azure_failures.invalid_api_key(), 401, "401"),
    (azure_failures.permission_denied(), 401, "PermissionDenied"),
    (azure_failures.outside_the_network(), 403, "AccessDenied"),
    (azure_failures.private_only(), 403, "403"),
    (azure_failures.temporarily_blocked(), 403, "Forbidden"),
    (azure_failures.deployment_not_found(), 404, "DeploymentNotFound"),
    (azure_failures.resource_not_found(), 404, "404"),
    (azure_failures.timed_out(), 408, "Timeout"),
    (azure_failures.failed_dependency(), 424, "424"),
    (azure_failures.rate_limited(retry_after=3), 429, "429"),
    (azure_failures.high_demand(), 429, "429"),
    (azure_failures.server_error(), 500, "InternalServerError"),
]


async def test_a_failure_without_words_gets_azures() -> None:
    async with FakeAzure() as upstream:
        upstream.fault(Fault.status(500))
        response = await chat(upstream)
    assert (response.status, error_of(response)) == (500, {"code": "500", "message": "Internal Server Error"})
    assert upstream.base_url == upstream.url


@pytest.mark.parametrize(("answer", "status", "code"), REFUSALS)
async def test_azure_refuses_in_its_envelope(answer: Answer, status: int, code: str) -> None:
    async with FakeAzure() as upstream:
        upstream.fault(answer)
        response = await chat(upstream)
    assert (response.status, error_of(response)["code"]) == (status, code)
    assert error_of(response)["message"]
