"""A gateway that can reach nobody: three simulated upstreams on this machine, and settings that lead to them alone.

The demonstration uses the upstreams. In the server, nothing imports this but `--simulated`.
"""
