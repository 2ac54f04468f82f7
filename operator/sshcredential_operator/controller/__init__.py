"""The operator's shell: Kopf for list and watch, queue and workers, the API server's client, health and metrics.

The only layer that knows Kopf and the Kubernetes client.
"""
