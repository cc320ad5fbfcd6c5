"""Campaigns: thousands of random cases against real registries and hosts, each held against what really is there.

Too long for the gate, which runs a few cases of each. A finding is told with its seed, and comes again with it:

    python -m tests.campaigns.deletion --registry 2.8.2 --seed 7 --count 1000
"""
