"""Commands for those who administer: tenants, people, keys, and what was done to them."""
