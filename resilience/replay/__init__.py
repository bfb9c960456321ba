"""What a log's past would have been: the real circuit, retry and chain code, fed with what the log recorded.

Values in, values out. docs/whatif.md says what can be made again exactly, what is drawn and what cannot be known.
"""
