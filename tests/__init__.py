"""The suite: what must hold, layer by layer. CONTRIBUTING.md says which folder a test belongs in."""
