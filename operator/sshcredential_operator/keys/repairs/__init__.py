"""What can be undone of all that happens to a key file on its way, each in the module of its kind. Used by `repair`."""
