"""The control API's client: the page's only way to act. What it answers is checked; what happened, the log says.

values: what the API says, frozen; reading: from JSON to those values; client: requests, with errors as values.
"""
