"""JSON Schemas of callers: checked for what they would cost, and answers checked against them."""
