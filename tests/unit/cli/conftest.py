"""Fixtures of the controller's tests that the commands' need, too."""

from __future__ import annotations

from unit.controller.conftest import connected, kubeconfig

__all__ = ["connected", "kubeconfig"]
