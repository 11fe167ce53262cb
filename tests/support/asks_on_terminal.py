"""A command that asks its terminal for consent, and says on standard output what came of it.

Its arguments: how many seconds it waits, and `background` if the terminal is to be another's at the time.
"""

from __future__ import annotations

import os
import subprocess
import sys

from ai_gateway.cli.consent import ask_on_terminal
from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.event_loop import run
from ai_gateway.model import PriceClass
from ai_gateway.spending import Consents, Ledger, SpendRequest

REQUEST = SpendRequest("openai", "gpt-4o-mini", PriceClass.METERED, estimate_usd=0.002)


async def main(within_seconds: float) -> None:
    ledger = Ledger(None, SYSTEM_CLOCK)
    consents = Consents(ledger, SYSTEM_CLOCK, asker=ask_on_terminal)
    refusal = await consents.obtain(REQUEST, within_seconds=within_seconds)
    is_for_today = ledger.is_allowed_today(REQUEST.provider, REQUEST.model)
    print(f"outcome: {refusal} {'for today' if is_for_today else 'not for today'}", flush=True)


seconds, *place = sys.argv[1:]
if place == ["background"]:
    os.close(os.open(os.ttyname(0), os.O_RDWR))  # the first terminal that a session opens becomes its own
    sys.exit(subprocess.call([sys.executable, __file__, seconds], process_group=0))
try:
    run(main(float(seconds)))
except KeyboardInterrupt:
    sys.exit(130)
