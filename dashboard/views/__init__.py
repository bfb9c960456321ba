"""One short script per page: read, draw, ask."""
