"""The API as values: names, spec, status, reasons and conditions. Pure; everything else depends on it."""
