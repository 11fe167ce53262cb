import json
import math
from collections.abc import Mapping

import pytest

from ai_gateway.fakes import FakeGemini, Fault, GeminiModel, ToolCall, gemini_failures
from fakes.raw_http import RawResponse, ask

MODEL = "gemini-2.5-flash"
SIGNING = "gemini-3-flash"
SKIP = "skip_thought_signature_validator"
KEY = {"x-goog-api-key": "AIza-any"}
ASKED = {"role": "user", "parts": [{"text": "Say hello"}]}
Body = dict[str, object]


async def generate(
    upstream: FakeGemini, method: str = "generateContent", *, model: str = MODEL, body: Body | None = None
) -> RawResponse:
    return await ask(upstream, f"/v1beta/models/{model}:{method}", {"contents": [ASKED], **(body or {})}, headers=KEY)


async def stream(upstream: FakeGemini) -> RawResponse:
    return await generate(upstream, "streamGenerateContent?alt=sse")


def candidate_of(chunk: Mapping[str, object]) -> Body:
    candidates = chunk["candidates"]
    assert isinstance(candidates, list)
    [candidate] = candidates
    return dict(candidate)


def parts_of(chunk: Mapping[str, object]) -> object:
    content = candidate_of(chunk)["content"]
    assert isinstance(content, dict)
    assert content["role"] == "model"
    return content["parts"]


def error_of(response: RawResponse) -> Body:
    error = json.loads(response.body)["error"]
    assert error["code"] == response.status
    return dict(error)


async def test_a_whole_answer_has_candidates_and_counts() -> None:
    async with FakeGemini() as upstream:
        upstream.reply("Hello there, world")
        response = await generate(upstream, body={"systemInstruction": {"parts": [{"text": "Be brief"}]}})
    body = json.loads(response.body)
    assert (response.status, body["modelVersion"]) == (200, MODEL)
    assert parts_of(body) == [{"text": "Hello there, world"}]
    assert candidate_of(body)["finishReason"] == "STOP"
    assert body["usageMetadata"] == {"promptTokenCount": 4, "candidatesTokenCount": 3, "totalTokenCount": 7}


async def test_a_stream_of_events_ends_with_the_finish_reason_and_nothing_else() -> None:
    async with FakeGemini() as upstream:
        upstream.reply("Hello there, world")
        response = await stream(upstream)
    assert response.headers["content-type"] == "text/event-stream"
    assert [parts_of(event) for event in response.events] == [
        [{"text": "Hello"}],
        [{"text": " there,"}],
        [{"text": " world"}],
        [{"text": ""}],
    ]
    assert [candidate_of(event).get("finishReason") for event in response.events] == [None] * 3 + ["STOP"]
    assert response.events[-1]["usageMetadata"] == {
        "promptTokenCount": 2,
        "candidatesTokenCount": 3,
        "totalTokenCount": 5,
    }
    assert b"[DONE]" not in response.body


@pytest.mark.parametrize("late", [False, True])
async def test_a_stream_without_alt_sse_is_one_array(late: bool) -> None:
    async with FakeGemini() as upstream:
        upstream.late_usage = late
        upstream.reply("Hello there")
        response = await generate(upstream, "streamGenerateContent")
    chunks = json.loads(response.body)
    assert len(response.chunks) == len(chunks) + 2
    assert [parts_of(chunk) for chunk in chunks[:3]] == [[{"text": "Hello"}], [{"text": " there"}], [{"text": ""}]]
    assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] == 2


async def test_the_last_counts_may_come_late() -> None:
    async with FakeGemini() as upstream:
        upstream.late_usage = True
        events = (await stream(upstream)).events
    assert candidate_of(events[-2])["finishReason"] == "STOP"
    assert "candidates" not in events[-1]
    assert "usageMetadata" in events[-1]


async def test_thoughts_are_marked_and_counted() -> None:
    async with FakeGemini() as upstream:
        upstream.reply("Yes", thinking="Let me")
        events = (await stream(upstream)).events
        whole = json.loads((await generate(upstream)).body)
    assert parts_of(events[0]) == [{"text": "Let", "thought": True}]
    assert parts_of(whole) == [{"text": "Let me", "thought": True}, {"text": "Yes"}]
    assert whole["usageMetadata"]["thoughtsTokenCount"] == 2


