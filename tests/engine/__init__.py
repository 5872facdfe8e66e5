"""The daemon and its ledger, as processes and in virtual time."""
