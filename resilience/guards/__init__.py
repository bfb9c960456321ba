"""Guards on what goes to a provider and what comes back: personal data, injections, grounding.

Values in, values out: no network, no log, no state between requests. This module imports nothing, so that a client without guards
loads none of their libraries.
"""
