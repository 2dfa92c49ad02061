"""How institutions run their classes: counts by day, region and institution, and how far to trust them."""
