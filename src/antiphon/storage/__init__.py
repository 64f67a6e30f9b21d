"""The database: engines, transactions, migrations. What stands in it belongs to its domains."""
