"""A proxy between an operator and its API server that breaks what it is told to break. The operator knows nothing of it.

`rules` says what can go wrong, as plain data; `proxy` does it, for requests here and for watches in `streams`.
"""
