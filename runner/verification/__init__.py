"""The verifier: a record and what is known from outside it become a verdict.

An island: of the runner it imports only `errors`, `vocabulary`, `canonical` and `spoken`, and shares no other code with
what writes records. Bytes are hashed as they are before anything is parsed.
"""
