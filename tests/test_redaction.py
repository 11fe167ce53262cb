from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.privacy.redaction import RedactingFormatter, places, redact

REST = "1A2b-3C4d_5E6f"
GITHUB = ["gho_", "ghu_", "ghs_", "ghp_", "ghr_", "github_pat_", "tid="]
VENDORS = ["sk-", "sk-ant-", "sk-proj-", "sk-or-", "AIza", "AQ.", "ya29.", "gsk_", "xai-", "hf_", "pplx-", "nvapi-"]
STARTS = [*GITHUB, *VENDORS, "eyJ"]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("around", ["%s", "the token %s, it", 'x="%s"', "(%s", "a\n%s\n", "'%s'", "`%s`", "Bearers %s"])
def test_a_token_is_replaced_and_its_kind_stays(start: str, around: str) -> None:
    assert redact(around % (start + REST)) == around % f"{start}***"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("tid=ab;exp=17;sku=free;st=dotcom;chat=1:f00/ba+r= x", "tid=*** x"),
        ("Authorization: Bearer abc.def/ghi+jkl=", "Authorization: Bearer ***"),
        ("authorization: token abcd", "authorization: token ***"),
        ("Authorization: abcd", "Authorization: ***"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "Proxy-Authorization: Basic ***"),
        ("{'Authorization': 'Bearer abcd'}", "{'Authorization': 'Bearer ***'}"),
        ("(b'authorization', b'Bearer abcd')", "(b'authorization', b'Bearer ***')"),
        ("('api-key', '0123abcd')", "('api-key', '***')"),
        ("api-key: 0123abcd", "api-key: ***"),
        ("x-api-key:0123abcd", "x-api-key:***"),
        ("X-Goog-Api-Key: 0123abcd", "X-Goog-Api-Key: ***"),
        ("OPENAI_API_KEY=0123abcd more", "OPENAI_API_KEY=*** more"),
        ("api_key = '0123*abcd'", "api_key = '***'"),
        ('{"access_token":"abcd","expires_in":5}', '{"access_token":"***","expires_in":5}'),
        (r'"{\"oauth_token\": \"abcd\"}"', r'"{\"oauth_token\": \"***\"}"'),
        ("password: hunter2", "password: ***"),
        ("sent bearer abcdefgh to", "sent bearer *** to"),
        ("http://user:pass@proxy.test:8080/", "http://***@proxy.test:8080/"),
        ("http://user:p@ss@proxy.test", "http://***@proxy.test"),
        ("http://user@proxy.test", "http://***@proxy.test"),
        ("https://api.test/v1?alt=sse&key=0123abcd&x=1", "https://api.test/v1?alt=sse&key=***&x=1"),
        ("https://api.test/v1?key=0123abcd", "https://api.test/v1?key=***"),
        ("gho_abc,ghu_def", "gho_***,ghu_***"),
    ],
)
def test_a_credential_is_replaced_wherever_it_stands(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "copilot failed: auth, HTTP 401 (bad_credentials)",
        "the task-management of a desk-lamp",
        "the FAQ.html of AI",
        "max_tokens: 5, first_token_seconds=4, total_tokens=17",
        "at http.py:17 in _send",
        "https://api.test/v1/chat/completions?alt=sse",
        "the provider wants a token",
        "mailto:somebody@example.test",
        "12:30:00 WARNING ai_gateway.run: openai failed",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


WORDS = ["Bearer ", "basic ", "authorization", "token", "password", "api-key", "?key=", "://", "***", REST, "a", "Z9"]
PIECES = st.sampled_from([*STARTS, *WORDS, *"*_-:=,'\"\\@/& \n;ü."])
TEXTS = st.lists(PIECES, max_size=20).map("".join) | st.text()


@given(TEXTS)
def test_doing_it_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(before=TEXTS, start=st.sampled_from(STARTS), after=TEXTS)
def test_a_token_is_found_in_any_text(before: str, start: str, after: str) -> None:
    """Unless a letter or digit before it makes it a part of some other word."""
    secret = "0f-a_Person"
    assert secret not in redact(f"{before} {start}{secret} {after}")


@pytest.mark.parametrize(
    "piece",
    ["word ", "http://x:", "sk-", "://a", "a_", "token", "authorization: bearer ", " ", "'", "password\\", "@", "tid="],
)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """If it took its square, this would hang."""
    text = piece * (1_000_000 // len(piece))
    assert len(redact(text)) <= len(text)


PROMPT = "my innermost thought"


def line_of(record: logging.LogRecord) -> str:
    return RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s").format(record)


def record_of(
    message: str, *arguments: object, logger: str = "ai_gateway.run", error: BaseException | None = None
) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(
        logger, logging.ERROR, "/there/base_events.py", 17, message, arguments, exc_info, "handler"
    )


def test_our_own_messages_are_shown_without_credentials() -> None:
    line = line_of(record_of("%s failed with %s", "openai", "sk-1234"))
    assert re.fullmatch(r"\d{4}-.* ERROR ai_gateway\.run: openai failed with sk-\*\*\*", line)


def test_a_record_is_one_line() -> None:
    assert line_of(record_of("a\nb\r\nc\u2028d")).endswith("a b c d")


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause  # noqa: TRY301 - to have a traceback
    except BaseException as caught:  # noqa: BLE001 - given back
        return caught


def test_an_error_is_told_by_its_place_and_not_by_its_text() -> None:
    error = raised(RuntimeError(PROMPT, "sk-1234"), raised(ValueError(PROMPT)))
    line = line_of(record_of("it broke", error=error))
    assert re.search(
        r"it broke: RuntimeError at test_redaction\.py:\d+ in raised, because of ValueError at test_redaction", line
    )
    assert PROMPT not in line
    assert "Traceback" not in line
    assert "\n" not in line


def test_what_a_library_logs_is_told_by_its_place() -> None:
    """asyncio's messages quote the arguments of callbacks."""
    error = raised(RuntimeError(PROMPT))
    line = line_of(record_of(f"Exception in callback f('{PROMPT}')", logger="asyncio", error=error))
    assert "asyncio: logged by base_events.py:17 in handler: RuntimeError at test_redaction.py" in line
    assert PROMPT not in line


def test_a_librarys_arguments_are_not_even_formatted() -> None:
    assert PROMPT not in line_of(record_of("%s", PROMPT, logger="pygls.protocol"))


def test_errors_that_cause_each_other_in_a_circle_are_told_once() -> None:
    one, other = RuntimeError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert places(one) == "RuntimeError, because of ValueError"


def test_a_deep_traceback_is_told_from_its_innermost_places() -> None:
    def dive(depth: int) -> None:
        if depth == 0:
            raise RuntimeError
        dive(depth - 1)

    with pytest.raises(RuntimeError) as caught:
        dive(50)
    assert places(caught.value).count(" at ") < 10
    assert places(caught.value).startswith("RuntimeError at test_redaction.py")