async def test_only_the_first_of_several_calls_is_signed_and_only_by_models_that_sign() -> None:
    async with FakeGemini() as upstream:
        upstream.reply(tool_calls=[ToolCall("add", {"a": 1}, "g1"), ToolCall("now", "{}", "g2")])
        plain, signed = [await generate(upstream, model=model) for model in (MODEL, SIGNING)]
    assert parts_of(json.loads(plain.body)) == [
        {"functionCall": {"name": "add", "args": {"a": 1}}},
        {"functionCall": {"name": "now", "args": {}}},
    ]
    first, second = json.loads(signed.body)["candidates"][0]["content"]["parts"]
    assert (first["functionCall"]["id"], second["functionCall"]["id"]) == ("g1", "g2")
    assert first["thoughtSignature"]
    assert "thoughtSignature" not in second


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent"])
async def test_a_blocked_prompt_has_no_candidates(method: str) -> None:
    async with FakeGemini() as upstream:
        upstream.block_reason = "SAFETY"
        response = await generate(upstream, method)
    body = response.events[0] if "sse" in method else json.loads(response.body)
    body = body[0] if isinstance(body, list) else body
    assert response.status == 200
    assert body["promptFeedback"] == {"blockReason": "SAFETY"}
    assert "candidates" not in body


async def test_a_key_is_wanted_in_its_header() -> None:
    path = f"/v1beta/models/{MODEL}:generateContent"
    async with FakeGemini(api_key="AIza-right") as upstream:
        none = await ask(upstream, f"{path}?key=AIza-right", {"contents": [ASKED]})
        token = await ask(upstream, path, {"contents": [ASKED]}, headers={"Authorization": "Bearer x"})
        wrong = await generate(upstream)
        listed = await ask(upstream, "/v1beta/models", method="GET", headers=KEY)
        right = await ask(upstream, path, {"contents": [ASKED]}, headers={"x-goog-api-key": "AIza-right"})
    assert (none.status, token.status, wrong.status, listed.status, right.status) == (403, 401, 400, 400, 200)
    details = error_of(wrong)["details"]
    assert isinstance(details, list)
    assert (details[0]["@type"], details[0]["reason"]) == (
        "type.googleapis.com/google.rpc.ErrorInfo",
        "API_KEY_INVALID",
    )


@pytest.mark.parametrize(
    ("body", "name", "path"),
    [
        ({"stream": True}, "stream", ""),
        ({"generationConfig": {"max_tokens": 5}}, "max_tokens", "generation_config"),
        ({"contents": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}]}, "type", "contents[0].parts[0]"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "strict": True}]}]},
            "strict",
            "tools[0].function_declarations[0]",
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"properties": {"a": {"const": 1}}}}]}]},
            "const",
            "tools[0].function_declarations[0].parameters.properties[0].value",
        ),
    ],
)
async def test_an_unknown_field_is_refused_by_its_name(body: Body, name: str, path: str) -> None:
    async with FakeGemini() as upstream:
        response = await generate(upstream, body=body)
    error = error_of(response)
    assert (response.status, error["status"]) == (400, "INVALID_ARGUMENT")
    place = f" at '{path}'" if path else ""
    assert error["message"] == f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    details = error["details"]
    assert isinstance(details, list)
    assert details[0]["fieldViolations"][0].get("field", "") == path


async def test_fields_may_be_spelled_either_way_and_what_is_free_is_left_alone() -> None:
    schema = {"type": "object", "properties": {"a_b": {"type": "string"}}, "additionalProperties": False}
    declared = [{"name": "f", "parameters_json_schema": schema}]
    call = {"function_call": {"name": "f", "args": {"a_b": 1}}}
    result = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"c_d": 2}}}]}
    async with FakeGemini() as upstream:
        response = await generate(
            upstream,
            body={
                "contents": [ASKED, {"role": "model", "parts": [call]}, result],
                "tools": [{"function_declarations": declared}],
                "generation_config": {"max_output_tokens": 5},
            },
        )
    assert response.status == 200


