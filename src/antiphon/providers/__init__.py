"""Who answers, where, with which key and at what price; and the one door out to models."""
