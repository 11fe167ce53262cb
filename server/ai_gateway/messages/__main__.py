"""`python -m ai_gateway.messages` writes the JSON Schemas anew."""

from ai_gateway.messages.schema import CHECKED_IN, schema

if __name__ == "__main__":
    CHECKED_IN.write_text(schema(), "utf-8")
