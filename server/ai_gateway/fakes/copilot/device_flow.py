"""GitHub's device flow, scripted (RFC 8628; https://docs.github.com/apps/oauth-apps, "Device flow").

Errors come with status 200, and everything comes form-encoded unless the client accepts JSON.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from ai_gateway.fakes.answers import Answer
from ai_gateway.fakes.requests import RecordedRequest

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_DOCS = "https://docs.github.com/developers/apps/authorizing-oauth-apps#error-codes-for-the-device-flow"


_PAGE = """<!doctype html>
<title>A fake sign-in</title>
<p>This is a fake of GitHub. There is nothing to enter: the sign-in goes on by itself.</p>
"""


class DeviceFlow:
    """One person's sign-in.

    `script` is what the next polls are told, in order (`authorization_pending`, `slow_down`,
    `expired_token`, `access_denied` …, or a whole answer); when it is used up, they are given `access_token`, which
    joins the `accepted` tokens.
    """

    device_code = "device-code-fake"
    user_code = "ABCD-1234"

    def __init__(self, accepted: set[str]) -> None:
        self.access_token = "ghu_device"  # noqa: S105 - a fake one
        self.script: list[str | Mapping[str, object]] = []
        self.interval_seconds = 5
        self.polls = 0
        self._accepted = accepted

    def begin(self, request: RecordedRequest, verification_uri: str) -> Answer:
        """The codes to show and to poll with."""
        codes = {
            "device_code": self.device_code,
            "user_code": self.user_code,
            "verification_uri": verification_uri,
            "expires_in": 899,
            "interval": self.interval_seconds,
        }
        refused = None if _fields(request).get("client_id") else {"error": "Not Found"}
        return _answer(request, refused or codes)

    def page(self) -> Answer:
        """Where the code would be entered."""
        return Answer.of(_PAGE, content_type="text/html; charset=utf-8")

    def poll(self, request: RecordedRequest) -> Answer:
        """The token, or why not yet."""
        self.polls += 1
        fields = _fields(request)
        if fields.get("grant_type") != GRANT_TYPE:
            return _answer(request, _error("unsupported_grant_type"))
        if fields.get("device_code") != self.device_code:
            return _answer(request, _error("incorrect_device_code"))
        if self.script:
            return _answer(request, self._told(self.script.pop(0)))
        self._accepted.add(self.access_token)
        return _answer(request, {"access_token": self.access_token, "token_type": "bearer", "scope": ""})

    def _told(self, error: str | Mapping[str, object]) -> Mapping[str, object]:
        if isinstance(error, Mapping):
            return error
        if error == "slow_down":
            self.interval_seconds += 5
            return {**_error(error), "interval": self.interval_seconds}
        return _error(error)


def _error(code: str) -> dict[str, object]:
    return {"error": code, "error_description": code.replace("_", " "), "error_uri": _DOCS}


def _fields(request: RecordedRequest) -> Mapping[str, object]:
    if isinstance(request.body, Mapping):
        return request.body
    return dict(parse_qsl(request.body.decode())) if isinstance(request.body, bytes) else {}


def _answer(request: RecordedRequest, fields: Mapping[str, object]) -> Answer:
    if "json" in request.headers.get("Accept", ""):
        return Answer.of(fields)
    return Answer.of(urlencode(fields), content_type="application/x-www-form-urlencoded; charset=utf-8")
