"""Looking at an app as its users do, through the proxy, and the checks that hold for every recipe."""
