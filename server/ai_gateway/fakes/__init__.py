"""Fake upstreams: loopback HTTP servers that speak real wires and fail as they are told.

The demonstration, drills, the simulation and the tests use them; no query of a person's gets here by itself.

    async with FakeOpenAI() as upstream:
        upstream.reply("Hello there, world")
        upstream.fault(Fault.cut(after=2, reset=True))
        ...  # a client of `upstream.base_url`
        await upstream.wait_until_idle()
"""

from ai_gateway.fakes.answers import Answer, Frame, Reply, Spelling, ToolCall
from ai_gateway.fakes.anthropic import failures as anthropic_failures
from ai_gateway.fakes.anthropic.upstream import FakeAnthropic
from ai_gateway.fakes.azure import failures as azure_failures
from ai_gateway.fakes.azure.upstream import FakeAzure
from ai_gateway.fakes.copilot import failures as copilot_failures
from ai_gateway.fakes.copilot.catalogue import catalogue_entry
from ai_gateway.fakes.copilot.device_flow import DeviceFlow
from ai_gateway.fakes.copilot.upstream import FakeCopilot
from ai_gateway.fakes.faults import Fault
from ai_gateway.fakes.gemini import failures as gemini_failures
from ai_gateway.fakes.gemini.models import GeminiModel
from ai_gateway.fakes.gemini.upstream import FakeGemini
from ai_gateway.fakes.ollama import failures as ollama_failures
from ai_gateway.fakes.ollama.models import OllamaModel
from ai_gateway.fakes.ollama.upstream import FakeOllama
from ai_gateway.fakes.openai import failures as openai_failures
from ai_gateway.fakes.openai.upstream import FakeOpenAI
from ai_gateway.fakes.requests import RecordedRequest
from ai_gateway.fakes.upstream import FakeUpstream

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