def called(*names: str, signature: str | None = None) -> Body:
    parts: list[Body] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    if signature:
        parts[0]["thoughtSignature"] = signature
    return {"role": "model", "parts": parts}


def answered(*names: str, response: object = None) -> Body:
    parts = [{"functionResponse": {"name": name, "response": response or {"output": "x"}}} for name in names]
    return {"role": "user", "parts": parts}


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (None, "contents is not specified"),
        ([], "contents is not specified"),
        ([{"role": "assistant", "parts": [{"text": "x"}]}], "valid role: user, model"),
        ([{"role": "user"}], "contents[0].parts: contents.parts must not be empty"),
        ([ASKED, {"role": "user", "parts": [{"text": ""}]}], "contents[1].parts[0].data"),
        ([ASKED, called("f"), answered("f", response="text")], "contents[2].parts[0].response"),
        ([ASKED, called("f", "g"), answered("f")], "number of function response parts"),
        ([ASKED, called("f"), ASKED], "number of function response parts"),
        ([ASKED, answered("f")], "comes immediately after a function call turn"),
        ([ASKED, called("f", signature="mine"), answered("f")], "Corrupted thought signature"),
        ([ASKED, called("f", signature="m"), answered("f")], "Corrupted thought signature"),
    ],
)
async def test_a_wrong_conversation_is_refused(contents: object, words: str) -> None:
    async with FakeGemini() as upstream:
        response = await generate(upstream, body={"contents": contents})
    assert response.status == 400
    assert words in str(error_of(response)["message"])


EARLIER = [called("f"), answered("f"), {"role": "model", "parts": [{"text": "x"}]}, ASKED]


@pytest.mark.parametrize(
    ("contents", "status"),
    [
        ([ASKED, called("f"), answered("f")], 400),
        ([ASKED, called("f", signature=SKIP), answered("f")], 200),
        ([ASKED, called("f", "g", signature=SKIP), answered("f", "g")], 200),
        ([ASKED, called("f", signature=SKIP), answered("f"), called("g"), answered("g")], 400),
        ([ASKED, *EARLIER], 200),
        ([called("f", signature=SKIP), answered("f")], 200),
        ([ASKED, *EARLIER, called("f"), answered("f")], 400),
    ],
    ids=["unsigned", "signed", "two at once", "a second step", "an earlier turn", "no words of a person", "this turn"],
)
async def test_a_model_that_signs_wants_each_step_of_this_turn_signed(contents: list[object], status: int) -> None:
    async with FakeGemini() as upstream:
        response = await generate(upstream, model=SIGNING, body={"contents": contents})
        assert (await generate(upstream, body={"contents": contents})).status == 200
    assert response.status == status
    if status == 400:
        assert "missing a thought_signature" in str(error_of(response)["message"])


async def test_a_body_that_is_not_an_object_is_refused() -> None:
    async with FakeGemini() as upstream:
        responses = [
            await ask(upstream, f"/v1beta/models/{MODEL}:{method}", [1], headers=KEY)
            for method in ("generateContent", "embedContent", "batchEmbedContents")
        ]
    assert [response.status for response in responses] == [400] * 3


