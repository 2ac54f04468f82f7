"""Fuzzing: made and changed input for everything that reads what others wrote. Start with `target.py` and `targets/`.

`make fuzz` runs it for as long as asked; `test_fuzz.py` is the sample of it in the suite.
"""
