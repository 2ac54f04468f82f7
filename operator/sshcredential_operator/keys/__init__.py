"""Private keys: recognise, repair, parse, generate, judge, render. Pure; depends on the API's values only."""
