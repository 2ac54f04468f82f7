"""Manifests as they lie in files, judged without a cluster. Used by `sshcred validate`."""
