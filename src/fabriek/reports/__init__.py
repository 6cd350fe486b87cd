"""What the law asks to be told of the access time, out of the ledger: nothing here is typed, and nothing is stored."""
