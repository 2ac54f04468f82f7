"""The parts of `make bench`, a module each: `measure` gives raw figures, `shown` makes their part of the report.

Any of them can be run alone: `make bench ARGS='--only bursts,memory'`.
"""
