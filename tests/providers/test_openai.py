import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import FakeOpenAI, Fault, ToolCall, openai_failures
from ai_gateway.model import Delta, Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.base import prompt_of
from ai_gateway.providers.openai import OPENAI_BASE_URL, OpenAIProvider
from ai_gateway.providers.openai_chat import COMPLETION_DECODER, OPENAI_ROWS, chat_pieces
