"""Our fake Copilot against GitHub's own client, `@github/copilot-language-server`, which knows the real one."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("AI_GATEWAY_JUDGES") or ROOT / ".judges")
PACKAGE = "@github/copilot-language-server-linux-x64"
BINARY = FOLDER / "node_modules" / PACKAGE / "copilot-language-server"
SCENE = Path(__file__).parent / "copilot_language_server.py"
HANG_SECONDS = 120
REPLY = "Hello there, judge"


@cache
def missing() -> str | None:
    """What keeps the client from running; None: nothing."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return f"{PACKAGE} is for Linux on x86-64"
    if not BINARY.exists():
        return f"{PACKAGE} is not installed; run: make judges"
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
        return (
            "a network namespace of its own, which keeps the client from the network, can't be had here (unshare -rn)"
        )
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

Seen = dict[str, object]


def judged(**wanted: object) -> Seen:
    """What the client made of a fake that does as wanted, alone with it on a network of their own."""
    command = ["unshare", "-rn", sys.executable, str(SCENE), str(BINARY)]
    done = subprocess.run(
        command, input=json.dumps(wanted), capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return cast("Seen", json.loads(done.stdout))


@pytest.mark.parametrize(
    ("exchange", "status"), [("given", "OK"), ("not entitled", "NotAuthorized"), ("revoked", "NotSignedIn")]
)
def test_the_client_finds_itself_signed_in_as_the_exchange_says(exchange: str, status: str) -> None:
    seen = judged(exchange=exchange)
    assert cast("Seen", seen["status"])["status"] == status
    assert "GET /copilot_internal/v2/token" in cast("list[str]", seen["requests"])


REFUSALS = [
    ("model", 400, "model is not supported"),
    ("quota", 402, "monthly AI Credits"),
    ("free", 402, "monthly chat messages limit"),
    ("budget", 402, "additional usage limit"),
    ("bill", 402, "select a billing entity"),
    ("session", 429, "session rate limit"),
    ("week", 429, "weekly rate limit"),
    ("vendor", 429, "upstream model provider"),
    ("old", 466, "out of date"),
]


@pytest.fixture(scope="module")
def conversations() -> Seen:
    """One that is answered, then one for each refusal."""
    return judged(reply=REPLY, turns=["answered", *(name for name, _, _ in REFUSALS)])


def test_the_client_lists_the_models(conversations: Seen) -> None:
    listed = {model["id"] for model in cast("list[Seen]", conversations["models"])}
    assert {"gpt-4o", "gpt-4.1", "claude-sonnet-4.5"} <= listed


def test_the_client_holds_a_conversation(conversations: Seen) -> None:
    begin, *reports, end = cast("list[list[Seen]]", conversations["turns"])[0]
    rounds = [cast("list[Seen]", report["editAgentRounds"]) for report in reports]
    assert "".join(str(each["reply"]) for some in rounds for each in some) == REPLY
    assert (begin["kind"], end["kind"], end.get("error")) == ("begin", "end", None)


def test_the_client_reads_the_quotas_of_the_account_and_of_the_headers(conversations: Seen) -> None:
    from_account, from_headers = (
        cast("Seen", quotas["premium_interactions"]) for quotas in cast("list[Seen]", conversations["quotas"])
    )
    for quota in (from_account, from_headers):
        assert {"quota": 300, "percentRemaining": 47.4, "unlimited": False}.items() <= quota.items()
    assert from_headers["resetDate"] == "2026-12-01T00:00:00Z"


@pytest.mark.parametrize(("name", "status", "words"), REFUSALS)
def test_the_client_takes_a_refusal_for_what_we_take_it(
    name: str, status: int, words: str, conversations: Seen
) -> None:
    names = [name for name, _, _ in REFUSALS]
    end = cast("list[list[Seen]]", conversations["turns"])[1 + names.index(name)][-1]
    error = cast("Seen", end["error"])
    assert error["code"] == status
    assert words in str(error["message"])
    assert error.get("retryAfter") == (60 if status == 429 else None)
