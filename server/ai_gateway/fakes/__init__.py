"""Fake upstreams: loopback HTTP servers that speak real wires and fail as they are told.

The demonstration and the tests use them; nothing in the product does.

    async with FakeOpenAI() as upstream:
        upstream.reply("Hello there, world")
        upstream.fault(Fault.cut(after=2, reset=True))
        ...  # a client of `upstream.base_url`
        await upstream.wait_until_idle()
"""

from . import anthropic_failures, azure_failures, copilot_failures, gemini_failures, ollama_failures, openai_failures
from .answers import Answer, Frame, Reply, Spelling, ToolCall
from .anthropic import FakeAnthropic
from .azure import FakeAzure
from .copilot import FakeCopilot, catalogue_entry
from .device_flow import DeviceFlow
from .faults import Fault
from .gemini import FakeGemini, GeminiModel
from .ollama import FakeOllama, OllamaModel
from .openai import FakeOpenAI
from .upstream import FakeUpstream, RecordedRequest

__all__ = [
    "Answer",
    "DeviceFlow",
    "FakeAnthropic",
    "FakeAzure",
    "FakeCopilot",
    "FakeGemini",
    "FakeOllama",
    "FakeOpenAI",
    "FakeUpstream",
    "Fault",
    "Frame",
    "GeminiModel",
    "OllamaModel",
    "RecordedRequest",
    "Reply",
    "Spelling",
    "ToolCall",
    "anthropic_failures",
    "azure_failures",
    "catalogue_entry",
    "copilot_failures",
    "gemini_failures",
    "ollama_failures",
    "openai_failures",
]
