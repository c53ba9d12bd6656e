"""Short-time spectra and what is measured from them."""
