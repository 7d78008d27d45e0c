"""Documents, and the script that makes those that are made: `docs.render`."""
