"""Shared by all tests: the cluster, its options and the seed. Each folder adds its own."""

pytest_plugins = ["controlplane.fixtures", "cluster.turns", "folders"]
