"""`doctor`: what works at a deployment, found out by trying it."""
