"""What runs inside the sandbox, beside the suite's own code, and so with its rights.

May import `cc_ci.suite.protocol`, `cc_ci.suite.report`, `cc_ci.suite.contents`, `cc_ci.providers.api` and
`cc_ci.system`, and nothing else of cc-ci. A run imports nothing of it: it starts `session` and `seeding` as
programs, by name.
"""
