"""CI systems as sources of evidence: one module per system, one contract (`source.System`), two ways to ask.

What is asked goes through the login that is there (`gh`, `glab`) or over HTTPS with a token from the environment. A
token goes only to the host that it was issued for.

Paths, parameters and fields were checked against the systems' published documentation; none of it was tried against
the live services.
"""
