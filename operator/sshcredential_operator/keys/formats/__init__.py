"""The private key formats that are read, one module each; `recognisers` holds the table of them."""
