"""The way from every version of the database to this program's."""
