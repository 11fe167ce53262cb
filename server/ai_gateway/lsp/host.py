"""One client's gateway: opened in the background, kept in step with the settings, closed at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.lsp.client_settings import ClientSettings
from ai_gateway.lsp.memory import give_back, import_http
from ai_gateway.lsp.rpc_errors import incident

if TYPE_CHECKING:
    from ai_gateway.config import LoadedSettings
    from ai_gateway.lsp.answers import Answers
    from ai_gateway.lsp.server import GatewayServer
    from ai_gateway.simulation.simulation import Simulation

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0

SettingsLoader = Callable[[Mapping[str, object] | None, Sequence[Mapping[str, object]]], "LoadedSettings"]
"""Loads all settings, given the editor's and those of each folder of the workspace. Called in a thread."""

SettingsSource = SettingsLoader | None
"""None: they lead to simulated upstreams, and to nobody else."""


class GatewayHost:
    """Keeps the gateway of one client.

    All that is slow to import is imported here, in a thread, while the client may ask already.
    """

    def __init__(self, server: GatewayServer, load: SettingsSource) -> None:
        self.settings = ClientSettings(server)
        self.is_simulated = load is None
        self.simulation: Simulation | None = None
        """Where the upstreams are simulated, once the gateway is open."""
        self._server = server
        self._load = load
        self._ready: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._is_opening = False
        self._one_by_one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._taking_on: asyncio.Task[None] | None = None
        self._told: set[str] = set()

    def open(self) -> None:
        """Begin to open the gateway, if that has not begun."""
        if not self._is_opening:
            self._is_opening = True
            self._start(self._open())

    @property
    def opened(self) -> Answers | None:
        """The gateway's answers, if it is open already."""
        is_open = self._ready.done() and self._ready.exception() is None
        return self._ready.result() if is_open else None

    async def answers(self) -> Answers:
        """Wait until the gateway is open, and has taken on what the editor has set."""
        answers = await self._opened()
        if self._taking_on is not None and not self._taking_on.done():
            await asyncio.wait([self._taking_on])
        return answers

    async def health(self, params: Mapping[str, object]) -> Mapping[str, object]:
        """Tell how things are, also while the gateway is not open yet."""
        if self._ready.done():
            return await (await self.answers()).health(params)
        module = await asyncio.to_thread(_answers_module)
        starting: Mapping[str, object] = module.starting(params, simulated=self.is_simulated)
        return starting

    def refresh(self) -> None:
        """Take on what the settings have become."""
        self._start(self._refresh())

    def set_by_editor(self, settings: Mapping[str, object]) -> None:
        """Let these take the place of all that the editor has set; what it asks from now on is answered by them."""
        self.settings.take_options(settings)
        self._taking_on = self._start(self._take_on())

    async def aclose(self) -> None:
        """Close the gateway, within a moment."""
        for task in self._tasks:
            task.cancel()
        if (answers := self.opened) is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await answers.aclose()
            except TimeoutError:
                log.warning("connections that would not close were dropped")
        if self.simulation is not None:
            await self.simulation.aclose()

    async def _open(self) -> None:
        async with self._one_by_one:
            try:
                await asyncio.to_thread(give_back)
                module, _ = await asyncio.gather(asyncio.to_thread(_answers_module), self.settings.pull())
                if self._load is None:
                    await self._simulate()
                loaded = await self._loaded()
                answers = await asyncio.to_thread(module.Answers, self._server, loaded)
                if self.simulation is not None:
                    await answers.gateway.sign_in(self.simulation.token)
            except Exception as error:
                self._ready.set_exception(error)
                raise
            self._ready.set_result(answers)
        self._start(answers.publish_status())
        await asyncio.to_thread(give_back)
        await asyncio.gather(self.settings.follow(), self._server.completions.follow())

    async def _simulate(self) -> None:
        module = await asyncio.to_thread(import_module, "ai_gateway.simulation.simulation")
        simulation: Simulation = await module.Simulation.start()
        self.simulation, self._load = simulation, simulation.load

    async def _opened(self) -> Answers:
        if not self._ready.done():
            self.open()
            await asyncio.shield(self._ready)
        return self._ready.result()

    async def _refresh(self) -> None:
        answers = await self._opened()
        async with self._one_by_one:
            await self.settings.pull()
            await answers.gateway.reconfigure(await self._loaded())
        await self._server.completions.follow()

    async def _take_on(self) -> None:
        answers = await self._opened()
        async with self._one_by_one:
            await answers.gateway.reconfigure(await self._loaded())
        self._start(self._server.completions.follow())  # which may ask the client, so nobody waits for it

    async def _loaded(self) -> LoadedSettings:
        assert self._load is not None  # noqa: S101 - a simulation's is there before anything is loaded
        loaded = await asyncio.to_thread(self._load, self.settings.editor, self.settings.workspaces)
        problems = {str(problem) for problem in loaded.problems}
        if new := sorted(problems - self._told):
            message = "AI Gateway's settings need attention: " + "; ".join(new)
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))
        self._told = problems
        return loaded

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            incident(error)


def _answers_module() -> ModuleType:
    import_http()
    from ai_gateway.lsp import answers  # noqa: PLC0415 - see the class
    from ai_gateway.lsp.editing import offers  # noqa: F401, PLC0415 - so that the first ones don't wait for it

    return answers
