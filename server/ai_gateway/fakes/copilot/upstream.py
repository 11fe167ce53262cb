"""A fake GitHub Copilot: sign-in, session-token exchange, catalogue and chat, all on one port.

The real one spreads over github.com, api.github.com and the host that the exchange names. Its wire is not
documented; it is known from the clients that speak it.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, cast

from ai_gateway.fakes.answers import Answer, count_words, phrase
from ai_gateway.fakes.copilot import failures
from ai_gateway.fakes.copilot.account import CopilotAccount, Quota
from ai_gateway.fakes.copilot.catalogue import DEFAULT_MODELS, MAX_INPUTS, catalogue_entry, embedding_entry
from ai_gateway.fakes.copilot.completion import CopilotCompletion
from ai_gateway.fakes.copilot.device_flow import DeviceFlow
from ai_gateway.fakes.embeddings import embeddings_document, inputs_of
from ai_gateway.fakes.requests import RecordedRequest
from ai_gateway.fakes.upstream import FakeUpstream, Handler

SESSION_SECONDS = 1800


class FakeCopilot(FakeUpstream):
    """GitHub and one host of Copilot, with one account.

    Another host of the same account is a `FakeCopilot` of its own, made with `beside`: each serves one plan, and
    refuses (421) while the account has another.

    Attributes:
        account: whose tokens are accepted, which plan it has, and what is left of its quotas.
        plan: the plan that this host serves.
        models: the catalogue: names, or entries made with `catalogue_entry`. Once given, others are refused.
        refresh_in: after how many seconds a session token is to be renewed.
        offers_exchange: whether tokens can be exchanged; otherwise they are only good as they are.
        api_url: the `endpoints.api` that GitHub names; None: that of the account's plan.
        device_flow: the sign-in; a token it gives out is accepted from then on.
    """

    chat_paths = ("/chat/completions",)
    greeting = "Hello from the fake Copilot."
    exchange_path: ClassVar[str] = "/copilot_internal/v2/token"

    def __init__(
        self,
        *,
        port: int = 0,
        models: Sequence[str | Mapping[str, object]] | None = None,
        oauth_tokens: Iterable[str] = ("ghu_fake",),
        refresh_in: int = 1500,
        seconds_between_chunks: float = 0.0,
        plan: str = "individual",
        beside: "FakeCopilot | None" = None,
    ) -> None:
        super().__init__(port=port, seconds_between_chunks=seconds_between_chunks)
        self.account: CopilotAccount = beside.account if beside else CopilotAccount(plan, oauth_tokens)
        self.account.hosts[plan] = self
        self.plan = plan
        self.models = models
        self.refresh_in = refresh_in
        self.offers_exchange = True
        self.api_url: str | None = None
        self.device_flow = DeviceFlow(self.oauth_tokens)

    def routes(self) -> Mapping[str, Handler]:
        """What github.com, api.github.com and the API host answer."""
        return {
            "POST /chat/completions": self._chat,
            f"GET {self.exchange_path}": self._exchange,
            "GET /copilot_internal/user": self._user,
            "GET /models": self._list_models,
            "POST /embeddings": self._embed,
            "POST /graphql": self._discover,
            "GET /login/device": self._show_sign_in,
            "POST /login/device/code": self._begin_sign_in,
            "POST /login/oauth/access_token": self._poll_sign_in,
            "GET /_ping": self._ping,
        }

    @property
    def exchanges(self) -> int:
        """How many requests asked for a session token."""
        return sum(request.path == self.exchange_path for request in self.requests)

    @property
    def oauth_tokens(self) -> set[str]:
        """The GitHub tokens that are accepted."""
        return self.account.oauth_tokens

    @property
    def quota_percent_remaining(self) -> float:
        """What is left of the account's premium interactions."""
        return self.account.quotas["premium_interactions"].percent_remaining

    @quota_percent_remaining.setter
    def quota_percent_remaining(self, percent: float) -> None:
        self.account.quotas["premium_interactions"] = Quota(300, percent)

    def expire_session(self) -> None:
        """Make every session token given so far invalid."""
        self.account.sessions.clear()

    def failure(self, status: int, message: str | None = None) -> Answer:
        """Plain text, as most of Copilot's failures are."""
        return Answer.of(f"{message or phrase(status).lower()}\n", status)

    def not_found(self, request: RecordedRequest) -> Answer:
        """404, by GitHub or by the API host."""
        return failures.not_found() if "copilot_internal" in request.path else self.failure(404)

    def headers(self, request: RecordedRequest) -> Mapping[str, str]:
        """The ids by which a client knows that GitHub itself has answered."""
        number = len(self.requests)
        return {
            "X-GitHub-Request-Id": f"FA4E:{number:06X}",
            "X-Request-Id": request.headers.get("X-Request-Id", f"request-{number}"),
        }

    async def _begin_sign_in(self, request: RecordedRequest) -> Answer:
        return self.device_flow.begin(request, f"{self.url}/login/device")

    async def _show_sign_in(self, _: RecordedRequest) -> Answer:
        return self.device_flow.page()

    async def _poll_sign_in(self, request: RecordedRequest) -> Answer:
        return self.device_flow.poll(request)

    async def _exchange(self, request: RecordedRequest) -> Answer:
        if not self.offers_exchange:
            return failures.not_found()
        return self._refuse_oauth(request) or Answer.of(self._open_session())

    def _open_session(self) -> dict[str, object]:
        expires_at = int(time.time()) + SESSION_SECONDS
        sku = "monthly_subscriber_quota"
        token = f"tid=fake{self.next_serial()};exp={expires_at};sku={sku};st=dotcom;chat=1:mac"
        self.account.sessions.add(token)
        return {
            "token": token,
            "expires_at": expires_at,
            "refresh_in": self.refresh_in,
            "sku": sku,
            "individual": True,
            "chat_enabled": True,
            "endpoints": self._endpoints(),
            "telemetry": "disabled",
            "public_suggestions": "enabled",
            "limited_user_quotas": None,
            "limited_user_reset_date": None,
        }

    async def _user(self, request: RecordedRequest) -> Answer:
        return self._refuse_oauth(request) or Answer.of(self.account.document() | {"endpoints": self._endpoints()})

    async def _discover(self, request: RecordedRequest) -> Answer:
        if (refused := self._refuse_oauth(request)) is not None:
            return refused
        if "copilotEndpoints" not in str(request.json.get("query")):
            return Answer.of({"data": None, "errors": [{"message": "the fake knows only copilotEndpoints"}]})
        return Answer.of({"data": {"viewer": {"copilotEndpoints": {"api": self._endpoints()["api"]}}}})

    def _endpoints(self) -> dict[str, str]:
        host = self.account.hosts.get(self.account.plan, self)
        return {"api": self.api_url or host.url, "proxy": self.url, "telemetry": self.url}

    def _refuse_oauth(self, request: RecordedRequest) -> Answer | None:
        if request.bearer.startswith("github_pat_"):
            return failures.personal_access_token_refused()
        return None if request.bearer in self.oauth_tokens else failures.bad_credentials()

    async def _chat(self, request: RecordedRequest) -> Answer:
        return (
            self._refuse_caller(request)
            or self._refuse_body(request)
            or self._refuse_model(request)
            or self._complete(request)
        )

    def _complete(self, request: RecordedRequest) -> Answer:
        completion = CopilotCompletion(
            reply=self.reply_to(request),
            model=str(request.json.get("model") or self._catalogue()[0]["id"]),
            prompt_tokens=count_words(request.json["messages"]),
            serial=self.next_serial(),
            include_usage=True,
        )
        answer = completion.answer(stream=request.json.get("stream") is True)
        return answer.with_headers(self.account.quota_headers())

    async def _list_models(self, request: RecordedRequest) -> Answer:
        catalogue = {"object": "list", "data": self._catalogue()}
        return self._refuse_caller(request) or Answer.of(catalogue)

    async def _embed(self, request: RecordedRequest) -> Answer:
        if (refused := self._refuse_caller(request)) is not None:
            return refused
        if not 0 < len(inputs_of(request.json)) <= MAX_INPUTS:
            return failures.invalid_request_body(f"input must have between 1 and {MAX_INPUTS} entries")
        return Answer.of(embeddings_document(request.json))

    async def _ping(self, _: RecordedRequest) -> Answer:
        return Answer.of({"now": "fake", "status": "ok"})

    def _catalogue(self) -> list[Mapping[str, object]]:
        models = (*DEFAULT_MODELS, embedding_entry()) if self.models is None else self.models
        return [catalogue_entry(model) if isinstance(model, str) else model for model in models]

    def _refuse_caller(self, request: RecordedRequest) -> Answer | None:
        token = request.bearer
        if self.plan != self.account.plan:
            return failures.misdirected()
        if token.startswith("github_pat_"):
            return failures.personal_access_token_unsupported()
        if token.startswith("tid=") and "Editor-Version" not in request.headers:
            return failures.missing_editor_version()
        return None if token in self.account.sessions | self.oauth_tokens else failures.session_expired()

    def _refuse_body(self, request: RecordedRequest) -> Answer | None:
        if isinstance(request.body, Mapping) and request.json.get("messages"):
            return None
        return self.failure(400, "bad request: messages is required")

    def _refuse_model(self, request: RecordedRequest) -> Answer | None:
        model = request.json.get("model")
        if self.models is None or not model:
            return None
        entry = next((each for each in self._catalogue() if each["id"] == model), None)
        if entry is None or entry.get("policy", {"state": "enabled"}) != {"state": "enabled", "terms": ""}:
            return failures.model_not_supported()
        has_chat = "/chat/completions" in cast("Sequence[str]", entry.get("supported_endpoints", ()))
        return None if has_chat else failures.unsupported_api_for_model(str(model))
