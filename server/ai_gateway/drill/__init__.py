"""The outage drill: one tier of a running gateway fails on purpose for a while, and a report says what that was like.

Nothing here is imported before somebody asks for a drill: `rehearsal.rehearse` holds one, `faults.FAULTS` says which
there are, `report.DrillReport` is what comes of it.
"""
