"""`python -m cc_ci` is `cc-ci`."""

from cc_ci.cli.main import main

main()
