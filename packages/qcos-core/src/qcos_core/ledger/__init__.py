"""The ledger: what was sent, what came back, and who carries a job on, on disk."""
