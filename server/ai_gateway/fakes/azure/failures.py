"""The refusals of Azure OpenAI, as answers: `upstream.fault(azure_failures.content_filtered())`.

Envelope and codes: https://learn.microsoft.com/azure/ai-foundry/openai/reference and …/concepts/content-filter.
A code may be the status once more, as text.
"""

from collections.abc import Mapping

from ai_gateway.fakes.answers import Answer, RetryAfter, retry_headers


def refusal(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in Azure's envelope."""
    return Answer.of({"error": {"code": code, "message": message}}, status, headers=headers)


def content_filtered() -> Answer:
    """400: the content filter blocked the prompt."""
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
        "Please modify your prompt and retry."
    )
    seen = {"self_harm": {"filtered": True, "severity": "medium"}, "hate": {"filtered": False, "severity": "safe"}}
    error = {
        "message": message,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": seen},
    }
    return Answer.of({"error": error}, 400)


def operation_not_supported(operation: str = "chatCompletion", model: str = "text-embedding-3-small") -> Answer:
    """400: the model behind the deployment does something else."""
    message = (
        f"The {operation} operation does not work with the specified model, {model}. Please choose different model"
    )
    return refusal(400, "OperationNotSupported", message)


def invalid_api_key() -> Answer:
    """401: the key is of no resource, or of another one."""
    message = (
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource."
    )
    return refusal(401, "401", message)


def permission_denied() -> Answer:
    """401: the identity is known and has no role on the resource."""
    action = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action"
    message = f"The principal `00000000-0000-0000-0000-000000000000` lacks the required data action `{action}`."
    return refusal(401, "PermissionDenied", message)


def outside_the_network() -> Answer:
    """403: the caller's address is not among those that the resource lets in."""
    return refusal(403, "AccessDenied", "Access denied due to Virtual Network/Firewall rules.")


def private_only() -> Answer:
    """403: the resource is reached through its private endpoint or not at all."""
    return refusal(403, "403", "Public access is disabled. Please configure private endpoint.")


def temporarily_blocked() -> Answer:
    """403: too many prompts of this resource were harmful."""
    return refusal(403, "Forbidden", "Access to this resource is temporarily blocked because of a potential misuse.")


def deployment_not_found() -> Answer:
    """404: nothing was deployed under this name."""
    message = (
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again."
    )
    return refusal(404, "DeploymentNotFound", message)


def resource_not_found() -> Answer:
    """404: no such path, or no such API version."""
    return refusal(404, "404", "Resource not found")


def timed_out() -> Answer:
    """408."""
    return refusal(408, "Timeout", "The operation was timeout.")


def failed_dependency() -> Answer:
    """424: something behind it failed."""
    return refusal(424, "424", "A dependency of this request failed.")


def rate_limited(seconds: int = 26, *, retry_after: RetryAfter | None = None, code: str = "429") -> Answer:
    """429: the wait is in the message, and often in a header as well."""
    message = (
        "Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current pricing tier. "
        f"Please retry after {seconds} seconds."
    )
    return refusal(429, code, message, headers=retry_headers(retry_after))


def high_demand() -> Answer:
    """429: Azure has no capacity left for anybody."""
    message = "The system is currently experiencing high demand and cannot process your request."
    return refusal(429, "429", message)


def server_error() -> Answer:
    """500."""
    return refusal(500, "InternalServerError", "The server had an error while processing your request.")
