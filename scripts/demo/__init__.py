"""`make demo`: the product shown on a real control plane, command by command. Run as `python -m demo`."""
