"""What credentials look like: tables, read by what redacts logs and by what masks prompts.

The forms are those that the vendors document, or that the scanners of public repositories look for.
"""

from __future__ import annotations

_LEAST = {
    "gh[oprsu]_": 36,  # GitHub: an OAuth app's, a person's, one to refresh with, a server's, a GitHub app's
    "github_pat_": 40,
    "gl(?:pat|dt|rtr?|ft|imt|cbt|ptt|oas|agent|soat|ffct)-": 20,  # GitLab
    "GR1348941": 20,
    "sk-(?:ant-|proj-|or-)?+": 20,  # OpenAI, Anthropic, OpenRouter and who copies them
    "AIza": 30,  # Google
    r"AQ\.": 30,
    r"ya29\.": 30,
    "GOCSPX-": 24,
    "1//0": 40,
    "gsk_": 40,  # Groq
    "xai-": 40,
    "(?:hf|api_org)_": 30,  # Hugging Face
    "pplx-": 40,
    "nvapi-": 40,
    "r8_": 35,  # Replicate
    "tvly-": 20,
    "lsv2_[ps][tk]_": 30,  # LangSmith
    "A(?:KIA|SIA|BIA|CCA)(?=[A-Z2-7]{16}(?![A-Za-z0-9]))": 16,  # AWS: the id of a key
    "ABSK": 100,
    "bedrock-api-key-": 40,
    "xox[a-z]-": 20,  # Slack
    "xapp-": 20,
    "[rs]k_(?:live|test|prod)_": 16,  # Stripe
    "whsec_": 24,
    "npm_": 36,
    "pypi-AgE": 50,
    "rubygems_": 40,
    "dckr_[op]at_": 24,  # Docker
    "do[oprs]_v1_": 40,  # DigitalOcean
    "dapi(?=[0-9a-f]{32})": 32,  # Databricks
    "shp(?:at|ca|pa|ss)_": 30,  # Shopify
    r"SG\.": 50,  # SendGrid
    "xkeysib-": 60,
    "lin_(?:api|oauth)_": 30,  # Linear
    "ntn_": 40,  # Notion
    r"hv[bsr]\.": 24,  # HashiCorp Vault
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.": 40,  # Doppler
    "PMAK-": 50,  # Postman
    "NRAK-": 27,  # New Relic
    "sb(?:p|_secret)_": 20,  # Supabase
    "gl(?:sa|c)_": 32,  # Grafana
    "sntry[su]_": 60,  # Sentry
    "AT[AC]TT3": 60,  # Atlassian
    "ATBB": 28,
    "HRKU-": 36,  # Heroku
    "pul-": 40,
    "pscale_(?:tkn|pw|oauth)_": 32,
    "fm[12][ar]?_": 100,  # Fly
    "sq0[a-z]{3}-": 22,  # Square
    "figd_": 40,
    "AGE-SECRET-KEY-1": 58,
    "[0-9]{8,10}:AA(?=[A-Za-z0-9_-]{33})": 33,  # Telegram
}

TOKENS = {begin: rf"[\w.~+/=-]{{{least},}}+" for begin, least in _LEAST.items()} | {
    "tid=": r"[\w-]{8,}+;[^\s\"'`<>,\\&{}]++",  # Copilot's session token
    "eyJ": r"[\w-]{8,2000}+\.[\w-]*+(?:\.[\w-]*+){1,3}",  # a JSON Web Token (RFC 7519), as Microsoft Entra gives them
}
"""Of tokens that say themselves what they are: how they begin, and how a real one goes on (with `re.ASCII`)."""

SIGNATURES = {
    "JQQJ9": r"[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9]{26,30}={0,2}",  # Azure: OpenAI, DevOps, Search …
    "Q~": r"[\w.~-]{3}[0-9]Q~[\w.~-]{31,34}",  # Microsoft Entra: a client's secret
    ".atlasv1.": r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}",  # Terraform
    "hooks.slack.com/": r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,60}",
}
"""Of tokens that say so in their middle: what they hold, and the whole of one (with `re.ASCII`)."""

NAMES = (
    "api[-_ ]?key",
    "(?:access|account|auth|client|encryption|master|private|secret|service|session|shared|sign(?:ing)?)[-_ ]?key",
    "authorization",
    "token",
    "secret",
    "password",
    "passwd",
)
"""How headers, settings and JSON end the name of a credential that may look like anything."""

SCHEMES = "bearer|basic|token|negotiate|ntlm|digest"
"""Of HTTP authentication."""
