"""`ai-gateway demo`: prompts survive outages, before your eyes, without credentials or a network.

Real HTTP servers on this machine speak the wires of Copilot, OpenAI and Ollama; the real server runs as a child
process and is driven as an editor would drive it. What is shown is checked, and the exit code says whether it held.
"""

from __future__ import annotations

import json
import sys

from rich.console import Console

from ai_gateway import event_loop
from ai_gateway.demo.stage import Stage
from ai_gateway.demo.story import Story


def demo(*, pace: float = 1.0, as_json: bool = False) -> int:
    """Play the story; 0 if all of it really happened, else 1.

    Args:
        pace: Above 1: slower; below: faster.
        as_json: Print what was checked as JSON, and the story to standard error.
    """
    console = Console(highlight=False, file=sys.stderr if as_json else sys.stdout)
    story = Story(Stage(console), pace=pace)
    event_loop.run(story.play())
    if as_json:
        sys.stdout.write(json.dumps(story.verdicts, indent=2) + "\n")
    return 0 if story.verdicts and all(story.verdicts.values()) else 1
