"""A real Kubernetes node on this machine, in namespaces of its own: containers, services, DNS, a kubelet."""
