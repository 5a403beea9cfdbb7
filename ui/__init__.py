"""The ways in for people: the web chat and the command line; they show an `Answer` and decide nothing."""
