"""A proxy between an operator and its API server that breaks what it is told to. The operator knows nothing of it.

`rules` says what can go wrong, as plain data; `proxy` does it to requests, and `streams` to answers and watches.
"""
