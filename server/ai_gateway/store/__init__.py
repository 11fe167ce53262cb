"""What several processes of one person, or of one team, remember together: breakers, leases, answers, figures.

`base` says what a store is; `sqlite` keeps it in a file of this machine, `redis_store` on a server that a team shares.
"""
