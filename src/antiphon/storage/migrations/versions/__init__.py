"""One file for each version; a file is never changed once it was released."""
