"""Private keys: recognise, repair, open, judge, generate, and write in one canonical form. Pure but for `pool`.

`judge` decides on a key that a user brings; a format is one module in `formats`, listed in its table of recognisers.
"""
