"""How much things cost, beside what they would cost by hand: `make benchmark`."""
