"""Settings: right ones, wrong ones, and what is said of them."""
