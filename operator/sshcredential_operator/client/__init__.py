"""The cluster as people at a desk use it: the usual Kubernetes client, one request at a time. Used by `cli`, lazily.

The operator does not come through here; its own way to the API server is in `controller`.
"""
