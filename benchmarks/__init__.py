"""Two things side by side in one call, and their ratio: speed is measured here and asserted nowhere."""
