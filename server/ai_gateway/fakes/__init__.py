"""Fake upstreams: loopback HTTP servers that speak real wires and fail as they are told.

The demonstration and the tests use them; nothing in the product does.

    async with FakeOpenAI() as upstream:
        upstream.reply("Hello there, world")
        upstream.fault(Fault.cut(after=2, reset=True))
        ...  # a client of `upstream.base_url`
        await upstream.wait_until_idle()
"""

from . import copilot_failures, ollama_failures, openai_failures
from .answers import Answer, Frame, Reply, Spelling, ToolCall
from .copilot import FakeCopilot, catalogue_entry
from .device_flow import DeviceFlow
from .faults import Fault
from .ollama import FakeOllama, OllamaModel
from .openai import FakeOpenAI
from .upstream import FakeUpstream, RecordedRequest

__all__ = [
    "Answer",
    "DeviceFlow",
    "FakeCopilot",
    "FakeOllama",
    "FakeOpenAI",
    "FakeUpstream",
    "Fault",
    "Frame",
    "OllamaModel",
    "RecordedRequest",
    "Reply",
    "Spelling",
    "ToolCall",
    "catalogue_entry",
    "copilot_failures",
    "ollama_failures",
    "openai_failures",
]
