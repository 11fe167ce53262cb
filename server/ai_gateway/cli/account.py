"""`ai-gateway login` and `logout`: a Copilot sign-in of the gateway's own, for those whose editor keeps none here."""

from __future__ import annotations

import json

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.probing import check

SECONDS_PER_MINUTE = 60
ABOUT_THE_APP = "GitHub will name the app that Copilot's editor plugins share; AI Gateway has none of its own"


def login(arguments: Arguments) -> int:
    """Sign in to Copilot by a code that is entered in a browser, here or elsewhere."""
    try:
        return event_loop.run(_login(arguments))
    except GatewayError as error:
        return _complain(error)


def logout(arguments: Arguments) -> int:
    """Forget the token of `login`, and say where others remain."""
    try:
        remaining = event_loop.run(_logout(arguments))
    except GatewayError as error:
        return _complain(error)
    if arguments.json:
        print(json.dumps({"status": "ok", "remaining": remaining}, indent=2))
        return Exit.OK
    print("the gateway keeps no Copilot token any more")
    for line in remaining:
        print(f"  {line}")
    return Exit.OK


async def _login(arguments: Arguments) -> int:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        code = await gateway.sign_in()
        assert code is not None  # noqa: S101 - no token was given
        minutes = code.expires_in_seconds / SECONDS_PER_MINUTE
        say(f"open  {code.verification_uri}\nenter {code.user_code}   (within {minutes:.0f} minutes)\n{ABOUT_THE_APP}")
        await gateway.signed_in()
        copilot = [tier for tier in gateway.tiers if tier.name == "copilot"]
        works = [tier.missing is None and await check(tier) for tier in copilot]
        hints = [tier.hint for tier in copilot if tier.hint]
    if arguments.json:
        print(json.dumps({"status": "signed_in", "works": all(works), "hints": hints}, indent=2))
    else:
        print("signed in" if all(works) else f"signed in, but Copilot does not answer yet: {'; '.join(hints)}")
    return Exit.OK if all(works) else Exit.FAILED


async def _logout(arguments: Arguments) -> list[str]:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        return list(await gateway.sign_out())


def _complain(error: GatewayError) -> int:
    say(f"ai-gateway: {error}")
    return Exit.FAILED
