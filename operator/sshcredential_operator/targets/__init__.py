"""One pass over an SSHTarget: observe, decide, act, report. Pure but for its ports; the controller implements those."""
