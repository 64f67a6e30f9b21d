"""Signed webhooks (Standard Webhooks 1.0): what is told, how it is signed, when it is sent again.

`signing` is for both ends, `message` says what is told, `delivery` decides when to try again, and
`sender` makes one attempt. Nothing here keeps a timer or a table: whoever owns the deliveries
stores them, and asks for the next attempt when one is due.
"""
