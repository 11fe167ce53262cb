"""`ai-gateway reset` and `force`: circuit breakers by hand, in all windows at once."""

from __future__ import annotations

import json

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.failures import GatewayError, InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.messages.results import ForceResult, ResetResult
from ai_gateway.model import BreakerState
from ai_gateway.words import wait_in_words

AUTO = "auto"
STORE_IS_OFF = "no window would notice, for they share nothing: the store is off; set store.enabled to true"


def reset(arguments: Arguments) -> int:
    """Close the breaker of one provider, or of all, and forget answers if asked to."""
    try:
        done = event_loop.run(_reset(arguments))
    except GatewayError as error:
        return _complain(error)
    if arguments.json:
        print(json.dumps(done, indent=2))
        return Exit.OK
    if arguments.command == "force":
        print(f"{arguments.provider} goes by itself again, from a fresh start")
    else:
        print(f"closed: {', '.join(done['reset'])}")
    if arguments.cache:
        print(f"forgot the answers on the disk: {done['forgotten']}; what a window has in memory, it keeps")
    return Exit.OK


def force(arguments: Arguments) -> int:
    """Keep the breaker of one provider open or closed, or let it go by itself again."""
    if arguments.state == AUTO:
        return reset(arguments)
    try:
        done = event_loop.run(_force(arguments))
    except GatewayError as error:
        return _complain(error)
    if arguments.json:
        print(json.dumps(done, indent=2))
    else:
        lasts = wait_in_words(done["seconds"])
        print(f"{done['provider']} is kept {done['state']} for {lasts}; 'ai-gateway reset {done['provider']}' ends it")
    return Exit.OK


async def _reset(arguments: Arguments) -> ResetResult:
    async with _shared_gateway(arguments) as gateway:
        await gateway.refresh()
        names = gateway.reset(arguments.provider)
        await gateway.told()
        if problems := gateway.store_problems:
            raise GatewayError(f"it could not be written down for other windows: {'; '.join(problems)}")
        forgotten = await gateway.forget_answers() if arguments.cache else 0
        return {"status": "ok", "state": gateway.state, "reset": list(names), "forgotten": forgotten}


async def _force(arguments: Arguments) -> ForceResult:
    provider, state = arguments.provider or "", BreakerState(arguments.state)
    if not arguments.seconds > 0:
        raise InvalidQuery("it is kept so for more than 0 s", field="seconds")
    async with _shared_gateway(arguments) as gateway:
        await gateway.refresh()
        gateway.force(provider, state, seconds=arguments.seconds)
        if any(tier.name == provider and tier.shared_name is None for tier in gateway.tiers):
            raise GatewayError(f"{provider} is not shared, for it is each machine's own: use ai/force in your editor")
    async with _shared_gateway(arguments) as gateway:
        await gateway.refresh()
        if any(tier.name == provider and tier.breaker.forced is not state for tier in gateway.tiers):
            raise GatewayError(f"it could not be written down for other windows: {'; '.join(gateway.problems)}")
    return {"status": "ok", "provider": provider, "state": state, "seconds": arguments.seconds}


def _shared_gateway(arguments: Arguments) -> Gateway:
    loaded = settings_of(arguments)
    if not loaded.settings.store.enabled and loaded.settings.store.redis_url is None:
        raise GatewayError(STORE_IS_OFF)
    return Gateway.from_settings(loaded)


def _complain(error: GatewayError) -> int:
    say(f"ai-gateway: {error}")
    return Exit.USAGE if isinstance(error, InvalidQuery) else Exit.FAILED
