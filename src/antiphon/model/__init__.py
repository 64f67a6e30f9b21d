"""The canonical words: what every dialect is read into and written from, and the ports."""
