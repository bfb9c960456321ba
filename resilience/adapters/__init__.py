"""Wire formats as pure functions: values in, JSON out, and back. No client in here."""

from resilience.adapters.anthropic import AnthropicAdapter
from resilience.adapters.base import Adapter, Call, DeltaReader
from resilience.adapters.openai_compatible import OpenAIAdapter

ADAPTERS: dict[str, Adapter] = {"openai": OpenAIAdapter(), "anthropic": AnthropicAdapter()}
"""By the `kind` of a configured provider."""

__all__ = ["ADAPTERS", "Adapter", "Call", "DeltaReader"]
