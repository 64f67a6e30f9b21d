"""What was used: the journal of attempts, and the ledger that it is shipped into."""
