"""The backend service: the chain behind HTTP. Importing this package loads no web framework."""
