"""The checked door for every address that is not a provider's.

Users, tools and models name addresses: where a webhook goes, what a tool fetches, where a picture
lies. Each is read strictly (`target`), resolved once, judged (`rules`, `addresses`), and only what
was judged is connected to (`transport`). `client.Egress` is the way in; `webhooks` stands on it.

Nothing is imported here: `webhooks.signing` needs no HTTP library, and who only verifies a
signature does not load one.
"""
