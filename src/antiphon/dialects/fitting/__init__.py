"""What stands between reading a request in one dialect and writing it in another."""
