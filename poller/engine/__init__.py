"""The hands: make happen what the core asks for, and decide nothing."""
