"""Notices: what happened and should be known outside, delivered as signed webhooks."""
