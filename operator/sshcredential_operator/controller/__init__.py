"""The running operator: Kopf as the shell, queue, cluster, health. The only importer of Kopf and the Kubernetes client."""
