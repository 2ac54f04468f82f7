"""A real Kubernetes control plane for tests and demo: etcd, API server and controller manager on the loopback."""
