"""What clients ask of the gateway, from parameters to results.

This module brings along all that is slow to import; nothing imports it before the handshake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.health import Health, health_of
from ai_gateway.lsp.consent import ask_in_editor
from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.folders import folder_of
from ai_gateway.lsp.status import StatusPublisher
from ai_gateway.lsp.streaming import followed
from ai_gateway.lsp.work_done import reporting
from ai_gateway.messages import encode
from ai_gateway.messages.params import (
    CommitMessageParams,
    DrillParams,
    EmbedParams,
    ExplainParams,
    ForceParams,
    HealthParams,
    MetricsParams,
    ModelsParams,
    PullRequestParams,
    QueryParams,
    ResetParams,
    SignInParams,
    SignOutParams,
    SimulateParams,
)
from ai_gateway.messages.results import (
    CommitMessageResult,
    DrillResult,
    EmbedResult,
    ExplainResult,
    ForceResult,
    HealthResult,
    MetricsResult,
    ModelsResult,
    PromptResult,
    PullRequestResult,
    QueryResult,
    ResetResult,
    SignInResult,
    SignOutResult,
    SimulateResult,
)
from ai_gateway.model import BreakerState
from ai_gateway.privacy.file_names import files_of

if TYPE_CHECKING:
    from ai_gateway.config import LoadedSettings
    from ai_gateway.lsp.editing.commands import Commands
    from ai_gateway.lsp.editor_chat import ClientChat
    from ai_gateway.lsp.server import GatewayServer
    from ai_gateway.messages.doctor import DoctorResult
    from ai_gateway.messages.history import HistoryResult

STATUS = "ai/status"

Params = Mapping[str, object]


def starting(params: Params, *, simulated: bool) -> HealthResult:
    """Answer `ai/health` while there is no gateway yet."""
    HealthParams.parse(params)
    return encode.health_result(health_of((), reachable={}, problems=(), starting=True), simulated=simulated)


class Answers:
    """Answers `ai/*` requests. Every method raises `InvalidQuery` for parameters that are wrong.

    Args:
        server: Of the client that asks.
        loaded: The settings that the gateway is made of.
    """

    def __init__(self, server: GatewayServer, loaded: LoadedSettings) -> None:
        self._server = server
        self.gateway = Gateway.from_settings(loaded)
        self.gateway.on_sign_in = self._tell_of_sign_in
        self.gateway.ask_through(partial(ask_in_editor, server))
        self.gateway.look_in(self._folders)
        self._commands: Commands | None = None
        self._editor_chat = self._chat_with(server)

    async def commands(self) -> Commands:
        """Give the commands, which come with all that edits need once the first one is run."""
        if self._commands is not None:
            return self._commands
        return self._made_of(await asyncio.to_thread(import_module, "ai_gateway.lsp.editing.commands"))

    def closed(self, uri: str) -> None:
        """Leave off what is about a document that the person has closed."""
        if self._commands is not None:
            self._commands.closed(uri)

    def kept_edits(self, uri: str, first_line: int, last_line: int) -> list[Mapping[str, object]]:
        """Give the code actions of edits for these lines that were written, and not taken when they came."""
        return [] if self._commands is None else self._commands.actions.kept_edits.offers(uri, first_line, last_line)

    @property
    def has_jobs(self) -> bool:
        """Whether anything runs that a person could stop."""
        return self._commands is not None and self._commands.jobs.are_running

    async def aclose(self) -> None:
        """End what still runs, and close the gateway."""
        if self._commands is not None:
            await self._commands.jobs.aclose()
        await self.gateway.aclose()

    async def query(self, params: Params) -> QueryResult:
        """Answer `ai/query`."""
        wanted = QueryParams.parse(params)
        wanted, left_out = wanted.cleared(self.gateway.excluded)
        query = wanted.to_query(left_out=len(left_out))
        answer = await followed(self._server, self.gateway.stream(query), wanted)
        return encode.query_result(answer, left_out)

    async def embed(self, params: Params) -> EmbedResult:
        """Answer `ai/embed`."""
        wanted = EmbedParams.parse(params)
        return encode.embed_result(
            await self.gateway.embed(
                wanted.input,
                model=wanted.model,
                dimensions=wanted.dimensions,
                backend=wanted.backend,
                provider=wanted.provider,
                private=wanted.private,
                paths=wanted.paths,
                timeout_seconds=wanted.timeout_seconds,
            )
        )

    async def health(self, params: Params) -> HealthResult:
        """Answer `ai/health`."""
        wanted = HealthParams.parse(params)
        found = await self.gateway.health(probe=wanted.probe)
        return encode.health_result(found, simulated=self._server.host.is_simulated)

    async def doctor(self, params: Params) -> DoctorResult:
        """Answer `ai/doctor`."""
        from ai_gateway.doctor.examination import examine  # noqa: PLC0415 - few people ask
        from ai_gateway.messages.doctor import DoctorParams, doctor_result  # noqa: PLC0415

        DoctorParams.parse(params)
        return doctor_result(await examine(self.gateway), simulated=self._server.host.is_simulated)

    async def models(self, params: Params) -> ModelsResult:
        """Answer `ai/models`."""
        wanted = ModelsParams.parse(params)
        found = await self.gateway.models(wanted.provider)
        return encode.models_result(found.models, found.problems)

    async def sign_in(self, params: Params) -> SignInResult:
        """Answer `ai/signIn`."""
        wanted = SignInParams.parse(params)
        if wanted.wait:
            await self.gateway.signed_in()
            return encode.sign_in_result(None)
        token, host, simulation = wanted.token, wanted.host, self._server.host.simulation
        if token is not None and simulation is not None:
            token, host = simulation.token, None  # a real one has no business there
        return encode.sign_in_result(await self.gateway.sign_in(token, host=host))

    async def sign_out(self, params: Params) -> SignOutResult:
        """Answer `ai/signOut`."""
        wanted = SignOutParams.parse(params)
        return {"status": "ok", "remaining": list(await self.gateway.sign_out(session_only=wanted.session_only))}

    async def drill(self, params: Params) -> DrillResult:
        """Answer `ai/drill`; a cancel ends the drill."""
        wanted = DrillParams.parse(params)
        from ai_gateway.drill.rehearsal import rehearse  # noqa: PLC0415 - few people rehearse

        with reporting(self._server, wanted.work_done_token) as tell:
            report = await rehearse(self.gateway, wanted.provider, wanted.fault, wanted.seconds, tell=tell)
        return encode.drill_result(report)

    async def pull_request(self, params: Params) -> PullRequestResult:
        """Answer `ai/pullRequest`."""
        wanted = PullRequestParams.parse(params)
        from ai_gateway.drafting.drafter import draft_pull_request  # noqa: PLC0415 - few people draft in editors

        folder = folder_of(self._server.workspace, wanted.folder)
        with reporting(self._server, wanted.work_done_token) as tell:
            draft = await draft_pull_request(
                self.gateway, folder, base=wanted.base, use_llm=wanted.use_llm, private=wanted.private, tell=tell
            )
        return encode.pull_request_result(draft)

    async def commit_message(self, params: Params) -> CommitMessageResult:
        """Answer `ai/commitMessage`."""
        wanted = CommitMessageParams.parse(params)
        from ai_gateway.drafting.drafter import draft_commit_message  # noqa: PLC0415 - as above

        folder = folder_of(self._server.workspace, wanted.folder)
        with reporting(self._server, wanted.work_done_token) as tell:
            draft = await draft_commit_message(
                self.gateway, folder, use_llm=wanted.use_llm, private=wanted.private, tell=tell
            )
        return encode.commit_message_result(draft)

    async def prompt(self, params: Params) -> PromptResult:
        """Answer `ai/prompt`."""
        prompting = await asyncio.to_thread(import_module, "ai_gateway.lsp.editing.prompting")
        result: PromptResult = prompting.prompt_result(self._server, self.gateway, params)
        return result

    async def reset(self, params: Params) -> ResetResult:
        """Answer `ai/reset`."""
        wanted = ResetParams.parse(params)
        names = self.gateway.reset(wanted.provider)
        forgotten = await self.gateway.forget_answers() if wanted.cache else 0
        return {"status": "ok", "state": self.gateway.state, "reset": list(names), "forgotten": forgotten}

    def force(self, params: Params) -> ForceResult:
        """Answer `ai/force`."""
        wanted = ForceParams.parse(params)
        state = BreakerState(wanted.state)
        self.gateway.force(wanted.provider, state, seconds=wanted.seconds)
        return {"status": "ok", "provider": wanted.provider, "state": state, "seconds": wanted.seconds}

    async def simulate(self, params: Params) -> SimulateResult:
        """Answer `ai/simulate`."""
        wanted = SimulateParams.parse(params)
        simulation = self._server.host.simulation
        if simulation is None:
            raise GatewayError("nothing is simulated here; start the server with --simulated")
        await simulation.break_down(self.gateway, wanted.provider, wanted.fault)
        return {"status": "ok", "faults": dict(simulation.faults)}

    async def explain(self, params: Params) -> ExplainResult:
        """Answer `ai/explain`."""
        wanted = ExplainParams.parse(params)
        from ai_gateway.messages.explained import explain_result, trace_of  # noqa: PLC0415 - few people ask

        trace = await trace_of(self.gateway, wanted.query_id)
        sent = self.gateway.sent(trace.query_id)
        return explain_result(trace, replayed=wanted.replay, shows_sent=wanted.sent, sent=sent)

    def metrics(self, params: Params) -> MetricsResult:
        """Answer `ai/metrics`."""
        MetricsParams.parse(params)
        active = sum(tier.is_active for tier in self.gateway.tiers)
        return encode.metrics_result(self.gateway.metrics(), providers_active=active)

    def editor_models(self, params: Params) -> None:
        """Take in `ai/editor/models`."""
        if self._editor_chat is not None:
            self._editor_chat.take_models(params)
            self.gateway.notice_credentials()

    def progress(self, params: Params) -> None:
        """Take in `$/progress`."""
        if self._editor_chat is not None:
            self._editor_chat.take_progress(params)

    async def history(self, params: Params) -> HistoryResult:
        """Answer `ai/history`."""
        from ai_gateway.messages.history import HistoryParams  # noqa: PLC0415 - few clients look back
        from ai_gateway.messages.past import history_result  # noqa: PLC0415

        wanted = HistoryParams.parse(params)
        health = await self.gateway.health()
        past = await self.gateway.history(days=wanted.days, queries=wanted.queries, hours=wanted.hours)
        return history_result(past, health.providers)

    async def publish_status(self) -> None:
        """Send `ai/status` now and at every change, until cancelled."""
        await StatusPublisher(self.gateway, self._publish, SYSTEM_CLOCK).run()

    def _chat_with(self, server: GatewayServer) -> ClientChat | None:
        """Have the editor's own models asked, if the client lends them; they are real ones."""
        if server.host.is_simulated or not Abilities.of(server.client_capabilities).lends_models:
            return None
        from ai_gateway.lsp.editor_chat import ClientChat  # noqa: PLC0415 - few editors have any

        chat = ClientChat(server)
        self.gateway.lend(chat)
        return chat

    def _folders(self) -> list[str]:
        """Name the folders of the workspace."""
        folders = self._server.workspace.folders.values()
        return [path for folder in folders for path in files_of(folder.uri)]

    def _made_of(self, module: ModuleType) -> Commands:
        if self._commands is None:
            self._commands = module.Commands(self._server, self)
        return self._commands

    def _tell_of_sign_in(self, error: GatewayError | None) -> None:
        kind = types.MessageType.Info if error is None else types.MessageType.Warning
        message = f"AI Gateway: {error or 'signed in to Copilot'}"
        self._server.window_show_message(types.ShowMessageParams(kind, message))

    def _publish(self, health: Health) -> None:
        self._server.protocol.notify(STATUS, encode.health_summary(health))
