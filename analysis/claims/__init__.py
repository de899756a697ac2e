"""The survey's claims, judged: from the result tables to two words a claim, a verdict and a certainty.

``rules`` holds the published rules, ``registry`` reads ``data/claims.csv``, and the judging functions stand in a module
a subject (``arithmetic``, ``speed``, ``compiling``, ``sameness``, ``use``, ``using``, ``deploying``). Each reads result
tables only, takes every threshold from its claim and returns cells of evidence. The words follow from the rules alone:
``judging`` runs them all, ``history`` says which verdicts moved, ``page`` makes what the page shows.
"""
