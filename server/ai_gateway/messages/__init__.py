"""The wire: what `ai/*` messages look like, on the JSON-RPC connection and in the command line's `--json`.

Field names are part of the interface and never change their meaning. `schema.json` is generated from `params`,
`results` and `progress`; `encode` says the gateway's own values as results.
"""
