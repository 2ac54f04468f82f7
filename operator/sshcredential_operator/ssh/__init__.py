"""SSH connections as a client: values in, values out, blocking. Every function may run in a thread of its own.

`visit.py` holds the values, `known_hosts`, `host_keys` and `authorized_keys` are pure, and `paramiko` is imported by
`dial.py` and what stands on it only. Called by `controller/targets`, through the ports of `targets`.
"""