async def test_a_refused_array_stream_is_refused_in_an_array() -> None:
    async with FakeGemini() as upstream:
        response = await generate(upstream, "streamGenerateContent", body={"contents": []})
    [error] = json.loads(response.body)
    assert (response.status, error["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_an_unknown_model_is_refused_where_models_were_given() -> None:
    async with FakeGemini(models=(GeminiModel(MODEL), GeminiModel("e", ("embedContent",)))) as upstream:
        assert (await generate(upstream)).status == 200
        refused = [await generate(upstream, model=model) for model in ("gemini-0", "e")]
    assert [(response.status, error_of(response)["status"]) for response in refused] == [(404, "NOT_FOUND")] * 2
    assert "models/gemini-0 is not found" in str(error_of(refused[0])["message"])


async def test_an_unknown_path_is_refused_without_an_envelope() -> None:
    async with FakeGemini() as upstream:
        response = await ask(upstream, "/v2/models", method="GET", headers=KEY)
    assert (response.status, response.headers["content-type"]) == (404, "text/plain; charset=utf-8")


async def test_models_are_listed_in_pages_and_shown_one_by_one() -> None:
    async with FakeGemini(page_size=3) as upstream:
        first = json.loads((await ask(upstream, "/v1beta/models?pageSize=1000", method="GET", headers=KEY)).body)
        token = first["nextPageToken"]
        last = json.loads((await ask(upstream, f"/v1/models?pageToken={token}", method="GET", headers=KEY)).body)
        one = json.loads((await ask(upstream, f"/v1beta/models/{MODEL}", method="GET", headers=KEY)).body)
        none = await ask(upstream, "/v1beta/models/gemini-0", method="GET", headers=KEY)
    assert [model["name"] for model in first["models"]] == [
        f"models/{name}" for name in (MODEL, SIGNING, "gemini-embedding-001")
    ]
    assert ([model["name"] for model in last["models"]], "nextPageToken" in last) == (["models/imagen-4"], False)
    assert (one, none.status) == (first["models"][0], 404)


async def embed(upstream: FakeGemini, method: str, body: object) -> RawResponse:
    return await ask(upstream, f"/v1beta/models/gemini-embedding-001:{method}", body, headers=KEY)


def wanting(text: str, **more: object) -> Body:
    return {"content": {"parts": [{"text": text}]}, **more}


async def test_vectors_depend_on_the_text_alone_and_shortened_ones_are_not_scaled() -> None:
    model = "models/gemini-embedding-001"
    async with FakeGemini() as upstream:
        requests = [
            wanting("one fish", model=model),
            wanting("two", model=model),
            wanting("one fish", outputDimensionality=8),
        ]
        both = json.loads((await embed(upstream, "batchEmbedContents", {"requests": requests})).body)
        one = json.loads((await embed(upstream, "embedContent", wanting("one fish"))).body)
    first, second, short = [entry["values"] for entry in both["embeddings"]]
    assert one["embedding"]["values"] == first != second
    assert short == first[:8]
    assert math.hypot(*first) == pytest.approx(1)
    assert math.hypot(*short) < 0.99
    assert both["usageMetadata"] == {"promptTokenCount": 5}


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "requests is not specified"),
        ("x", "requests is not specified"),
        ([wanting("x")] * 101, "at most 100 requests can be in one batch"),
        ([wanting("x", model="models/another")], "model must be"),
        ([wanting("")], "content is empty"),
        ([{}], "content is empty"),
        ([{"input": "x"}], "Unknown name \"input\" at 'requests[0]'"),
    ],
)
async def test_a_wrong_batch_is_refused(requests: object, words: str) -> None:
    async with FakeGemini() as upstream:
        response = await embed(upstream, "batchEmbedContents", {"requests": requests})
    assert response.status == 400
    assert words in str(error_of(response)["message"])


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (418, "UNKNOWN"),
    ],
)
async def test_a_status_is_put_in_googles_words(status: int, word: str) -> None:
    async with FakeGemini() as upstream:
        upstream.fault(Fault.status(status))
        response = await generate(upstream)
    assert (response.status, error_of(response)["status"]) == (status, word)


async def test_a_limit_names_its_quota_and_its_wait() -> None:
    async with FakeGemini() as upstream:
        upstream.fault(gemini_failures.rate_limited("37s"))
        upstream.fault(gemini_failures.daily_quota())
        minute, day = [error_of(await generate(upstream))["details"] for _ in range(2)]
    assert isinstance(minute, list)
    assert isinstance(day, list)
    assert "PerMinute" in minute[0]["violations"][0]["quotaId"]
    assert "PerDay" in day[0]["violations"][0]["quotaId"]
    assert minute[1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}


async def test_an_error_in_a_stream_is_in_googles_envelope() -> None:
    async with FakeGemini() as upstream:
        upstream.fault(Fault.error_event("gone", after=1))
        events = (await stream(upstream)).events
    assert events[-1] == {"error": {"code": 500, "message": "gone", "status": "INTERNAL"}}
