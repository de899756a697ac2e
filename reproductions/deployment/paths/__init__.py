"""One module a path; modules whose names begin with an underscore hold what several of them share."""
