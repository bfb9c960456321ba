"""A chain of LLM providers that retries, breaks circuits, falls back, and logs each step.

This module imports nothing, so that reading the event schema never loads an HTTP client.
"""
