"""`antiphon connect`: what a client needs to use a running gateway, printed, written or undone."""
