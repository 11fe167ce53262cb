"""What clients ask of the gateway, from parameters to results.

This module brings along all that is slow to import; nothing imports it before the handshake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.gateway import Gateway
from ai_gateway.health import Health, health_of
from ai_gateway.lsp.status import StatusPublisher
from ai_gateway.lsp.streaming import followed
from ai_gateway.messages import (
    HealthParams,
    HealthResult,
    HealthSummary,
    MetricsParams,
    MetricsResult,
    QueryParams,
    QueryResult,
    ResetParams,
    ResetResult,
)

if TYPE_CHECKING:
    from ai_gateway.config import LoadedSettings
    from ai_gateway.lsp.server import GatewayServer

STATUS = "ai/status"

Params = Mapping[str, object]
Result = dict[str, object]


def starting(params: Params) -> Result:
    """Answer `ai/health` while there is no gateway yet."""
    HealthParams.parse(params)
    return HealthResult.of(health_of((), reachable={}, problems=(), starting=True)).as_dict()


class Answers:
    """Answers `ai/*` requests. Every method raises `InvalidQuery` for parameters that are wrong.

    Args:
        server: Of the client that asks.
        loaded: The settings that the gateway is made of.
    """

    def __init__(self, server: GatewayServer, loaded: LoadedSettings) -> None:
        self._server = server
        self.gateway = Gateway.from_settings(loaded)

    async def query(self, params: Params) -> Result:
        """Answer `ai/query`."""
        wanted = QueryParams.parse(params)
        answer = await followed(self._server, self.gateway.stream(wanted.to_query()), wanted)
        return QueryResult.of(answer).as_dict()

    async def health(self, params: Params) -> Result:
        """Answer `ai/health`."""
        wanted = HealthParams.parse(params)
        return HealthResult.of(await self.gateway.health(probe=wanted.probe)).as_dict()

    def reset(self, params: Params) -> Result:
        """Answer `ai/reset`."""
        wanted = ResetParams.parse(params)
        names = self.gateway.reset(wanted.provider, cache=wanted.cache)
        return ResetResult(status="ok", state=self.gateway.state, reset=list(names)).as_dict()

    def metrics(self, params: Params) -> Result:
        """Answer `ai/metrics`."""
        MetricsParams.parse(params)
        return MetricsResult.of(self.gateway).as_dict()

    async def publish_status(self) -> None:
        """Send `ai/status` now and at every change, until cancelled."""
        await StatusPublisher(self.gateway, self._publish, SYSTEM_CLOCK).run()

    def _publish(self, health: Health) -> None:
        self._server.protocol.notify(STATUS, HealthSummary.of(health).as_dict())
