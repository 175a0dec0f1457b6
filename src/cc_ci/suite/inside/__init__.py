"""What runs inside the sandbox, beside the suite's own code, and so with its rights.

May import what both sides speak (`answers`, `protocol` and `report` of `cc_ci.suite`), what suites import
(`cc_ci.suite.contents`), `cc_ci.providers.api` and `cc_ci.system`, and nothing else of cc-ci. A run imports
nothing of it: it starts `session` and `seeding` as programs, by name.
"""
