"""Plans of faults, replayed one by one between a real operator and a real API server, and judged at every revision.

`run` is what is known of a plan when it is over, and what the oracles judge.
"""
